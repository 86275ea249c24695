"""Whether a difference between two systems is more than chance.

The paired sign-flip test: if two systems were alike, then for each user either might as well have
had the other's value, so that the sign of the user's difference could be flipped. The p-value is
the share of random flips whose mean difference is at least as far from zero as the one found, the
one found counted in: (1 + b) / (1 + n), never zero. Two-sided. Smucker, Allan and Carterette, "A
comparison of statistical significance tests for information retrieval evaluation", CIKM 2007;
Phipson and Smyth, "Permutation p-values should never be zero", 2010.

Whoever compares many systems finds a difference by chance. Holm, "A simple sequentially rejective
multiple test procedure", Scandinavian Journal of Statistics 6(2), 1979, keeps the probability of
even one false finding among all comparisons below the level, whatever their dependence.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from data.checks import check_positive
from data.errors import DataError

FloatArray = npt.NDArray[np.float64]

_CHUNK = 2_000_000  # flips held at once: 16 MB
_ROUNDING = 1e-12  # of the sum of absolute differences; sums nearer than that are equal


@dataclass(frozen=True)
class Test:
    """The p-value of a comparison, and the same corrected for the number of comparisons."""

    __test__ = False  # pytest: this is not a test of the program

    p: float
    p_holm: float


def sign_flip(differences: FloatArray, *, flips: int = 10_000, seed: int = 0) -> FloatArray:
    """Return two-sided p-values of the means of columns, by random flips of the rows' signs.

    Parameters
    ----------
    differences : ndarray of float64, shape (m, q)
        One row a user, one column a comparison. All columns see the same flips.
    flips : int
        Number of random flips.
    seed : int
        The same seed, number of users and of flips give the same p-values.

    Returns
    -------
    ndarray of float64, shape (q,)
        Between 1 / (1 + flips) and 1.

    Raises
    ------
    DataError
        If there is no user.
    ParameterError
        If `flips` is not positive.
    """
    check_positive("flips", flips, integer=True)
    users = len(differences)
    if not users:
        raise DataError("A test needs at least one user. Received: none.")
    least = np.abs(differences.sum(axis=0)) - _ROUNDING * np.abs(differences).sum(axis=0)
    rng = np.random.default_rng(seed)
    beyond = np.zeros(differences.shape[1], np.int64)
    step = max(1, _CHUNK // users)
    for first in range(0, flips, step):
        signs = _signs(min(step, flips - first), users, rng)
        beyond += (np.abs(signs @ differences) >= least).sum(axis=0)
    return np.asarray((1 + beyond) / (1 + flips))


def holm(p: FloatArray) -> FloatArray:
    """Return p-values corrected by Holm's procedure.

    Parameters
    ----------
    p : ndarray of float64, shape (n, ...)
        The p-values of n comparisons along the first axis; each further column is corrected by
        itself.

    Returns
    -------
    ndarray of float64, shape (n, ...)
        At most 1; in the same order as the p-values.
    """
    order = np.argsort(p, axis=0, kind="stable")
    remaining = np.arange(len(p), 0, -1).reshape(-1, *[1] * (p.ndim - 1))
    stepped = np.take_along_axis(p, order, axis=0) * remaining
    corrected = np.empty_like(p)
    highest = np.minimum(np.maximum.accumulate(stepped, axis=0), 1.0)
    np.put_along_axis(corrected, order, highest, axis=0)
    return corrected


def _signs(rows: int, users: int, rng: np.random.Generator) -> FloatArray:
    """Return random signs, shape (rows, users); eight of them cost one random byte."""
    width = -(-users // 8)
    drawn = np.frombuffer(rng.bytes(rows * width), np.uint8).reshape(rows, width)
    signs = np.unpackbits(drawn, axis=1, count=users).astype(np.float64)
    signs *= 2
    signs -= 1
    return signs
