"""Fields of requests that several endpoints take."""

from __future__ import annotations

from typing import Annotated, Any

from apiflask.fields import UploadFile
from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo
from werkzeug.datastructures import FileStorage

from data.checks import id_problem
from engine.request import MAX_N
from ranker.rules import AnyRule, Rules

MAX_RULES = 20
"""Most rules in one request."""


def _valid_id(value: str) -> str:
    problem = id_problem(value)
    if problem is not None:
        raise ValueError(problem)
    return value


def _flag(value: Any, info: ValidationInfo) -> Any:
    """Read a boolean of a query string; in JSON it is one already, and a text is none."""
    if info.mode == "json" or not isinstance(value, str):
        return value
    if value.lower() not in ("true", "false"):
        raise ValueError("must be true or false")
    return value.lower() == "true"


def _file(value: Any) -> Any:
    if not isinstance(value, FileStorage):
        raise ValueError("must be a file")  # noqa: TRY004 - pydantic passes a TypeError through
    return value


def _without_files(rules: tuple[AnyRule, ...]) -> tuple[AnyRule, ...]:
    """Refuse rules that would have the server read a file."""
    for rule in rules:
        if rule.where is not None and any(rule.where.files):
            raise ValueError(
                f"must not name files: leave `listed` of {rule.name!r} to the settings, or use "
                "`track`"
            )
    return rules


def counted(schema: dict[str, Any]) -> None:
    """Describe a limit as one of items: behind a validator, pydantic takes them for letters."""
    schema["maxItems"] = schema.pop("maxLength")


Id = Annotated[str, AfterValidator(_valid_id), Field(description="An id: 1 to 256 bytes.")]
Flag = Annotated[bool, BeforeValidator(_flag)]
Upload = Annotated[UploadFile, BeforeValidator(_file)]
Genres = Annotated[tuple[str, ...], Field(max_length=100)]
Number = Annotated[int, Field(ge=1, le=MAX_N, description="How many items.")]
RequestRules = Annotated[Rules, Field(max_length=MAX_RULES), AfterValidator(_without_files)]
PageSize = Annotated[int, Field(ge=1, le=MAX_N, description="How many items a page.")]
After = Annotated[
    Id | None, Field(description="`next` of the page before: the last id that it held.")
]
