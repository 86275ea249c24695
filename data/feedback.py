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
import pandas as pd

from data.interactions import EVENTS, LIKE_COUNT, Feedback, Interactions
from data.vocabulary import Vocabulary

_LISTEN, _LIKE, _DISLIKE, _HIDE = map(EVENTS.index, ("listen", "like", "dislike", "hide"))


def feedback_from_frames(frames: Iterable[pd.DataFrame], tracks: Vocabulary) -> Feedback:
    """Make feedback of the tables of `data.readers.read_listens`.

    Parameters
    ----------
    frames : iterable of DataFrame
        `user_id`, `track_id`, `event`, `count`, `at`.
    tracks : Vocabulary
        Rows of other tracks say nothing.

    Returns
    -------
    Feedback
        Of the users of the tables, sorted by id.
    """
    table = pd.concat(list(frames), ignore_index=True)
    users = Vocabulary.build(table["user_id"])
    columns = EventColumns(
        user=users.indices(table["user_id"].tolist()),
        track=tracks.indices(table["track_id"].tolist()),
        code=table["event"].map(EVENTS.index).to_numpy(np.int8),
        count=table["count"].to_numpy(np.float64),
        at=table["at"].to_numpy(np.int64),
    )
    return columns.feedback(users, tracks)


@dataclass(frozen=True, eq=False)
class EventColumns:
    """Events of many users, in order of arrival.

    Attributes
    ----------
    user, track : ndarray of int32, shape (n,)
        Indices; a track of -1 is outside of the vocabulary, and says nothing.
    code : ndarray of int8, shape (n,)
        Positions in `data.interactions.EVENTS`.
    count : ndarray of float64, shape (n,)
        Plays that a row stands for.
    at : ndarray of int64, shape (n,)
        Unix seconds; -1 where unknown.
    """

    user: npt.NDArray[np.int32]
    track: npt.NDArray[np.int32]
    code: npt.NDArray[np.int8]
    count: npt.NDArray[np.float64]
    at: npt.NDArray[np.int64]

    def feedback(self, users: Vocabulary, tracks: Vocabulary) -> Feedback:
        """Apply the rule, over the vocabularies that the indices are of."""
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
