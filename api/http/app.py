"""The application factory."""

from __future__ import annotations

from importlib.metadata import version

from apiflask import APIFlask
from flask import Response, request

from api.http import openapi, problems
from api.http.paths import EncodedPaths, IdConverter
from api.http.services import EXTENSION, Services
from api.http.views import events, health, lists, lookup, page, recommendations, tracks, users

BLUEPRINTS = (
    recommendations.blueprint,
    tracks.blueprint,
    users.blueprint,
    events.blueprint,
    lookup.blueprint,
    lists.blueprint,
    health.blueprint,
    page.blueprint,
)


def create_app(services: Services) -> APIFlask:
    """Make the WSGI application of one process.

    Parameters
    ----------
    services : Services
        What it answers from; closed by whoever opened it.
    """
    app = APIFlask(
        "api.http",
        title="Segue",
        version=version("segue"),
        docs_path=None,  # its pages fetch scripts from elsewhere
        json_errors=False,
        static_folder=None,  # type: ignore[arg-type] # Flask takes it: there is none
    )
    app.config["MAX_CONTENT_LENGTH"] = services.settings.api.max_body_bytes
    app.url_map.merge_slashes = False  # an empty id is not the address of something else
    app.url_map.converters["id"] = IdConverter
    app.extensions[EXTENSION] = services
    openapi.describe(app)
    problems.register(app)
    app.after_request(_sign)
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    app.wsgi_app = EncodedPaths(app.wsgi_app)  # type: ignore[method-assign] # Flask's own way
    return app


def _sign(response: Response) -> Response:
    response.headers[problems.REQUEST_ID] = problems.request_id(request)
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
