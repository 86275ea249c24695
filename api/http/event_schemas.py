"""What `POST /v1/events` takes, one event at a time."""

from __future__ import annotations

import math
import time
from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from api.http.fields import Id
from api.http.schemas import Input
from data.store import Event
from data.store.schema import DERIVED

_EXPECTED = "must be ISO 8601 or Unix seconds"

FUTURE_S = 24 * 3600
"""How far ahead of ours a sender's clock may be, in seconds."""


def _seconds(value: object) -> int | None:
    """Return Unix seconds of ISO 8601 (UTC where no zone is named) or Unix seconds.

    As in listens files, a text that is a number is Unix seconds, also one like "20240131".
    """
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError(_EXPECTED)  # noqa: TRY004 - pydantic passes a TypeError through
    seconds = _parsed(value) if isinstance(value, str) else float(value)
    if not math.isfinite(seconds) or seconds < 0:
        raise ValueError("must not be before 1970")
    if seconds > time.time() + FUTURE_S:
        raise ValueError("lies in the future; give ISO 8601 or Unix seconds, not milliseconds")
    return int(seconds)


def _parsed(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ValueError(_EXPECTED) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return moment.timestamp()


def _of_a_sender(event_id: str) -> str:
    if event_id.startswith(DERIVED):
        raise ValueError(f"must not begin with {DERIVED!r}")
    return event_id


EventId = Annotated[Id, AfterValidator(_of_a_sender)]


class EventIn(Input):
    """Something that a user did with a track."""

    user_id: Id
    track_id: Id
    event: Literal["listen", "like", "dislike", "skip", "hide"] = Field(
        "listen", description="What the user did."
    )
    event_id: EventId | None = Field(
        None, description="The sender's name for it; a repeated delivery is stored once."
    )
    listened_at: Annotated[
        int | None,
        BeforeValidator(_seconds),
        WithJsonSchema({"type": ["string", "number", "null"]}),
    ] = Field(None, description="ISO 8601 or Unix seconds; by default the time of arrival.")
    played_ms: int | None = Field(
        None, ge=0, lt=1 << 53, description="Milliseconds that the user heard."
    )

    def as_event(self) -> Event:
        """Return the event as the store takes it."""
        return Event(
            self.event_id,
            self.user_id,
            self.track_id,
            self.event,
            listened_at=self.listened_at,
            played_ms=self.played_ms,
        )


class EventsBody(Input):
    """A batch of events."""

    events: tuple[EventIn, ...] = Field(description="All are stored, or none.")
