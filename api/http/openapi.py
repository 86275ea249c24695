"""The description of the service in OpenAPI 3.1, at `/openapi.json`."""

from __future__ import annotations

from typing import Any

from apiflask import APIFlask

from api.http.problems import MIME, Problem

_DESCRIPTION = """Hybrid music recommendation: what a track sounds like and who plays it, blended.

Ids in paths are percent-encoded, slashes too. Errors are problem details (RFC 9457). Every
response has an `X-Request-Id`, the sender's own if it sent a sane one."""

_GENERATED = ("HTTPError", "ValidationError")  # how APIFlask calls the schemas of its errors


def describe(app: APIFlask) -> None:
    """Set up what an application says of itself."""
    schema = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
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
        schemas = spec["components"]["schemas"]
        for name in _GENERATED:
            schemas.pop(name, None)
        schemas.update({"Problem": schema, **definitions})
        # APIFlask expects a 404 of every path with a parameter; an unknown user has an answer.
        spec["paths"]["/v1/users/{user_id}/recommendations"]["get"]["responses"].pop("404", None)
        for operations in spec["paths"].values():
            for operation in operations.values():
                _mark_problems(operation["responses"])
        return spec

    app.spec_processor(finish)


def _mark_problems(responses: dict[str, Any]) -> None:
    for status, response in responses.items():
        if status[0] in "45":
            reference = {"$ref": "#/components/schemas/Problem"}
            response["content"] = {MIME: {"schema": reference}}
