"""The description of the service in OpenAPI 3.1, at `/openapi.json`."""

from __future__ import annotations

from typing import Any

from apiflask import APIFlask

from api.http.problems import MIME, REQUEST_ID, RETRY_AFTER_S, Problem
from api.http.queries import SCHEMAS
from api.http.rule_schemas import widen

_DESCRIPTION = """Hybrid music recommendation: what a track sounds like and who plays it, blended.

Ids in paths are percent-encoded, slashes too. Errors are problem details (RFC 9457). Every
response has an `X-Request-Id`, the sender's own if it sent a sane one."""

_GENERATED = ("HTTPError", "ValidationError")  # how APIFlask calls the schemas of its errors
_RETRY_AFTER = "Retry-After"
_HEADERS = {
    REQUEST_ID: {
        "description": "The id under which the service logs the request.",
        "schema": {"type": "string"},
    },
    _RETRY_AFTER: {
        "description": f"Seconds after which to try again: {RETRY_AFTER_S}.",
        "schema": {"type": "integer"},
    },
}


def describe(app: APIFlask) -> None:
    """Set up what an application says of itself."""
    schema = Problem.model_json_schema(ref_template=SCHEMAS + "{model}")
    definitions = schema.pop("$defs")
    app.config.update(
        DESCRIPTION=_DESCRIPTION,
        AUTO_SERVERS=False,  # it would remember whatever `Host` came first
        HTTP_ERROR_SCHEMA=schema,
        VALIDATION_ERROR_SCHEMA=schema,
        VALIDATION_ERROR_DESCRIPTION="A parameter or field is wrong",
        NOT_FOUND_DESCRIPTION="Not in the catalogue",
    )

    def finish(spec: dict[Any, Any] | str) -> dict[Any, Any] | str:
        assert isinstance(spec, dict)
        components = spec["components"]
        schemas = _each_once(components["schemas"])
        schemas.update({"Problem": schema, **definitions})
        widen(schemas)
        components["schemas"] = dict(sorted(schemas.items()))
        components["headers"] = _HEADERS
        # APIFlask expects a 404 of every path with a parameter; an unknown user has an answer.
        spec["paths"]["/v1/users/{user_id}/recommendations"]["get"]["responses"].pop("404", None)
        for operations in spec["paths"].values():
            for operation in operations.values():
                _complete(operation)
        return spec

    app.spec_processor(finish)


def _each_once(schemas: dict[str, Any]) -> dict[str, Any]:
    """Return the schemas by their own names; APIFlask puts the name of who uses one before it."""
    return {n.rpartition(".")[2]: s for n, s in schemas.items() if n not in _GENERATED}


def _complete(operation: dict[str, Any]) -> None:
    responses = operation["responses"]
    if "422" in responses:  # who reads a query string may fail to
        responses.setdefault("400", {"description": "The query string or body cannot be read"})
    if "requestBody" in operation:
        operation["requestBody"]["required"] = True
    for status, response in responses.items():
        names = [REQUEST_ID, _RETRY_AFTER] if status == "503" else [REQUEST_ID]
        headers = {name: {"$ref": f"#/components/headers/{name}"} for name in names}
        response["headers"] = {**headers, **response.get("headers", {})}
        if status[0] in "45":
            response["content"] = {MIME: {"schema": {"$ref": SCHEMAS + "Problem"}}}
        elif not response.get("content", True):
            del response["content"]  # 304 has none
    operation["responses"] = dict(sorted(responses.items()))
