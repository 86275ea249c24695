"""Reading requests into pydantic models: query strings, JSON bodies, forms with a file.

`RequestAdapter` takes the place of APIFlask's own adapter, which drops repeated parameters,
overlooks unknown ones and parses each query string anew. Here a query string is parsed once: the
model of an accepted one is remembered, so that a cached answer costs no validation.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any, NoReturn, TypeVar
from urllib.parse import parse_qsl

from apiflask import APIBlueprint
from apiflask.schema_adapters.pydantic import PydanticAdapter
from apiflask.schema_adapters.registry import registry
from flask import Request
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from werkzeug.exceptions import BadRequest, UnsupportedMediaType

from api.http.bodies import read_body
from api.http.problems import FieldError, FieldsError
from api.rule_files import key_fault, without_kind
from api.wording import field_name, sentence

M = TypeVar("M", bound=BaseModel)

SCHEMAS = "#/components/schemas/"
"""Where the description of the service holds its schemas."""

_REPEATABLE = "genre"
_MAX_PARAMETERS = 100
_MAX_REPORTED = 20


class RequestAdapter(PydanticAdapter):
    """Reads one part of a request into a model.

    Raises
    ------
    FieldsError
        If a parameter, field or value is unknown or wrong (422).
    BadRequest, UnsupportedMediaType
        If the body is not JSON (400), or not said to be (415).
    """

    def validate_input(self, request: Request, location: str, **kwargs: Any) -> BaseModel:  # noqa: ARG002
        """Return the model of a request's query, JSON body, or form and file."""
        model: type[BaseModel] = self.model_class
        if location == "query":
            found: BaseModel = parse_query(model, bytes(request.query_string))
            return found
        if location == "json":
            _no_query(request)
            return _parse_json(model, request)
        return _parse_form(model, request)

    def get_openapi_schema(self, **kwargs: Any) -> dict[str, Any]:  # noqa: ARG002
        """Return the schema of the model, which names others by their own names."""
        schema: dict[str, Any] = self.model_class.model_json_schema(
            ref_template=SCHEMAS + "{model}"
        )
        return schema


registry.register("pydantic", RequestAdapter)


class Blueprint(APIBlueprint):
    """A blueprint whose inputs are read by `RequestAdapter`: who imports it has registered that."""


@lru_cache(maxsize=4096)
def parse_query(model: type[M], query_string: bytes) -> M:
    """Return the model of a query string; the same object for the same bytes."""
    return _validate(model, _fields(_pairs(query_string)))


def _pairs(query_string: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(
            query_string.decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=_MAX_PARAMETERS,
        )
    except UnicodeDecodeError:
        problem = "The query string is not percent-encoded UTF-8."
    except ValueError:
        problem = f"The query string has more than {_MAX_PARAMETERS} parameters."
    raise BadRequest(problem)


def _fields(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for name, value in pairs:
        if name == _REPEATABLE:
            fields.setdefault(name, []).extend(value.split("|"))
        elif name in fields:
            text = f"`{name:.80}` may be given once only. Received: {value!r:.80} again."
            raise FieldsError([FieldError(field=name, detail=text)])
        else:
            fields[name] = value
    return fields


def _no_query(request: Request) -> None:
    if request.query_string:
        parse_query(NoParameters, request.query_string)


class NoParameters(BaseModel, extra="forbid", frozen=True):
    """The query of an endpoint that takes none."""


def _parse_json(model: type[M], request: Request) -> M:
    if not request.is_json:
        raise UnsupportedMediaType("The body must be JSON, with `Content-Type: application/json`.")
    try:
        return model.model_validate_json(read_body(request), strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        if first["type"] == "json_invalid":
            raise BadRequest(f"The body is not JSON: {first['ctx']['error']}.") from None
        _raise_invalid(model, error)


def _parse_form(model: type[M], request: Request) -> M:
    if request.mimetype != "multipart/form-data":
        raise UnsupportedMediaType("The body must be a form: `Content-Type: multipart/form-data`.")
    pairs = [*_pairs(request.query_string), *request.form.items(multi=True)]
    fields = _fields(pairs)
    for name, files in request.files.lists():
        if len(files) > 1 or name in fields:
            text = f"`{name:.80}` may be given once only."
            raise FieldsError([FieldError(field=name, detail=text)])
        fields[name] = files[0]
    return _validate(model, fields)


def _validate(model: type[M], fields: dict[str, Any]) -> M:
    try:
        return model.model_validate(fields)
    except ValidationError as error:
        _raise_invalid(model, error)


def _raise_invalid(model: type[BaseModel], error: ValidationError) -> NoReturn:
    found = error.errors(include_url=False)[:_MAX_REPORTED]
    raise FieldsError([_field_error(model, one) for one in found]) from None


def _field_error(model: type[BaseModel], error: ErrorDetails) -> FieldError:
    location = without_kind([p for p in error["loc"] if not str(p).startswith("function-")])
    in_rule = len(location) > 1 and location[0] == "rules"
    told = key_fault(error, location, form="json") if in_rule else None
    if told is not None:
        return FieldError(field=told[0], detail=told[1])
    text = sentence(error, location=location, form="json")
    if error["type"] == "extra_forbidden" and len(location) == 1:
        known = ", ".join(model.model_fields) or "none"
        text = f"`{location[0]!s:.80}` is not a parameter here. Known: {known}."
    return FieldError(field=field_name(location), detail=text)
