"""What events of the store say of taste; the rule is that of `data.feedback`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import sqlalchemy as sa

from data.checks import id_problem
from data.feedback import EventColumns, EventPart, feedback_from_parts, plays_of
from data.history import History
from data.interactions import EVENTS, Feedback
from data.store.database import Database
from data.store.reading import columns_of
from data.store.schema import events, users
from data.vocabulary import Vocabulary

_CODE = sa.case({name: code for code, name in enumerate(EVENTS)}, value=events.c.event)
_SAID = (
    events.c.track_id,
    _CODE.label("code"),
    events.c.count,
    sa.func.coalesce(events.c.listened_at, -1).label("at"),
)
_OF_USER = (
    sa.select(*_SAID).where(events.c.user_id == sa.bindparam("user_id")).order_by(events.c.seq)
)
_BEFORE = (
    sa.select(*_SAID)
    .where(
        events.c.user_id == sa.bindparam("user_id"),
        sa.func.coalesce(events.c.listened_at, -1) < sa.bindparam("before", type_=sa.BigInteger),
    )
    .order_by(events.c.seq)
)
_OF_ALL = sa.select(events.c.user_id, *_SAID).order_by(events.c.seq)


class FeedbackStore:
    """What events say of taste."""

    _database: Database

    def history(self, user_id: str, tracks: Vocabulary, *, before: int | None = None) -> History:
        """Return what one user did, in the indices of a vocabulary.

        Tracks outside the vocabulary are left out. Nothing is known of an unknown user.

        Parameters
        ----------
        user_id : str
        tracks : Vocabulary
        before : int, optional
            Unix seconds: only what is said to have been done earlier, and what has no time.
        """
        if id_problem(user_id) is not None:
            return History()
        if before is None:
            rows = self._database.fetch(_OF_USER, {"user_id": user_id})
        else:
            rows = self._database.fetch(_BEFORE, {"user_id": user_id, "before": before})
        if not rows:
            return History()
        ids, code, count, at = zip(*rows, strict=True)
        distinct = {track: n for n, track in enumerate(dict.fromkeys(ids))}
        track = tracks.indices(list(distinct))[[distinct[i] for i in ids]]
        codes = np.array(code, np.int8)
        said = EventColumns(
            np.zeros(len(rows), np.int32),
            track,
            codes,
            plays_of(codes, np.array(count, np.float64)),
            np.array(at, np.int64),
        )
        return said.feedback(Vocabulary([user_id]), tracks).history(0)

    def load_feedback(self, tracks: Vocabulary) -> Feedback:
        """Return what all users did; the users are all known ones, sorted.

        Takes about 30 bytes of memory an event, besides the vocabularies.
        """
        with self._database.read() as connection:
            known = sa.select(users.c.user_id).order_by(users.c.user_id)
            of_users = Vocabulary(list(connection.execute(known).scalars()))
            parts = map(_part, columns_of(connection, _OF_ALL))
            return feedback_from_parts(parts, users=of_users, tracks=tracks)


def _part(columns: Sequence[Sequence[Any]]) -> EventPart:
    """Pack the columns of `_OF_ALL`."""
    user, track, code, count, at = columns
    codes = np.array(code, np.int8)
    return EventPart(
        pa.array(user, pa.large_string()).dictionary_encode(),
        pa.array(track, pa.large_string()).dictionary_encode(),
        codes,
        plays_of(codes, np.array(count, np.float64)),
        np.array(at, np.int64),
    )
