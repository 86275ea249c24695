"""What events say of taste: the one rule, for one user and for all.

::

    listen           plays
    like             `LIKE_COUNT` plays; takes back a dislike or hide before it
    dislike, hide    never recommend the track; takes back no plays
    skip             nothing

Of the likes, dislikes and hides of one pair, the last counts: by time, unknown times first, then
by order of arrival.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import sqlalchemy as sa

from data.checks import id_problem
from data.history import History
from data.interactions import EVENTS, LIKE_COUNT, Feedback, Interactions
from data.store.database import Database
from data.store.reading import columns_of
from data.store.schema import events, users
from data.vocabulary import Vocabulary

_LISTEN, _LIKE, _DISLIKE, _HIDE = map(EVENTS.index, ("listen", "like", "dislike", "hide"))

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
_OF_ALL = sa.select(events.c.user_id, *_SAID).order_by(events.c.seq)


class FeedbackStore:
    """What events say of taste."""

    _database: Database

    def history(self, user_id: str, tracks: Vocabulary) -> History:
        """Return what one user did, in the indices of a vocabulary.

        Tracks outside the vocabulary are left out. Nothing is known of an unknown user.
        """
        if id_problem(user_id) is not None:
            return History()
        rows = self._database.fetch(_OF_USER, {"user_id": user_id})
        if not rows:
            return History()
        ids, code, count, at = zip(*rows, strict=True)
        distinct = {track: n for n, track in enumerate(dict.fromkeys(ids))}
        track = tracks.indices(list(distinct))[[distinct[i] for i in ids]]
        said = _Said(
            np.zeros(len(rows), np.int32),
            track,
            np.array(code, np.int8),
            np.array(count, np.float64),
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
            chunks = [_chunk(columns) for columns in columns_of(connection, _OF_ALL)]
        said = _Said(
            _encode((chunk[0] for chunk in chunks), of_users),
            _encode((chunk[1] for chunk in chunks), tracks),
            *(
                np.concatenate([np.empty(0, dtype), *(chunk[i] for chunk in chunks)])
                for i, dtype in ((2, np.int8), (3, np.float64), (4, np.int64))
            ),
        )
        del chunks
        return said.feedback(of_users, tracks)


@dataclass(frozen=True)
class _Said:
    """Events as arrays of shape (n,), in order of arrival; a track of -1 is outside."""

    user: npt.NDArray[np.int32]
    track: npt.NDArray[np.int32]
    code: npt.NDArray[np.int8]
    count: npt.NDArray[np.float64]
    at: npt.NDArray[np.int64]

    def feedback(self, users: Vocabulary, tracks: Vocabulary) -> Feedback:
        """Apply the rule."""
        inside = self.track >= 0
        positive = inside & ((self.code == _LISTEN) | (self.code == _LIKE))
        weight = np.where(self.code == _LIKE, LIKE_COUNT, 1.0) * self.count
        verdict = inside & ((self.code == _LIKE) | (self.code == _DISLIKE) | (self.code == _HIDE))
        hidden = self._last_of_pair(np.flatnonzero(verdict))
        hidden = hidden[self.code[hidden] != _LIKE]
        return Feedback(
            plays=self._interactions(users, tracks, rows=positive, count=weight[positive]),
            hidden=self._interactions(users, tracks, rows=hidden, count=np.ones(hidden.size)),
        )

    def _last_of_pair(self, rows: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
        """Return which of the rows is the last of its user and track."""
        # The sort is stable: rows of one time stay in order of arrival.
        order = rows[np.lexsort((self.at[rows], self.track[rows], self.user[rows]))]
        user, track = self.user[order], self.track[order]
        last = np.ones(order.size, np.bool_)
        last[:-1] = (user[1:] != user[:-1]) | (track[1:] != track[:-1])
        return np.asarray(order[last])

    def _interactions(
        self,
        users: Vocabulary,
        tracks: Vocabulary,
        *,
        rows: npt.NDArray[Any],
        count: npt.NDArray[np.float64],
    ) -> Interactions:
        return Interactions(
            users,
            tracks,
            self.user[rows],
            self.track[rows],
            count.astype(np.float32),
            self.at[rows],
        )


def _chunk(columns: Sequence[Sequence[Any]]) -> tuple[Any, ...]:
    """Pack the columns of `_OF_ALL`; ids become indices into the distinct ids of the chunk."""
    user, track, code, count, at = columns
    return (
        pa.array(user, pa.large_string()).dictionary_encode(),
        pa.array(track, pa.large_string()).dictionary_encode(),
        np.array(code, np.int8),
        np.array(count, np.float64),
        np.array(at, np.int64),
    )


def _encode(chunks: Iterable[pa.DictionaryArray], vocabulary: Vocabulary) -> npt.NDArray[np.int32]:
    """Return the indices of ids that come as dictionary-encoded chunks, shape (n,), int32."""
    kind = pa.dictionary(pa.int32(), pa.large_string())
    unified = pa.chunked_array(list(chunks), type=kind).unify_dictionaries()
    if not unified.num_chunks:
        return np.empty(0, np.int32)
    index = vocabulary.indices(unified.chunk(0).dictionary)
    return np.concatenate([index[chunk.indices.to_numpy()] for chunk in unified.chunks])
