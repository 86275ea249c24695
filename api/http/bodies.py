"""Reading the bodies of requests whole, or not at all."""

from __future__ import annotations

from flask import Request, Response
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge

from api.http.problems import BROKEN_BODY, problem


def read_body(request: Request) -> bytes:
    """Return the body of a request.

    A body in chunks (`Transfer-Encoding: chunked`) does not say how long it is, and what werkzeug
    reads of one ends at the limit: whether more follows must be asked.

    Raises
    ------
    RequestEntityTooLarge
        If it is larger than `request.max_content_length` bytes (413).
    ClientDisconnected
        If it ends early (400).
    """
    body = request.get_data(cache=False)
    full = request.content_length is None and len(body) == request.max_content_length
    if full and _has_more(request):
        raise RequestEntityTooLarge
    return body


def _has_more(request: Request) -> bool:
    try:
        return bool(request.input_stream.read(1))
    except OSError:
        raise ClientDisconnected from None


def broken_body(error: Exception) -> Response:  # noqa: ARG001 - where it broke helps nobody
    """Answer a body that the server cannot take apart: 400, for the sender broke it."""
    return problem(400, BROKEN_BODY)
