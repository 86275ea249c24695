"""A model of the reward, for doubly robust estimates: how often a slot is listened to.

The rate of listens in a cell of position and popularity, each in powers of two, drawn towards the
rate of all slots as if by `PRIOR_SLOTS` of them. It need not be right: doubly robust estimates are
unbiased whatever it says, as long as the propensities are, and the less noisy the better it fits.

What it says of a slot never comes from that slot's own user (two-fold cross-fitting: Chernozhukov
et al., "Double/Debiased Machine Learning", 2018): it must not have seen the reward it predicts.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

PRIOR_SLOTS = 20.0
"""How many slots the rate of all stands for in each cell."""

_WIDTH = 64  # cells a position: popularity up to 2**64


def cells(positions: npt.NDArray[np.integer], listeners: npt.NDArray[np.floating]) -> IntArray:
    """Return the cell of each slot.

    Parameters
    ----------
    positions : ndarray of int, shape (m,)
        From 1.
    listeners : ndarray of float, shape (m,)
        Distinct listeners of the slot's track.
    """
    place = np.ceil(np.log2(np.maximum(positions, 1))).astype(np.int64)
    popularity = np.ceil(np.log2(1.0 + np.maximum(listeners, 0))).astype(np.int64)
    found: IntArray = place * _WIDTH + np.minimum(popularity, _WIDTH - 1)
    return found


def cross_fitted(
    rewards: FloatArray, shown: IntArray, *, wanted: IntArray, users: IntArray
) -> tuple[FloatArray, FloatArray]:
    """Predict the rewards of slots, from the slots of other users.

    Parameters
    ----------
    rewards : ndarray of float64, shape (m,)
    shown, wanted : ndarray of int64, shape (m,)
        Cells of the track that was shown in each slot, and of the one that another ranking would
        show; -1 for none.
    users : ndarray of int64, shape (m,)

    Returns
    -------
    tuple of ndarray of float64, shapes (m,) and (m,)
        What is expected of the shown ones, and of the wanted ones; 0 for none.
    """
    _, codes = np.unique(users, return_inverse=True)
    # Every other user, whatever the users are named: both halves are alike in size.
    odd = codes % 2 == 1
    found = np.zeros((2, rewards.size))
    for half in (odd, ~odd):
        others = ~half if (~half).any() else half  # of a single user, there are no others
        rates = _rates(rewards[others], shown[others])
        for row, asked in enumerate((shown, wanted)):
            found[row, half] = rates(asked[half])
    return found[0], found[1]


class _rates:  # noqa: N801 - reads as a function that was fitted
    def __init__(self, rewards: FloatArray, shown: IntArray) -> None:
        self._mean = float(rewards.mean()) if rewards.size else 0.0
        self._cells, codes = np.unique(shown, return_inverse=True)
        sums = np.bincount(codes, weights=rewards, minlength=self._cells.size)
        counts = np.bincount(codes, minlength=self._cells.size)
        self._values = (sums + PRIOR_SLOTS * self._mean) / (counts + PRIOR_SLOTS)

    def __call__(self, asked: IntArray) -> FloatArray:
        at = np.minimum(np.searchsorted(self._cells, asked), max(self._cells.size - 1, 0))
        known = self._cells[at] == asked if self._cells.size else np.zeros(asked.size, bool)
        values = self._values[at] if self._cells.size else np.zeros(asked.size)
        found: FloatArray = np.where(known, values, self._mean)
        return np.where(asked < 0, 0.0, found)
