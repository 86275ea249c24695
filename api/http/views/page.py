"""The page at `/`: plain files, nothing from elsewhere."""

from __future__ import annotations

from importlib.resources import files

from apiflask import APIBlueprint
from flask import Response, request
from werkzeug.exceptions import NotFound

blueprint = APIBlueprint("page", __name__, enable_openapi=False)

_TYPES = {
    "index.html": "text/html",
    "page.css": "text/css",
    "page.js": "text/javascript",
    "icon.svg": "image/svg+xml",
}
_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "media-src 'self'",
        "connect-src 'self'",
        "form-action 'none'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)


@blueprint.get("/")
def index() -> Response:
    """Answer the page."""
    response = _file("index.html")
    response.headers["Content-Security-Policy"] = _POLICY
    return response


@blueprint.get("/web/<name>")
def asset(name: str) -> Response:
    """Answer a file of the page."""
    if name not in _TYPES:
        raise NotFound
    return _file(name)


def _file(name: str) -> Response:
    response = Response((files("api.web") / name).read_bytes(), mimetype=_TYPES[name])
    response.headers["Cache-Control"] = "no-cache"  # a new version of the service shows at once
    response.add_etag()
    response.make_conditional(request)
    return response
