"""Why a track was recommended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ranker.candidates import IntArray

FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Reason:
    """Why one track was recommended.

    Attributes
    ----------
    because : tuple of int
        Played tracks that led to it, the most telling first: those that led to it, and to the
        other recommended tracks less.
    sound, behaviour, popularity : float
        Shares of its score, 0..1. They add up to 1 where no other source proposed it, and are all
        0 where no source did.
    rule : str or None
        The rule that moved it.
    """

    because: tuple[int, ...] = ()
    sound: float = 0.0
    behaviour: float = 0.0
    popularity: float = 0.0
    rule: str | None = None


def explain(
    tracks: IntArray,
    played: IntArray,
    *,
    shares: npt.NDArray[np.float64],
    behaviour: FloatArray | None = None,
    sound: FloatArray | None = None,
    rules: Sequence[str | None] | None = None,
    limit: int = 3,
) -> tuple[Reason, ...]:
    """Explain recommended tracks.

    Parameters
    ----------
    tracks : ndarray of int32, shape (k,)
        The recommended ones.
    played : ndarray of int32, shape (m,)
        The user's plays. None is named as a reason for itself.
    shares : ndarray of float64, shape (k, 3)
        Of `SIGNALS` in the score of each track; see `Blend.shares`.
    behaviour : ndarray of float32, shape (k, m), optional
        What each play adds to the score of each track: section 5 of Hu, Koren, Volinsky (ICDM
        2008), or the cosines of their factors.
    sound : ndarray of float32, shape (k, m), optional
        Cosines of their embeddings.
    rules : sequence of str or None, length k, optional
        The rule that moved each track.
    limit : int
        How many played tracks to name.

    Returns
    -------
    tuple of Reason, length k
    """
    weight = np.zeros((tracks.size, played.size))
    others = tracks[:, np.newaxis] != played  # that a track was played is no reason to play it
    for matrix, column in ((sound, 0), (behaviour, 1)):
        if matrix is not None and played.size:
            weight += shares[:, column, None] * _relative(np.where(others, matrix, 0))
    order = np.argsort(-_telling(weight), axis=1, kind="stable")[:, :limit]
    names = rules if rules is not None else [None] * tracks.size
    reasons = []
    for row, rule in enumerate(names):
        because = tuple(int(played[at]) for at in order[row] if weight[row, at] > 0)
        audio, cf, popular = shares[row].tolist()
        reasons.append(Reason(because, audio, cf, popular, rule))
    return tuple(reasons)


def _telling(weight: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Weigh plays, shape (k, m), the more the less they led to the other tracks as well.

    What somebody plays most leads to everything a little, and says little of any one track.
    """
    mean = weight.mean(axis=0, keepdims=True) if len(weight) else np.ones((1, weight.shape[1]))
    told: npt.NDArray[np.float64] = np.divide(
        weight**2, mean, out=np.zeros_like(weight), where=mean > 0
    )
    return told


def _relative(matrix: FloatArray) -> FloatArray:
    """Scale each row of shape (k, m) by its highest entry; what speaks against a track is 0."""
    positive = np.maximum(matrix, 0)
    highest = positive.max(axis=1, keepdims=True)
    scaled: FloatArray = np.divide(
        positive, highest, out=np.zeros_like(positive), where=highest > 0
    )
    return scaled
