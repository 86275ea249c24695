"""Events one at a time; see `listens` for imports in bulk."""

from __future__ import annotations

import math
import secrets
import time
import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from data.checks import check_choice, check_id
from data.errors import ParameterError, UnknownTrack
from data.interactions import EVENTS
from data.store.database import Database, Raced, written
from data.store.rows import MAX_AT, MAX_MS
from data.store.schema import DERIVED, events, tracks, users

_LOOKED_UP = 5_000  # values a look-up; databases limit the parameters of a statement


@dataclass(frozen=True)
class Event:
    """Something that a user did with a track.

    Attributes
    ----------
    event_id : str or None
        The sender's name for it, by which a repeated delivery is known; None for none.
    user_id, track_id : str
    event : str
        One of `data.interactions.EVENTS`.
    listened_at : int or None
        Unix seconds; None for the time at which the store receives it.
    played_ms : int or None
        Milliseconds played.
    count : float
        How many such events it stands for, above zero.

    Raises
    ------
    ParameterError
        If a value is invalid.
    """

    event_id: str | None
    user_id: str
    track_id: str
    event: str
    listened_at: int | None = None
    played_ms: int | None = None
    count: float = 1.0

    def __post_init__(self) -> None:
        check_id("user_id", self.user_id)
        check_id("track_id", self.track_id)
        check_choice("event", self.event, EVENTS)
        if self.event_id is not None and check_id("event_id", self.event_id).startswith(DERIVED):
            raise ParameterError(
                f"`event_id` must not begin with {DERIVED!r}. Received: {self.event_id!r:.80}."
            )
        _check_whole("listened_at", self.listened_at, below=MAX_AT)
        _check_whole("played_ms", self.played_ms, below=MAX_MS)
        if not (math.isfinite(self.count) and self.count > 0):
            raise ParameterError(
                f"`count` must be a finite number above zero. Received: {self.count!r}."
            )


@dataclass(frozen=True)
class AddedEvents:
    """What became of a batch: events stored, and events that had been stored before."""

    accepted: int
    duplicates: int


class EventStore:
    """Events one at a time."""

    _database: Database

    def add_events(self, batch: Sequence[Event]) -> AddedEvents:
        """Store events, all or none, durable on return; repeated deliveries are recognised.

        Each user of a stored event has a new version from then on.

        Raises
        ------
        UnknownTrack
            If a track is not in the catalogue; nothing is stored.
        """
        now = int(time.time())
        rows: dict[str, dict[str, Any]] = {}
        for event in batch:
            row = _row(event, now)
            rows.setdefault(row["event_id"], row)
        if not rows:
            return AddedEvents(0, 0)
        accepted = self._database.write(lambda connection: _add(connection, self._database, rows))
        return AddedEvents(accepted, len(batch) - accepted)


def _check_whole(name: str, value: int | None, *, below: int) -> None:
    if value is None:
        return
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < below:
        raise ParameterError(
            f"`{name}` must be an integer from 0 to {below - 1}. Received: {value!r:.80}."
        )


def _row(event: Event, now: int) -> dict[str, Any]:
    return {
        "event_id": uuid.uuid4().hex if event.event_id is None else event.event_id,
        "user_id": event.user_id,
        "track_id": event.track_id,
        "event": event.event,
        "count": float(event.count),
        "listened_at": now if event.listened_at is None else event.listened_at,
        "played_ms": event.played_ms,
    }


def _add(connection: sa.Connection, database: Database, rows: dict[str, dict[str, Any]]) -> int:
    wanted = {row["track_id"]: None for row in rows.values()}
    unknown = wanted.keys() - existing(connection, tracks.c.track_id, wanted)
    if unknown:
        first = next(track for track in wanted if track in unknown)
        raise UnknownTrack(f"There is no track {first!r} in the catalogue. Add it first.")
    stored = existing(connection, events.c.event_id, rows)
    fresh = [row for event_id, row in rows.items() if event_id not in stored]
    if not fresh:
        return 0
    _touch(connection, database, {row["user_id"] for row in fresh})
    insert = database.insert(events).on_conflict_do_nothing(index_elements=["event_id"])
    if written(connection, insert.inline(), fresh) != len(fresh):
        raise Raced  # the same delivery, twice at once: look again which events are stored
    return len(fresh)


def _touch(connection: sa.Connection, database: Database, user_ids: Collection[str]) -> None:
    """Give users a new version, and with it take their row locks, which orders writers.

    In one order for all, so that no two writers wait for each other.
    """
    version = secrets.token_hex(16)
    insert = database.insert(users)
    insert = insert.on_conflict_do_update(
        index_elements=["user_id"], set_={"version": insert.excluded.version}
    )
    rows = [{"user_id": user, "version": version} for user in sorted(user_ids)]
    connection.execute(insert, rows)


def existing(
    connection: sa.Connection, column: sa.Column[str], values: Collection[str]
) -> set[str]:
    """Return which of the values a column holds."""
    found: set[str] = set()
    listed = list(values)
    for start in range(0, len(listed), _LOOKED_UP):
        part = listed[start : start + _LOOKED_UP]
        found.update(connection.execute(sa.select(column).where(column.in_(part))).scalars())
    return found
