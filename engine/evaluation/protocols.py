"""What is held out, what is known, and which tracks compete.

===========  =======================================================  =========================
protocol     held out                                                 eligible
===========  =======================================================  =========================
temporal     the last plays                                           every track
random       a random part of each user's tracks                      every track
cold-artist  every play of some artists, whole                        the tracks of those artists
new-user     every play of some users; a part of it is their history  every track
given        the plays of a file of its own                           every track
===========  =======================================================  =========================

A track of unknown artist counts as an artist of its own.

Always: the tracks of a user's history are not eligible for that user, and a held-out play of such
a track asks for nothing new, so it is no target. Users with no target or no history are not
tested; the report says how many they are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from data.catalog import Catalog
from data.checks import check_choice
from data.errors import DataError
from data.interactions import Interactions
from data.splits import (
    cold_artist_split,
    new_user_split,
    random_split,
    temporal_split,
)
from engine.evaluation.task import Task

GIVEN = "given"
"""The protocol of held-out plays that come from a file."""

TEMPORAL = "temporal"
"""The protocol that holds out the last plays."""

_MIN_USERS = 2  # a bootstrap of one user says nothing
_MIN_ARTISTS = 2


@dataclass(frozen=True)
class Fractions:
    """How much is held out.

    Attributes
    ----------
    test : float
        Share of the plays, artists or users (by protocol) that is held out.
    history : float
        Share of a held-out user's plays that is shown to the systems (new-user only).
    """

    test: float = 0.2
    history: float = 0.5


@dataclass(frozen=True)
class _Parts:
    train: Interactions
    history: Interactions
    test: Interactions
    eligible: npt.NDArray[np.int64]


def make_task(
    interactions: Interactions,
    catalog: Catalog,
    *,
    protocol: str,
    fractions: Fractions | None = None,
    seed: int = 0,
) -> Task:
    """Split interactions by a protocol.

    Parameters
    ----------
    interactions : Interactions
    catalog : Catalog
        Of the same tracks.
    protocol : str
        One of `PROTOCOLS`.
    fractions : Fractions, optional
    seed : int

    Raises
    ------
    ParameterError
        If the protocol is unknown or a fraction is out of range.
    DataError
        If the data cannot serve the protocol.
    """
    check_choice("protocol", protocol, PROTOCOLS)
    listeners = len(np.unique(interactions.user))
    if listeners < _MIN_USERS:
        raise DataError(
            f"An evaluation needs plays of at least {_MIN_USERS} users. Received: {listeners}. "
            "Import more listens."
        )
    rng = np.random.default_rng(seed)
    parts = PROTOCOLS[protocol](interactions, catalog, fractions or Fractions(), rng)
    return _task(protocol, parts, rng)


def given_task(interactions: Interactions, held_out: Interactions, *, seed: int = 0) -> Task:
    """Ask for plays that are not among the interactions, such as the test part of a publication.

    Parameters
    ----------
    interactions : Interactions
        All of them are learnt from.
    held_out : Interactions
        Over vocabularies of its own. A user without interactions is left out, and counted.
    seed : int
        Of ties.

    Raises
    ------
    DataError
        If a track is unknown, or no more than one user is left.
    """
    tracks = interactions.tracks.indices(held_out.tracks.arrow)
    if len(tracks) and tracks.min() < 0:
        unknown = held_out.tracks.id(int(np.argmin(tracks)))
        raise DataError(
            f"The held-out track {unknown!r} is not in the catalogue, so nothing can recommend it. "
            "Import it with `segue import tracks`, or take it out of the file."
        )
    users = interactions.users.indices(held_out.users.arrow)
    known = users[held_out.user] >= 0
    test = Interactions(
        interactions.users,
        interactions.tracks,
        users[held_out.user][known],
        tracks[held_out.track][known],
        held_out.count[known],
        held_out.at[known],
    )
    parts = _Parts(interactions, interactions, test, _every_track(interactions))
    task = _task(GIVEN, parts, np.random.default_rng(seed))
    strangers = int((users < 0).sum())
    return replace(task, without_history=task.without_history + strangers)


def _task(protocol: str, parts: _Parts, rng: np.random.Generator) -> Task:
    history, test = parts.history.matrix(), parts.test.matrix()
    # A play of a known track is no target: a track seen is a track excluded.
    targets = (test - test.multiply(history.astype(bool))).astype(bool).tocsr()
    targets.eliminate_zeros()
    asked, known = targets.getnnz(axis=1) > 0, history.getnnz(axis=1) > 0
    users = np.flatnonzero(asked & known).astype(np.int32)
    if len(users) < _MIN_USERS:
        raise DataError(_too_few(len(users), protocol))
    return Task(
        protocol,
        parts.train,
        users,
        history[users],
        targets[users],
        rng.permutation(parts.eligible).astype(np.int32),
        rng.integers(len(parts.eligible), size=len(users)),
        int((asked & ~known).sum()),
        parts.history,
    )


def _too_few(users: int, protocol: str) -> str:
    found = f"{users} user has" if users == 1 else f"{users} users have"
    if protocol == GIVEN:
        return (
            f"Only {found} both a history and a held-out track that is not part of it. Import more "
            "listens of the users of the held-out file, or name another file."
        )
    return (
        f"Only {found} both a history and a held-out track under the protocol {protocol!r}. "
        "Import more listens, or choose another --protocol."
    )


def _every_track(interactions: Interactions) -> npt.NDArray[np.int64]:
    return np.arange(len(interactions.tracks))


def _temporal(
    interactions: Interactions, _: Catalog, fractions: Fractions, __: np.random.Generator
) -> _Parts:
    if not interactions.has_times:
        raise DataError(
            "The protocol 'temporal' needs a time with every listen. Import listens with "
            "`listened_at`, or choose --protocol random."
        )
    split = temporal_split(interactions, test_fraction=fractions.test)
    return _Parts(split.train, split.train, split.test, _every_track(interactions))


def _random(
    interactions: Interactions, _: Catalog, fractions: Fractions, rng: np.random.Generator
) -> _Parts:
    split = random_split(interactions, test_fraction=fractions.test, rng=rng)
    return _Parts(split.train, split.train, split.test, _every_track(interactions))


def _cold_artist(
    interactions: Interactions, catalog: Catalog, fractions: Fractions, rng: np.random.Generator
) -> _Parts:
    played = np.unique(interactions.track)
    codes = catalog.artists[played]
    artists = len(np.unique(codes[codes >= 0])) + int((codes < 0).sum())
    if artists < _MIN_ARTISTS:
        raise DataError(
            f"The protocol 'cold-artist' needs plays of at least {_MIN_ARTISTS} artists. "
            f"Received: {artists}. Import more listens, or choose another --protocol."
        )
    split = cold_artist_split(interactions, catalog.artists, test_fraction=fractions.test, rng=rng)
    assert split.cold is not None, "a split by artist says which tracks are cold"
    return _Parts(split.train, split.train, split.test, np.flatnonzero(split.cold))


def _new_user(
    interactions: Interactions, _: Catalog, fractions: Fractions, rng: np.random.Generator
) -> _Parts:
    split = new_user_split(
        interactions, test_fraction=fractions.test, history_fraction=fractions.history, rng=rng
    )
    assert split.history is not None, "a split by user shows a part of what they played"
    return _Parts(split.train, split.history, split.test, _every_track(interactions))


PROTOCOLS: Mapping[
    str, Callable[[Interactions, Catalog, Fractions, np.random.Generator], _Parts]
] = {
    TEMPORAL: _temporal,
    "random": _random,
    "cold-artist": _cold_artist,
    "new-user": _new_user,
}
"""Ways of holding out, by name."""
