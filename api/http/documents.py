"""Documents of the answers, and the schemas that describe them in OpenAPI."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any, Literal

from flask import Response
from pydantic import BaseModel, Field

from api.http.paths import encode_id
from data.catalog import Track


class BecauseOf(BaseModel):
    """A played track that led to an item."""

    track_id: str
    title: str | None


class Reasons(BaseModel):
    """Why a track was recommended."""

    text: str = Field(description="In words that a product can show.")
    because: list[BecauseOf] = Field(description="Played tracks that led to it.")
    sound: float = Field(description="Share of its score that is due to sound, 0 to 1.")
    behaviour: float = Field(description="Share that is due to behaviour.")
    popularity: float = Field(description="Share that is due to popularity.")
    rule: str | None = Field(description="The rule that moved it, if one did.")


class Passages(BaseModel):
    """A passage of the track that was asked about, and one of the item that sounds like it."""

    from_: float = Field(alias="from", description="Where it begins, in seconds.")
    to: float = Field(description="Where it ends.")
    item_from: float = Field(description="Where the one of the item begins.")
    item_to: float = Field(description="Where that one ends.")
    similarity: float = Field(description="Mean cosine of what they sound like, above 0, up to 1.")


class TrackItem(BaseModel):
    """A recommended or similar track."""

    track_id: str
    title: str | None
    artist: str | None
    score: float = Field(description="Comparable within one answer.")
    sources: list[str] = Field(description="Which retrievers proposed it.")
    reasons: Reasons | None = Field(None, description="Only with `explain`.")
    segments: list[Passages] | None = Field(
        None,
        description="Where a similar track sounds like the one asked about, best first; only "
        "where sound was asked for, and both were embedded from their files.",
    )


class ListenerItem(BaseModel):
    """A user who would want a track."""

    user_id: str
    score: float = Field(
        description="About 1 for what the user plays, about 0 for the rest; comparable within "
        "one answer."
    )


class TrackList(BaseModel):
    """Tracks of one bundle, best first."""

    items: list[TrackItem]
    bundle: str = Field(description="The bundle that answered.")
    generated_at: datetime


class ListenerList(BaseModel):
    """Users, the likeliest first."""

    by: Literal["plays", "sound"] | None = Field(
        description="What they were found by: the track's plays, or its sound where nobody has "
        "played it; null where nothing is known of it."
    )
    items: list[ListenerItem]
    bundle: str
    generated_at: datetime


class LookupAnswer(TrackList):
    """What is known of an uploaded file."""

    listeners: list[ListenerItem] = Field(description="The users who would most want it.")
    duplicate_of: str | None = Field(
        description="The track of the catalogue that is the same recording, re-encoded or "
        "trimmed; null if there is none."
    )


class RuleMove(BaseModel):
    """A track that a rule moved, brought into the answer, or put out of it."""

    track_id: str
    from_: int | None = Field(
        alias="from", description="Its place before, from 1; null where it was not proposed."
    )
    to: int | None = Field(description="Its place after; null where it left the answer.")


class RuleOutcome(BaseModel):
    """What one rule did to an answer."""

    name: str
    kind: str
    origin: Literal["settings", "request"] = Field(description="Where the rule comes from.")
    in_force: bool = Field(
        description="Whether it counted: false for another placement, or at another time."
    )
    matched: int | None = Field(description="Tracks of the catalogue that it is about.")
    removed: int = Field(description="Tracks that it took out of what could have been answered.")
    removed_tracks: list[str] = Field(description="The first 20 of these.")
    moves: list[RuleMove] = Field(description="Tracks that it moved, by their new place.")
    unfulfilled: list[str] = Field(description="What it asks for and the answer does not hold.")


class Recommendations(TrackList):
    """Recommended tracks."""

    user_id: str | None = Field(description="None for an anonymous request.")
    cache: Literal["hit", "miss", "bypass"] = Field(
        description="Whether the answer was kept, computed, or computed because the request "
        "said `Cache-Control: no-cache` or `dry_run` (or there is no cache)."
    )
    fallback: str | None = Field(
        description="The signal that stood in where the strategy had nothing to say."
    )
    recommendation_id: str = Field(description="The same for the same bundle, user and query.")
    rules: list[RuleOutcome] | None = Field(
        None, description="What each rule did, in the order of application; only with `dry_run`."
    )
    experiment: str | None = Field(description="The experiment that the answer is part of.")
    variant: str | None = Field(
        description="The user's variant; null without an experiment, and where two are interleaved."
    )


class TrackDocument(BaseModel):
    """A track of the catalogue."""

    track_id: str
    title: str | None
    artist: str | None
    album: str | None
    genre: str | None = Field(description="Several genres are joined by `|`.")
    released_at: str | None
    license: str | None
    audio: str | None = Field(description="Where its sound file can be fetched, if it has one.")


class TrackPage(BaseModel):
    """A page of the catalogue."""

    items: list[TrackDocument]
    next: str | None = Field(description="`after` of the next page; null on the last one.")


class UserDocument(BaseModel):
    """A user."""

    user_id: str


class UserPage(BaseModel):
    """A page of the users."""

    items: list[UserDocument]
    next: str | None


class EventsAnswer(BaseModel):
    """What became of a batch of events."""

    accepted: int = Field(description="Events stored.")
    duplicates: int = Field(description="Events that had been stored before.")


def track_document(track: Track) -> dict[str, Any]:
    """Describe a track; where its file lies on the server is nobody's business."""
    fields = track.as_dict()
    has_audio = fields.pop("audio_path") is not None
    audio = f"/v1/tracks/{encode_id(track.track_id)}/audio" if has_audio else None
    return {**fields, "audio": audio}


def now() -> str:
    """Return the time in UTC, ISO 8601, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def encode(document: dict[str, Any]) -> bytes:
    """Return a document as compact JSON; ValueError if it holds what JSON has no number for."""
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.encode("utf-8")


def answer(document: dict[str, Any], status: int = 200) -> Response:
    """Return a document as a response."""
    return Response(encode(document), status, mimetype="application/json")
