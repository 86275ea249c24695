"""What a ranker learns from: an earlier part that models are fitted on, a later part to foretell.

====  ==========================  =================================  ==========================
kind  who is asked about          what may be answered               what counts
====  ==========================  =================================  ==========================
warm  users of the earlier part   every track that they did not yet  their later plays
                                  play
new   users whom models did not   the same                           the same
      see, half of their plays
      shown
tail  users of the earlier part   of these, tracks of few listeners  the same
cold  users of the earlier part   tracks of artists that models      all their plays of these
                                  never saw played
====  ==========================  =================================  ==========================

Later is later in time where every play has one, else a random part of each user's tracks. The
artists of `cold` are taken out of the earlier part whole; the later plays of their tracks stay in
what the others are asked for, so that a track without plays competes as often as it is listened to.

There are three parts of questions: to train by, to stop by, to judge by. Users are dealt to them,
and so are the artists of `cold`: what all users think of one track would else be learnt from some
of them, by the numbers that are the same for all, and be taken for a skill with others. Both are
dealt by their ids, not by chance: who judges a ranker was not learnt from by the one before it,
as that one was judged.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from data.catalog import Catalog
from data.history import History
from data.interactions import Interactions
from data.splits import cold_artist_split, new_user_split, random_split, temporal_split
from ranker.candidates import BoolArray, IntArray

Kind = Literal["warm", "new", "tail", "cold"]

KINDS: tuple[Kind, ...] = get_args(Kind)

OVERALL: tuple[Kind, ...] = ("warm", "new")
"""The kinds in which every track that the user did not play may be answered."""

PARTS = (0.4, 0.2, 0.4)
"""Shares of the users, and of the cold artists: to train by, to stop by, to judge by.

The first and the last change places, so that both judge what the other trained.
"""

JUDGED = 2
"""The part to judge by."""

_COLD_ARTISTS = 0.15  # of the artists
_NEW_USERS = 0.1  # of the users
_TAIL = 1 / 3  # of all listeners
_LEAST = 20  # tracks or users below which nothing can be held out


@dataclass(frozen=True, eq=False)
class Question:
    """One query whose answer is known.

    Attributes
    ----------
    kind : {"warm", "new", "tail", "cold"}
    user : int
    history : History
        What is shown.
    eligible : ndarray of bool, shape (n_tracks,)
    targets : ndarray of int32
        Eligible tracks that the user listened to, ascending.
    """

    kind: Kind
    user: int
    history: History
    eligible: BoolArray
    targets: IntArray


@dataclass(frozen=True, eq=False)
class Holdout:
    """Parts of one log of plays, over its vocabularies.

    Attributes
    ----------
    train : Interactions
        What models are fitted on.
    shown : Interactions
        What is known of users when they are asked about: `train`, and half of the new users' plays.
    later : Interactions
        What is to be foretold: the later plays, and the plays of new users that are not shown.
    held_back : Interactions
        Earlier plays of cold tracks: neither shown nor asked for by `warm` and `new`.
    new : ndarray of bool, shape (n_users,)
        Users without a play in `train`.
    cold : ndarray of int8, shape (n_tracks,)
        The part, from 0, that the track of a held-out artist belongs to; -1 for all others.
    users : ndarray of int8, shape (n_users,)
        The part that a user belongs to.
    """

    train: Interactions
    shown: Interactions
    later: Interactions
    held_back: Interactions
    new: BoolArray
    cold: npt.NDArray[np.int8]
    users: npt.NDArray[np.int8]

    @cached_property
    def tail(self) -> BoolArray:
        """Tracks of few listeners, shape (n_tracks,): see `tail_tracks`."""
        return tail_tracks(self.train.matrix().getnnz(axis=0).astype(np.float32))

    def askable(self, part: int) -> npt.NDArray[np.intp]:
        """Return the users of a part of whom something is known, and something is to be told."""
        return np.intersect1d(
            np.flatnonzero(self.users == part),
            np.intersect1d(self.later.user, self.shown.user),
        )

    def questions(
        self, users: npt.NDArray[np.integer], kind: Kind, *, part: int
    ) -> Iterator[Question]:
        """Yield the questions of one kind about some users; none where nothing is to be found."""
        later, back = self.later.matrix(), self.held_back.matrix()
        open_to_all = self._eligible(kind, part)
        for user in users[self.new[users] == (kind == "new")].tolist():
            history = self.shown.history(user)
            wanted, known = (m.indices[m.indptr[user] : m.indptr[user + 1]] for m in (later, back))
            eligible = open_to_all.copy()
            eligible[history.tracks] = False
            if kind == "cold":
                wanted = np.concatenate([wanted, known])
            else:
                eligible[known] = False
            targets = np.unique(wanted[eligible[wanted]]).astype(np.int32)
            if targets.size and not history.empty:
                yield Question(kind, user, history, eligible, targets)

    def _eligible(self, kind: Kind, part: int) -> BoolArray:
        """Return what may be answered whoever asks."""
        if kind == "cold":
            return np.asarray(self.cold == part)
        allowed = (self.cold < 0) | (self.cold == part)
        return np.asarray(allowed & self.tail if kind == "tail" else allowed)


def tail_tracks(listeners: npt.NDArray[np.float32]) -> BoolArray:
    """Return the played tracks of fewest listeners that together have a third of all, a mask.

    Parameters
    ----------
    listeners : ndarray of float32, shape (n_tracks,)
    """
    played = np.sort(listeners[listeners > 0])
    if not played.size:
        return np.zeros(len(listeners), bool)
    bound = np.quantile(np.repeat(played, played.astype(np.int64)), _TAIL)
    return np.asarray((listeners > 0) & (listeners <= bound))


def make_holdout(
    plays: Interactions,
    catalog: Catalog,
    *,
    held_out: float,
    parts: npt.NDArray[np.int8],
    rng: np.random.Generator,
) -> Holdout:
    """Hold out what a ranker is to foretell.

    Parameters
    ----------
    plays : Interactions
    catalog : Catalog
        Of the same tracks.
    held_out : float
        Share of the plays that are later ones.
    parts : ndarray of int8, shape (n_users,)
        The part that each user belongs to; see `deal`.
    rng : Generator

    Raises
    ------
    DataError
        If there are too few plays for it.
    """
    if plays.has_times:
        whole = temporal_split(plays, test_fraction=held_out)
    else:
        whole = random_split(plays, test_fraction=held_out, rng=rng)
    earlier, back, cold = _without_artists(whole.train, catalog, rng)
    train, shown, hidden = _without_users(earlier, rng)
    new = np.zeros(len(plays.users), bool)
    new[hidden.user] = True
    return Holdout(
        train,
        shown,
        _together(whole.test, hidden),
        back,
        new,
        _cold_parts(cold, catalog),
        parts,
    )


def deal(ids: Sequence[str]) -> npt.NDArray[np.int8]:
    """Deal users to the parts by their ids.

    A user stays in one part whoever comes or goes, so all trainings judge by the same users. With
    few users, the parts are of the shares of `PARTS` only roughly.

    Parameters
    ----------
    ids : sequence of str

    Returns
    -------
    ndarray of int8, shape (n,)
    """
    return np.searchsorted(np.cumsum(PARTS)[:-1], _lots(ids), side="right").astype(np.int8)


def _lots(ids: Sequence[str]) -> npt.NDArray[np.float64]:
    """Return a number from 0 to 1 for each id, the same in every training, evenly spread."""
    digests = (blake2b(i.encode(), digest_size=8, person=b"segue deal").digest() for i in ids)
    numbers = np.fromiter((int.from_bytes(d, "little") for d in digests), np.uint64, len(ids))
    return numbers / 2.0**64


def _cold_parts(cold: BoolArray, catalog: Catalog) -> npt.NDArray[np.int8]:
    """Deal the artists of cold tracks to the parts; a track of unknown artist is one of its own.

    They are few, so they are dealt in the exact shares, in the order of their lots: one that comes
    or goes moves few others, and none from the part to train by to that to judge by.
    """
    parts = np.full(len(cold), -1, np.int8)
    tracks = np.flatnonzero(cold)
    names = catalog.column("artist").take(tracks).to_pylist()
    own = catalog.tracks.ids(tracks)
    groups, at = np.unique(
        [f"\0{track}" if name is None else name for name, track in zip(names, own, strict=True)],
        return_inverse=True,
    )
    places = np.argsort(np.argsort(_lots(groups.tolist()), kind="stable"))
    ends = np.rint(np.cumsum(PARTS)[:-1] * len(groups))
    parts[tracks] = np.searchsorted(ends, places, side="right")[at]
    return parts


def _without_artists(
    earlier: Interactions, catalog: Catalog, rng: np.random.Generator
) -> tuple[Interactions, Interactions, BoolArray]:
    """Take some artists out: what is left, what went, and which tracks are theirs."""
    if np.unique(earlier.track).size < _LEAST:
        nothing = np.zeros(len(earlier), bool)
        return earlier, earlier.select(nothing), np.zeros(len(catalog), bool)
    split = cold_artist_split(earlier, catalog.artists, test_fraction=_COLD_ARTISTS, rng=rng)
    assert split.cold is not None, "a split by artist says which tracks are cold"
    return split.train, split.test, split.cold


def _without_users(
    earlier: Interactions, rng: np.random.Generator
) -> tuple[Interactions, Interactions, Interactions]:
    """Take some users out: what models are fitted on, what is shown, and what is not of the new."""
    distinct = np.unique(earlier.user.astype(np.int64) * len(earlier.tracks) + earlier.track)
    several = np.bincount(distinct // max(len(earlier.tracks), 1)) > 1
    if several.sum() < _LEAST:
        return earlier, earlier, earlier.select(np.zeros(len(earlier), bool))
    split = new_user_split(earlier, test_fraction=_NEW_USERS, history_fraction=0.5, rng=rng)
    assert split.history is not None, "a split by user says what is shown"
    return split.train, _together(split.train, split.history), split.test


def _together(one: Interactions, other: Interactions) -> Interactions:
    columns = (
        np.concatenate([getattr(part, name) for part in (one, other)])
        for name in ("user", "track", "count", "at")
    )
    return Interactions(one.users, one.tracks, *columns)
