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

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from data.encoding import encode
from data.interactions import EVENTS, LIKE_COUNT, Feedback, Interactions
from data.vocabulary import Vocabulary

_LIKE = EVENTS.index("like")
_POSITIVE = np.array([name in ("listen", "like") for name in EVENTS])
_VERDICT = np.array([name in ("like", "dislike", "hide") for name in EVENTS])


@dataclass(frozen=True, eq=False)
class EventPart:
    """Some of the events of many users, in order of arrival.

    Attributes
    ----------
    user, track : DictionaryArray of shape (n,), of type `data.encoding.IDS`
        Ids, none null.
    code, plays, at : ndarray of shape (n,)
        As in `EventColumns`.
    """

    user: pa.DictionaryArray
    track: pa.DictionaryArray
    code: npt.NDArray[np.int8]
    plays: npt.NDArray[np.float32]
    at: npt.NDArray[np.int64]


def feedback_from_parts(
    parts: Iterable[EventPart],
    *,
    users: Vocabulary | None = None,
    tracks: Vocabulary | None = None,
) -> Feedback:
    """Make feedback of events that come in parts.

    Parameters
    ----------
    parts : iterable of EventPart
    users, tracks : Vocabulary, optional
        By default the ids of all events, sorted. Events of other tracks say nothing; all users
        must be in a vocabulary that is given.
    """
    held = list(parts)
    users, user = encode([part.user for part in held], users)
    tracks, track = encode([part.track for part in held], tracks)
    columns = EventColumns(
        user,
        track,
        code=np.concatenate([np.empty(0, np.int8), *(part.code for part in held)]),
        plays=np.concatenate([np.empty(0, np.float32), *(part.plays for part in held)]),
        at=np.concatenate([np.empty(0, np.int64), *(part.at for part in held)]),
    )
    del held
    columns.at.flags.writeable = False  # so that nobody has to copy it
    return columns.feedback(users, tracks)


def plays_of(code: npt.NDArray[np.int8], count: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    """Return how many plays events stand for, shape (n,): a like for `LIKE_COUNT`."""
    likes = code == _LIKE
    weighted = np.where(likes, LIKE_COUNT * count, count) if likes.any() else count
    return weighted.astype(np.float32)


@dataclass(frozen=True, eq=False)
class EventColumns:
    """Events of many users, in order of arrival.

    Attributes
    ----------
    user, track : ndarray of int32, shape (n,)
        Indices; a track of -1 is outside of the vocabulary, and says nothing.
    code : ndarray of int8, shape (n,)
        Positions in `data.interactions.EVENTS`.
    plays : ndarray of float32, shape (n,)
        Plays that a row stands for; see `plays_of`.
    at : ndarray of int64, shape (n,)
        Unix seconds; -1 where unknown.
    """

    user: npt.NDArray[np.int32]
    track: npt.NDArray[np.int32]
    code: npt.NDArray[np.int8]
    plays: npt.NDArray[np.float32]
    at: npt.NDArray[np.int64]

    def feedback(self, users: Vocabulary, tracks: Vocabulary) -> Feedback:
        """Apply the rule, over the vocabularies that the indices are of."""
        inside = self.track >= 0
        positive = inside & _POSITIVE[self.code]
        rows = slice(None) if positive.all() else positive
        hidden = self._last_of_pair(np.flatnonzero(inside & _VERDICT[self.code]))
        hidden = hidden[self.code[hidden] != _LIKE]
        return Feedback(
            plays=self._interactions(users, tracks, rows=rows, count=self.plays[rows]),
            hidden=self._interactions(
                users, tracks, rows=hidden, count=np.ones(hidden.size, np.float32)
            ),
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
        rows: npt.NDArray[Any] | slice,
        count: npt.NDArray[np.float32],
    ) -> Interactions:
        return Interactions(users, tracks, self.user[rows], self.track[rows], count, self.at[rows])
