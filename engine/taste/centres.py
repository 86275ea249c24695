"""Centres of taste of one user.

The plays of a user are clustered by weighted spherical k-means: Dhillon and Modha, "Concept
Decompositions for Large Sparse Text Data using Clustering", Machine Learning 42, 2001, with a
weight for each play. Several centres a user, instead of one mean that lies between the tastes of
somebody who has two: Pal et al., "PinnerSage", KDD 2020.

Nothing is random: the first seed is the play nearest to all others, each further one the play that
is worst served by the seeds so far, by weight times distance (Gonzalez, "Clustering to minimize
the maximum intercluster distance", 1985). The same history gives the same centres.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from data.history import History
from data.vectors import unit_rows
from engine.taste.config import TasteConfig
from engine.taste.space import SoundSpace

FloatVector = npt.NDArray[np.float32]
FloatMatrix = npt.NDArray[np.float32]

_DAY = 86_400  # seconds
_ROUNDS = 8  # of k-means: centres move little after that
_SAME = 1e-6  # weighted distance below which a play is where a seed is


@dataclass(frozen=True, eq=False)
class TasteCentres:
    """What one user's plays sound like.

    Attributes
    ----------
    means : ndarray of float32, shape (k, d)
        The weighted mean of the plays of each centre, the one of most mass first. Its length, up
        to 1, says how much they agree: a product with it is a mean of cosines to plays. None
        (k = 0) if no play has an embedding.
    masses : ndarray of float32, shape (k,)
        Shares of the weight of all plays; they add up to 1.
    """

    means: FloatMatrix
    masses: FloatVector

    def __len__(self) -> int:
        return len(self.masses)


def play_weights(history: History, *, half_life_days: float | None = None) -> FloatVector:
    """Weigh plays by log(1 + count), halved for each half-life before the user's last play.

    Ages are counted from the last play and not from now, so that an answer does not depend on
    when it is asked for; as only relative weights matter, that changes nothing else. A play of
    unknown time counts as the user's oldest one of known time.

    Returns
    -------
    ndarray of float32, shape (m,)
        Above 0; halvings beyond 100 are not counted.
    """
    weights: FloatVector = np.log1p(history.counts).astype(np.float32)
    known = history.last_at >= 0
    if half_life_days is None or not known.any():
        return weights
    at = np.where(known, history.last_at, history.last_at[known].min())
    halvings = (at.max() - at) / (half_life_days * _DAY)
    decayed: FloatVector = (weights * 0.5 ** np.minimum(halvings, 100)).astype(np.float32)
    return decayed


def taste_centres(
    history: History, embeddings: FloatMatrix, *, space: SoundSpace, config: TasteConfig
) -> TasteCentres:
    """Return the centres of taste of one user.

    Parameters
    ----------
    history : History
    embeddings : ndarray of float32, shape (t, d)
        Normalised to length 1; a zero row for a track without one. May be memory-mapped.
    space : SoundSpace
        Of these embeddings.
    config : TasteConfig
    """
    vectors = space.unit(embeddings[history.tracks])
    weights = play_weights(history, half_life_days=config.half_life_days)
    return centres_of(vectors, weights, config.max_centres)


def centres_of(vectors: FloatMatrix, weights: FloatVector, k: int) -> TasteCentres:
    """Cluster weighted vectors.

    Parameters
    ----------
    vectors : ndarray of float32, shape (m, d)
        Of length 1; zero rows are left out.
    weights : ndarray of float32, shape (m,)
        Above 0.
    k : int
        Most centres. Fewer where fewer directions differ.

    Returns
    -------
    TasteCentres
    """
    told = vectors.any(axis=1)
    if not told.any():
        return TasteCentres(vectors[:0], weights[:0])
    points, shares = vectors[told], weights[told] / weights[told].sum()
    directions = points[_seeds(points, shares, k)]
    members = _members(points, shares, directions)
    for _ in range(_ROUNDS if len(directions) > 1 else 0):
        directions = _directions(members @ points, directions)
        before, members = members, _members(points, shares, directions)
        if (members == before).all():
            break
    return _centres(members, points)


def _seeds(points: FloatMatrix, shares: FloatVector, k: int) -> list[int]:
    chosen = [int(np.argmax(points @ (shares @ points)))]
    nearest = points @ points[chosen[0]]  # cosine of each play to its nearest seed
    while len(chosen) < min(k, len(points)):
        unserved = shares * (1 - nearest)
        worst = int(np.argmax(unserved))
        if unserved[worst] < _SAME * shares[worst]:
            break
        chosen.append(worst)
        nearest = np.maximum(nearest, points @ points[worst])
    return chosen


def _members(points: FloatMatrix, shares: FloatVector, directions: FloatMatrix) -> FloatMatrix:
    """Return the share of each play in the row of its nearest direction, shape (k, m)."""
    nearest = (points @ directions.T).argmax(axis=1)
    return np.where(np.arange(len(directions))[:, np.newaxis] == nearest, shares, np.float32(0))


def _directions(sums: FloatMatrix, before: FloatMatrix) -> FloatMatrix:
    """Return the directions of sums of plays, shape (k, d); the old one where there is none."""
    lost = ~sums.any(axis=1)  # no members, or such as cancel each other
    sums[lost] = before[lost]
    return unit_rows(sums)


def _centres(members: FloatMatrix, points: FloatMatrix) -> TasteCentres:
    masses = members.sum(axis=1)
    order = np.argsort(-masses, kind="stable")
    order = order[masses[order] > 0]
    means = members[order] @ points / masses[order, np.newaxis]
    if not means.any():  # plays that cancel each other say nothing
        return TasteCentres(points[:0], masses[:0])
    return TasteCentres(means, masses[order])
