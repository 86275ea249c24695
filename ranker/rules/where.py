"""The selector of a rule: which tracks it is about."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from data.checks import id_problem

MAX_NAMES = 1_000


class RuleModel(BaseModel):
    """Base of rules and their parts: frozen, and unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", serialize_by_alias=True)


def _several(value: Any) -> Any:
    if isinstance(value, str):
        return (value,)
    return tuple(value) if isinstance(value, list) else value


def _some_text(values: tuple[str, ...]) -> tuple[str, ...]:
    if any(not value.strip() for value in values):
        raise ValueError("must not hold an empty name")
    return values


def _valid_ids(values: tuple[str, ...]) -> tuple[str, ...]:
    for value in values:
        problem = id_problem(value)
        if problem is not None:
            raise ValueError(f"holds an id that {problem}")
    return values


def _possible_path(path: Path) -> Path:
    if "\0" in str(path):
        raise ValueError("must be the path of a file, without a NUL character")
    return path


def _day(value: Any) -> Any:
    """Read a day as JSON has it; a number is none: 2026 would be seconds since 1970."""
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        raise ValueError("must be an ISO date such as 2026-12-24") from None


# Read here and not by pydantic: bodies of requests are strict, and a string is no date there.
_Several = Annotated[
    tuple[str, ...], Field(min_length=1, max_length=MAX_NAMES), BeforeValidator(_several)
]
Names = Annotated[_Several, AfterValidator(_some_text)]
Ids = Annotated[_Several, AfterValidator(_valid_ids)]
Day = Annotated[date, BeforeValidator(_day)]
ListPath = Annotated[Path, AfterValidator(_possible_path)]


class Conditions(RuleModel):
    """Conditions on tracks. Of several values of one key, any will do; case does not matter."""

    genre: Names | None = Field(None, description="Of any of these genres.")
    artist: Names | None = Field(None, description="By any of these artists.")
    album: Names | None = Field(None, description="On any of these albums.")
    license: Names | None = Field(None, description="Under any of these licences.")
    track: Ids | None = Field(None, description="One of these track ids.")
    listed: ListPath | None = Field(
        None, description="In this file of track ids, one a line; read again when it changes."
    )
    released_after: Day | None = Field(None, description="Released on this day or later.")
    released_before: Day | None = Field(None, description="Released before this day.")
    heard: bool | None = Field(None, description="Whether anybody had played it in the training.")

    @property
    def given(self) -> dict[str, Any]:
        """The conditions that are set, by key."""
        return {n: v for n in Conditions.model_fields if (v := getattr(self, n)) is not None}


class Where(Conditions):
    """A selector: every condition of its own holds, and none of those under `not`."""

    not_: Conditions | None = Field(
        None, alias="not", description="Conditions of which none may hold."
    )

    @model_validator(mode="after")
    def _says_something(self) -> Where:
        if not self.given and (self.not_ is None or not self.not_.given):
            raise ValueError("must hold a condition, such as genre")
        return self

    @property
    def files(self) -> Iterator[Path]:
        """The files that the selector reads."""
        for conditions in (self, self.not_):
            if conditions is not None and conditions.listed is not None:
                yield conditions.listed
