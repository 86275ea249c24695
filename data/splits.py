"""Train and test parts of a log of plays.

Every part is over the vocabularies of the whole, and training never sees a pair of user and track
that is tested. For a validation part, split `train` once more::

    split = random_split(interactions, test_fraction=0.2, rng=rng)
    tuning = random_split(split.train, test_fraction=0.2, rng=rng)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from data.errors import DataError, ParameterError
from data.interactions import Interactions

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Split:
    """Parts of one log.

    Attributes
    ----------
    train : Interactions
        What a model may learn from.
    test : Interactions
        What it must foretell.
    history : Interactions, optional
        `new_user_split` only: what is shown of the held-out users when they are tested.
    cold : ndarray of bool, shape (n_tracks,), optional
        `cold_artist_split` only: the tracks of held-out artists, played or not.
    """

    train: Interactions
    test: Interactions
    history: Interactions | None = None
    cold: Mask | None = None


def temporal_split(interactions: Interactions, *, test_fraction: float = 0.2) -> Split:
    """Cut at one moment for all users: before it is train, from it on is test.

    The moment is the quantile `1 - test_fraction` of the rows, so rows of one moment stay
    together. A test row is dropped if its pair was played before the cut: to repeat what is
    known is no discovery.

    Parameters
    ----------
    interactions : Interactions
    test_fraction : float
        Of the rows, between 0 and 1.

    Raises
    ------
    ParameterError
        If `test_fraction` is out of range.
    DataError
        If a row has no time, or nothing is left to train on or to test.
    """
    _check_fraction("test_fraction", test_fraction)
    if not interactions.has_times:
        raise DataError(
            "A split by time needs the time of every play. Give `listened_at` for all listens, "
            "or split at random."
        )
    at = interactions.at
    first = min(round(at.size * (1 - test_fraction)), at.size - 1)
    second_moment = np.unique(at)[:2][-1]  # something must lie before the cut
    cut = max(np.sort(at)[first], second_moment)
    late = at >= cut
    known = np.isin(_pairs(interactions), _pairs(interactions)[~late])
    return _split(interactions, late & ~known, train=~late)


def random_split(
    interactions: Interactions, *, test_fraction: float = 0.2, rng: np.random.Generator
) -> Split:
    """Hold out a random part of the tracks of each user.

    All rows of one pair stay on one side, and each user keeps at least one track in train. A
    share that is not whole is rounded at random, up with the probability of its fraction, so
    that users with few tracks are tested too.

    Parameters
    ----------
    interactions : Interactions
    test_fraction : float
        Of the distinct tracks of each user, between 0 and 1.
    rng : Generator
        Decides; the same state gives the same split.

    Raises
    ------
    ParameterError
        If `test_fraction` is out of range.
    DataError
        If nothing is left to test.
    """
    _check_fraction("test_fraction", test_fraction)
    user, row_pair = _distinct(interactions)
    sizes = np.bincount(user, minlength=len(interactions.users))
    wanted = np.floor(sizes * test_fraction + rng.random(sizes.size)).astype(np.int64)
    wanted = np.minimum(wanted, np.maximum(sizes - 1, 0))
    held_out = _rank_within(user, (rng.random(user.size),)) < wanted[user]
    return _split(interactions, held_out[row_pair])


def cold_artist_split(
    interactions: Interactions,
    artists: npt.NDArray[np.int32],
    *,
    test_fraction: float = 0.2,
    rng: np.random.Generator,
) -> Split:
    """Hold out whole artists, so that nothing of theirs was ever played in train.

    Parameters
    ----------
    interactions : Interactions
    artists : ndarray of int32, shape (n_tracks,)
        Code of the artist of each track (see `Catalog.artists`); a track of -1 stands alone.
    test_fraction : float
        Of the artists that were played, between 0 and 1; at least one is held out and one kept.
    rng : Generator
        Decides; the same state gives the same split.

    Returns
    -------
    Split
        With `cold`, the mask of the tracks of held-out artists.

    Raises
    ------
    ParameterError
        If `test_fraction` is out of range.
    DataError
        If `artists` is not one code a track, or fewer than two artists were played.
    """
    _check_fraction("test_fraction", test_fraction)
    if artists.shape != (len(interactions.tracks),):
        raise DataError(f"{len(interactions.tracks)} tracks were given {artists.shape} artists.")
    alone = np.int64(artists.max(initial=-1)) + 1 + np.arange(artists.size)
    groups = np.where(artists < 0, alone, artists.astype(np.int64))
    played = np.unique(groups[interactions.track])
    if played.size < 2:
        raise DataError("To hold out an artist takes plays of two artists at least.")
    held_out = rng.choice(played, _share(played.size, test_fraction), replace=False)
    cold = np.isin(groups, held_out)
    split = _split(interactions, cold[interactions.track])
    return Split(split.train, split.test, cold=cold)


def new_user_split(
    interactions: Interactions,
    *,
    test_fraction: float = 0.2,
    history_fraction: float = 0.5,
    rng: np.random.Generator,
) -> Split:
    """Hold out whole users; of what they played, show one part and test the other.

    The part that is shown holds the tracks that a user played first, or random ones where times
    are missing. Users of a single track stay in train, for they cannot be both shown and tested.

    Parameters
    ----------
    interactions : Interactions
    test_fraction : float
        Of the users with two tracks or more, between 0 and 1; at least one is held out.
    history_fraction : float
        Of the distinct tracks of each held-out user, between 0 and 1; at least one is shown and
        one tested.
    rng : Generator
        Decides; the same state gives the same split.

    Returns
    -------
    Split
        With `history`, the part that is shown. All rows of one pair are on one side.

    Raises
    ------
    ParameterError
        If a fraction is out of range.
    DataError
        If no user has two tracks, or nobody else is left to train on.
    """
    _check_fraction("test_fraction", test_fraction)
    _check_fraction("history_fraction", history_fraction)
    user, row_pair = _distinct(interactions)
    sizes = np.bincount(user, minlength=len(interactions.users))
    able = np.flatnonzero(sizes >= 2)
    if not able.size:
        raise DataError("To hold out users takes users who played two tracks or more.")
    new = np.zeros(sizes.size, dtype=np.bool_)
    new[rng.choice(able, _share(able.size, test_fraction), replace=False)] = True
    shown = np.clip(np.rint(sizes * history_fraction), 1, np.maximum(sizes - 1, 1))
    early = _rank_within(user, _order_keys(interactions, row_pair, rng=rng)) < shown[user]
    held_out, known = new[interactions.user], early[row_pair]
    split = _split(interactions, held_out & ~known, train=~held_out)
    return Split(split.train, split.test, history=interactions.select(held_out & known))


def _split(interactions: Interactions, test: Mask, *, train: Mask | None = None) -> Split:
    train = ~test if train is None else train
    for name, mask in (("train on", train), ("test", test)):
        if not mask.any():
            raise DataError(
                f"The split leaves nothing to {name} of {len(interactions)} rows. "
                "Give more listens, or another fraction."
            )
    return Split(interactions.select(train), interactions.select(test))


def _pairs(interactions: Interactions) -> npt.NDArray[np.int64]:
    """Return one number for the user and the track of each row."""
    width = max(len(interactions.tracks), 1)
    return interactions.user.astype(np.int64) * width + interactions.track


def _distinct(
    interactions: Interactions,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the user of each distinct pair, ascending, and the pair of each row."""
    pairs, row_pair = np.unique(_pairs(interactions), return_inverse=True)
    return pairs // max(len(interactions.tracks), 1), row_pair


def _rank_within(
    group: npt.NDArray[np.int64], keys: tuple[npt.NDArray[np.float64], ...]
) -> npt.NDArray[np.int64]:
    """Return the rank of each entry, from 0, by the last key first; groups ascending."""
    order = np.lexsort((*keys, group))
    ranks = np.empty(group.size, dtype=np.int64)
    ranks[order] = np.arange(group.size)
    return ranks - np.searchsorted(group, group)


def _order_keys(
    interactions: Interactions, row_pair: npt.NDArray[np.int64], *, rng: np.random.Generator
) -> tuple[npt.NDArray[np.float64], ...]:
    """Return what orders the pairs of a user: chance, and before it the first play if known."""
    size = int(row_pair.max(initial=-1)) + 1
    chance = rng.random(size)
    if not interactions.has_times:
        return (chance,)
    first = np.full(size, np.inf)
    np.minimum.at(first, row_pair, interactions.at.astype(np.float64))
    return chance, first


def _share(size: int, fraction: float) -> int:
    """Return a whole share of `size`, at least one and not all where there are two."""
    return min(max(1, round(size * fraction)), max(size - 1, 1))


def _check_fraction(name: str, value: float) -> None:
    if not 0 < value < 1:
        raise ParameterError(f"`{name}` must be between 0 and 1. Received: {value!r}.")
