"""Ids in paths: percent-encoded, slashes too.

WSGI servers decode `%2F` in `PATH_INFO`, so an id with a slash could not be told from two
segments. `EncodedPaths` puts the path as it was sent back in its place, in one normal form, and
`IdConverter` decodes each id once, after the route is known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote, unquote, unquote_to_bytes, urlsplit

from werkzeug.routing import BaseConverter

if TYPE_CHECKING:
    from collections.abc import Iterable

    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


class EncodedPaths:
    """WSGI middleware that leaves `PATH_INFO` percent-encoded.

    Parameters
    ----------
    app : callable
        The application behind it.
    """

    def __init__(self, app: WSGIApplication) -> None:
        self._app = app

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        environ["PATH_INFO"] = _encoded_path(environ)
        return self._app(environ, start_response)


class IdConverter(BaseConverter):
    """A whole segment of the path that is an id; bytes that are not UTF-8 become surrogates."""

    def to_python(self, value: str) -> str:
        """Decode a segment."""
        return unquote(value, errors="surrogateescape")

    def to_url(self, value: str) -> str:
        """Encode an id as one segment."""
        return encode_id(value)


def encode_id(value: str) -> str:
    """Encode an id as one segment of a path."""
    return quote(value, safe="")


def _encoded_path(environ: WSGIEnvironment) -> str:
    target: str = environ.get("RAW_URI") or environ.get("REQUEST_URI") or ""
    if not target:  # a server that does not say what was sent: slashes in ids are lost
        return quote(environ.get("PATH_INFO", "/").encode("latin-1"), safe="/")
    if not target.startswith("/"):
        target = urlsplit(target).path or "/"
    path = target.partition("?")[0].partition("#")[0]
    script: str = environ.get("SCRIPT_NAME", "")
    if script and path.startswith(script):
        path = path.removeprefix(script)
    return _normal(path)


def _normal(path: str) -> str:
    """Encode the same characters in every path, so that `%41` and `A` are the same route."""
    if "%" not in path and path.isascii():
        return path
    segments = (unquote_to_bytes(s.encode("latin-1", "replace")) for s in path.split("/"))
    return "/".join(quote(segment, safe="") for segment in segments)
