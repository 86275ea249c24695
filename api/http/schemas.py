"""What the endpoints take: query strings, bodies and forms."""

from __future__ import annotations

import json
from functools import cached_property

from pydantic import BaseModel, ConfigDict, Field

from api.http.fields import After, Flag, Genres, Id, Number, PageSize, RequestRules, Upload, counted
from api.http.genres import genre_names
from engine.request import MAX_N, Similarity, Strategy


class Input(BaseModel):
    """Base of everything that an endpoint takes: frozen, and unknown names are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Options(Input):
    """What every recommendation can be asked for."""

    n: Number = 20
    exclude_seen: Flag = Field(True, description="Whether played tracks are left out.")
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
    explain: Flag = Field(False, description="Whether each item says why it is there.")
    dry_run: Flag = Field(False, description="Whether the answer says what each rule did.")

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
        (), description="Rules, applied behind those of the settings.", json_schema_extra=counted
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

    exclude_played: Flag = Field(True, description="Whether users who played it are left out.")


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

    file: Upload = Field(description="A sound file: MP3, OGG, FLAC, WAV or AIFF.")
    n: Number = 20
