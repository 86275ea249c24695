"""Exploration: a share of the slots for tracks of which too little is known.

Thompson sampling (Thompson 1933; Chapelle, Li, "An Empirical Evaluation of Thompson Sampling",
NIPS 2011): each uncertain track draws a score from what is believed of it, a normal distribution,
and the k-th best draw takes the k-th slot of exploration. Whatever is certain to be bad is rarely
drawn high, and whatever is uncertain gets its chance.

The other slots hold what they would hold without exploration. So only the slots of exploration are
left to chance, and the probability of each of their tracks is known (`propensity`): what off-policy
estimates need.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

from data.errors import DataError, ParameterError
from ranker.candidates import Candidates, IntArray, top_n

DoubleArray = npt.NDArray[np.float64]

LEAST_DEVIATION = 1e-6
"""Of a score: what is taken for certain still has an order by chance where it ties."""

DRAWS = 4_096
"""Of the Monte Carlo estimate of a propensity, whose standard error is at most 0.008."""

_INTEGRATED = 16  # slots up to which probabilities are integrated; beyond, drawn
_NODES = np.linspace(-6.0, 6.0, 129)  # in standard deviations
_WEIGHTS = np.exp(-0.5 * _NODES**2) / np.exp(-0.5 * _NODES**2).sum()


@dataclass(frozen=True, eq=False)
class UncertainPool:
    """The tracks that may be explored, and what is believed of their scores.

    Attributes
    ----------
    tracks : ndarray of int32, shape (m,)
        Distinct.
    means, deviations : ndarray of float64, shape (m,)
        Of normal distributions; a deviation below `LEAST_DEVIATION` is raised to it.

    Raises
    ------
    DataError
        If shapes differ, or a number is not finite or below zero where it may not be.
    """

    tracks: IntArray
    means: DoubleArray
    deviations: DoubleArray

    def __post_init__(self) -> None:
        good = self.tracks.shape == self.means.shape == self.deviations.shape
        if not good or self.tracks.ndim != 1:
            raise DataError("An uncertain pool: tracks, means and deviations differ in length.")
        if not (np.isfinite(self.means).all() and np.isfinite(self.deviations).all()):
            raise DataError("An uncertain pool holds scores that are not finite.")
        if (self.deviations < 0).any():
            raise DataError("An uncertain pool holds deviations below zero.")

    def __len__(self) -> int:
        return int(self.tracks.size)

    @property
    def spreads(self) -> DoubleArray:
        """The deviations, none below `LEAST_DEVIATION`."""
        return np.maximum(self.deviations, LEAST_DEVIATION)

    def head(self, n: int) -> UncertainPool:
        """Return the `n` tracks whose score may be highest: by mean + 2 deviations."""
        return self.take(top_n(self.means + 2 * self.deviations, n))

    def take(self, rows: npt.NDArray[np.integer] | npt.NDArray[np.bool_]) -> UncertainPool:
        """Return some of the tracks."""
        return UncertainPool(self.tracks[rows], self.means[rows], self.deviations[rows])


def explore_slots(n: int, share: float) -> IntArray:
    """Return which of `n` slots are for exploration, from 0, ascending.

    They are spread evenly, and those of a shorter answer are the first ones of a longer one.

    Parameters
    ----------
    n : int
    share : float
        0 to 1; `n * share` slots, rounded down.

    Raises
    ------
    ParameterError
        If `share` is outside 0..1.

    Examples
    --------
    >>> explore_slots(20, 0.1).tolist()
    [9, 19]
    """
    if not 0 <= share <= 1:
        raise ParameterError(f"`explore` must be from 0 to 1. Received: {share!r}.")
    # Rounded to 1e-9, so that 0.1 * 10 is 1 whatever its last digit says.
    reached = np.floor(np.round(np.arange(n + 1) * share, 9))
    slots: IntArray = np.flatnonzero(np.diff(reached) > 0).astype(np.int32)
    return slots


@dataclass(frozen=True, eq=False)
class SlotPolicy:
    """What an answer may hold: one list of certain tracks, and slots that chance fills.

    Attributes
    ----------
    ranked : Candidates
        The tracks of the other slots, in their order.
    slots : ndarray of int32, shape (k,)
        Which positions are explored, from 0, ascending.
    pool : UncertainPool
        At least k tracks, none of them in `ranked`.
    """

    ranked: Candidates
    slots: IntArray
    pool: UncertainPool

    def __len__(self) -> int:
        return len(self.ranked) + int(self.slots.size)

    def draw(self, rng: np.random.Generator) -> IntArray:
        """Draw tracks for the slots of exploration, shape (k,): rows of the pool."""
        best = _best(_scores(self.pool, rng, 1), int(self.slots.size))
        rows: IntArray = best[0].astype(np.int32)
        return rows

    def fill(self, chosen: IntArray) -> IntArray:
        """Return all tracks in the order of their slots, shape (n,), given `draw`."""
        tracks = np.empty(len(self), np.int32)
        explored = np.zeros(len(self), np.bool_)
        explored[self.slots] = True
        tracks[explored] = self.pool.tracks[chosen]
        tracks[~explored] = self.ranked.tracks
        return tracks

    def probabilities(self, tracks: IntArray) -> DoubleArray:
        """Return how probable it is that each slot shows the given track.

        Parameters
        ----------
        tracks : ndarray of int32, shape (n,)
            One a slot; -1 for none. There may be fewer, or more, than slots.

        Returns
        -------
        ndarray of float64, shape (n,)
            For a slot that is not explored: 1 or 0. For explored ones see `rank_probabilities`.
        """
        explored = np.zeros(max(len(self), tracks.size), np.bool_)
        explored[self.slots] = True
        certain = np.full(explored.size, -1, np.int32)
        certain[np.flatnonzero(~explored)[: len(self.ranked)]] = self.ranked.tracks
        same = (certain == _padded(tracks, explored.size)) & (certain >= 0)
        found: DoubleArray = same.astype(np.float64)
        ranks = np.flatnonzero(self.slots < tracks.size).astype(np.int32)
        wanted = tracks[self.slots[ranks]]
        rows, known = _rows_of(self.pool.tracks, wanted)
        chances = np.zeros(ranks.size)
        chances[known] = rank_probabilities(self.pool, rows[known], ranks[known])
        found[self.slots[ranks]] = chances
        return found[: tracks.size]


def certain_slots(ranked: Candidates) -> SlotPolicy:
    """Return the policy that leaves nothing to chance: a ranking as it is."""
    nothing = UncertainPool(np.empty(0, np.int32), np.empty(0), np.empty(0))
    return SlotPolicy(ranked, np.empty(0, np.int32), nothing)


def plan_slots(
    ranked: Candidates,
    pool: UncertainPool,
    *,
    n: int,
    share: float,
    kept: Collection[int] = (),
) -> SlotPolicy:
    """Divide the slots of an answer between ranking and exploration.

    Parameters
    ----------
    ranked : Candidates
        Best first; as many as there are.
    pool : UncertainPool
        Eligible ones. Those that are shown anyway, being ranked high enough, are left out.
    n : int
        How many slots.
    share : float
        Of them that exploration gets, 0 to 1.
    kept : collection of int
        Ranked tracks that make no room.

    Returns
    -------
    SlotPolicy
        Of n slots, or of as many as there are tracks. The ranking keeps its tracks in all slots
        that are not explored, and gets back those for which there is no track, the last ones first.

    Raises
    ------
    ParameterError
        If `share` is outside 0..1.
    """
    everything = (_all_tracks(ranked, pool) if len(ranked) < n else ranked).head(n)
    slots = explore_slots(len(everything), share)
    if kept:
        slots = slots[~np.isin(everything.tracks[slots], list(kept))]
    while True:
        certain = _without(everything, slots)
        unseen = pool.take(~np.isin(pool.tracks, certain.tracks))
        if len(unseen) >= slots.size:
            return SlotPolicy(certain, slots, unseen)
        slots = slots[: len(unseen)]  # the ranking takes the rest, and maybe uncertain tracks there


def _without(ranked: Candidates, slots: IntArray) -> Candidates:
    kept = np.ones(len(ranked), np.bool_)
    kept[slots] = False
    return Candidates(ranked.source, ranked.tracks[kept], ranked.scores[kept])


def _all_tracks(ranked: Candidates, pool: UncertainPool) -> Candidates:
    """Put what is uncertain behind what is ranked, with no better a score."""
    new = ~np.isin(pool.tracks, ranked.tracks)
    floor = min(0.0, float(ranked.scores.min(initial=0.0)))
    tracks = np.concatenate([ranked.tracks, pool.tracks[new]])
    scores = np.concatenate([ranked.scores, np.full(int(new.sum()), floor, np.float32)])
    return Candidates(ranked.source, tracks, scores)


def rank_probabilities(pool: UncertainPool, rows: IntArray, ranks: IntArray) -> DoubleArray:
    """Return the probability that the draw of a track is the k-th best of the pool.

    With x the draw of track j, and q_i(x) = P(draw of i > x)::

        P(j is k-th) = integral of p_j(x) P(k - 1 of the others exceed x) dx

    The inner probability is that of a Poisson-binomial count, by its recursion over the tracks;
    the integral is a sum over 129 nodes up to 6 deviations from the mean, exact to 1e-6 where no
    other deviation is below a tenth of the track's own. For ranks beyond the 16th `DRAWS` draws
    are counted instead, with a standard error of at most 0.008, and never 0.

    Parameters
    ----------
    pool : UncertainPool
    rows : ndarray of int32, shape (c,)
        Of the pool.
    ranks : ndarray of int32, shape (c,)
        From 0, the best.

    Returns
    -------
    ndarray of float64, shape (c,)
    """
    found = np.empty(rows.size)
    few = ranks < _INTEGRATED
    found[few] = _integrated(pool, rows[few], ranks[few])
    found[~few] = _counted(pool, rows[~few], ranks[~few])
    return found


def _integrated(pool: UncertainPool, rows: IntArray, ranks: IntArray) -> DoubleArray:
    if not rows.size:
        return np.empty(0)
    spreads, at = pool.spreads, np.arange(rows.size)
    nodes = pool.means[rows, None] + spreads[rows, None] * _NODES  # (c, nodes)
    # How probable it is that exactly 0, 1, ... of the tracks so far exceed a node.
    counts = np.zeros((int(ranks.max()) + 1, *nodes.shape))  # (ranks, c, nodes)
    counts[0] = 1.0
    for other, (mean, spread) in enumerate(zip(pool.means, spreads, strict=True)):
        above = ndtr((mean - nodes) / spread)
        above[rows == other] = 0.0
        moved = counts[:-1] * above
        counts *= 1.0 - above
        counts[1:] += moved
    exact: DoubleArray = counts[ranks, at] @ _WEIGHTS
    return np.clip(exact, np.finfo(np.float64).tiny, 1.0)


def _counted(pool: UncertainPool, rows: IntArray, ranks: IntArray) -> DoubleArray:
    if not rows.size:
        return np.empty(0)
    best = _best(_scores(pool, np.random.default_rng(0), DRAWS), int(ranks.max()) + 1)
    hits = (best[:, ranks] == rows).sum(axis=0)
    shares: DoubleArray = (hits + 1) / (DRAWS + 1)  # what was drawn once is not impossible
    return shares


def _scores(pool: UncertainPool, rng: np.random.Generator, draws: int) -> DoubleArray:
    """Return scores drawn of each track, shape (draws, m)."""
    return pool.means + pool.spreads * rng.standard_normal((draws, len(pool)))


def _best(scores: DoubleArray, k: int) -> npt.NDArray[np.intp]:
    """Return the rows of the `k` best scores of each draw, best first, shape (draws, k)."""
    return np.argsort(-scores, axis=1, kind="stable")[:, :k]


def _rows_of(known: IntArray, wanted: IntArray) -> tuple[IntArray, npt.NDArray[np.bool_]]:
    """Return the positions of values among distinct ones, and which of them are there."""
    order = np.argsort(known, kind="stable")
    at = np.searchsorted(known, wanted, sorter=order)
    at = order[np.minimum(at, known.size - 1)] if known.size else np.zeros(wanted.size, np.intp)
    there = known[at] == wanted if known.size else np.zeros(wanted.size, np.bool_)
    return at.astype(np.int32), there


def _padded(tracks: IntArray, size: int) -> IntArray:
    padded = np.full(size, -1, np.int32)
    padded[: tracks.size] = tracks
    return padded
