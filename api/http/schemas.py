"""What the endpoints take: query strings, bodies and forms."""

from __future__ import annotations

import json
from functools import cached_property
from typing import Annotated, Any

from apiflask.fields import UploadFile
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from api.http.genres import genre_names
from data.checks import id_problem
from engine.request import MAX_N, Similarity, Strategy
from ranker.rules import AnyRule, Rules

MAX_RULES = 20
"""Most rules in one request."""


def _valid_id(value: str) -> str:
    problem = id_problem(value)
    if problem is not None:
        raise ValueError(problem)
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


def _counted(schema: dict[str, Any]) -> None:
    """Describe a limit as one of items: behind a validator, pydantic takes them for letters."""
    schema["maxItems"] = schema.pop("maxLength")


Id = Annotated[str, AfterValidator(_valid_id), Field(description="An id: 1 to 256 bytes.")]
Genres = Annotated[tuple[str, ...], Field(max_length=100)]
Number = Annotated[int, Field(ge=1, le=MAX_N, description="How many items.")]
RequestRules = Annotated[Rules, Field(max_length=MAX_RULES), AfterValidator(_without_files)]
PageSize = Annotated[int, Field(ge=1, le=MAX_N, description="How many items a page.")]
After = Annotated[
    Id | None, Field(description="`next` of the page before: the last id that it held.")
]


class Input(BaseModel):
    """Base of everything that an endpoint takes: frozen, and unknown names are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Options(Input):
    """What every recommendation can be asked for."""

    n: Number = 20
    exclude_seen: bool = Field(True, description="Whether played tracks are left out.")
    artist_cap: int | None = Field(
        None,
        ge=1,
        le=MAX_N,
        description="At most so many tracks an artist, while others are left; by default the "
        "setting `ranker.artist_cap`.",
    )
    diversity: float | None = Field(
        None,
        ge=0,
        le=1,
        allow_inf_nan=False,
        description="0 (by score alone) to 1 (as different in sound as can be); by default "
        "the setting `ranker.diversity`.",
    )
    explore: float | None = Field(
        None,
        ge=0,
        le=1,
        allow_inf_nan=False,
        description="Share of the items that are uncertain new tracks, with the strategy "
        "`hybrid`; by default the setting `ranker.explore`.",
    )
    strategy: Strategy = Field("hybrid", description="Both signals, or one of them only.")
    placement: str | None = Field(
        None,
        max_length=256,
        description="Where the answer will be shown; any text. Rules and experiments of the "
        "settings may be for some placements only; apart from these it changes nothing.",
    )
    explain: bool = Field(False, description="Whether each item says why it is there.")
    dry_run: bool = Field(False, description="Whether the answer says what each rule did.")

    @cached_property
    def canonical(self) -> str:
        """Everything that the answer depends on, in one form."""
        fields = self.model_dump(mode="json", exclude={"placement"})
        for name in fields.keys() & {"genre", "genres"}:
            fields[name] = genre_names(fields[name])
        return json.dumps(fields, sort_keys=True, separators=(",", ":"))


class RecommendationQuery(Options):
    """The query of a user's recommendations."""

    genre: Genres = Field(
        (),
        description="Only tracks of any of these genres: several by repeating the parameter, "
        "or joined by `|`.",
    )


class RecommendationBody(Options):
    """The body of anonymous recommendations."""

    seed_tracks: tuple[Id, ...] = Field(
        (), max_length=MAX_N, description="Tracks that are liked, or were just played."
    )
    disliked_tracks: tuple[Id, ...] = Field(
        (), max_length=MAX_N, description="Tracks that are never answered."
    )
    genres: Genres = Field((), description="Only tracks of any of these genres.")
    rules: RequestRules = Field(
        (), description="Rules, applied behind those of the settings.", json_schema_extra=_counted
    )


class SimilarQuery(Input):
    """The query of similar tracks."""

    n: Number = 20
    by: Similarity = Field("hybrid", description="By sound, by listeners, or by both.")


class CountQuery(Input):
    """A number of items."""

    n: Number = 20


class ListenersQuery(CountQuery):
    """The query of a track's listeners."""

    exclude_played: bool = Field(True, description="Whether users who played it are left out.")


class PopularQuery(CountQuery):
    """The query of popular tracks."""

    genre: Genres = Field((), description="Only tracks of any of these genres.")


class TracksQuery(Input):
    """The query of the catalogue."""

    q: str | None = Field(
        None, max_length=256, description="Only tracks whose id, title, artist or album holds it."
    )
    limit: PageSize = 20
    after: After = None


class UsersQuery(Input):
    """The query of the users."""

    prefix: str | None = Field(None, max_length=256, description="Only ids that begin with it.")
    limit: PageSize = 20
    after: After = None


class LookupForm(Input):
    """The form of a look-up; `n` may stand in the query instead."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    file: UploadFile = Field(description="A sound file: MP3, OGG, FLAC, WAV or AIFF.")
    n: Number = 20
