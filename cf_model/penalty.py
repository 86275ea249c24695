"""How strongly the factors of a user or a track are held near zero.

Rendle, Krichene, Zhang, Koren, "Revisiting the Performance of iALS on Item Recommendation
Benchmarks", RecSys 2022, equation 9: the penalty of a row is ``lambda * n ** power`` with n its
number of played pairs. With power 0 every row has the same penalty, and those with many plays are
hardly held at all; with power 1 the penalty grows as fast as the evidence does. (The paper counts
a share of the unplayed pairs too, the same number for every row. It is left out here, as it only
brings the penalties of short and long rows closer, which a lower power does as well.)
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from cf_model.config import CFConfig


def rounded(sizes: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Return each number as the nearest power of two, by ratio; of 0 it is 1."""
    logarithms = np.log2(np.maximum(np.asarray(sizes, np.float64), 1.0))
    return np.asarray(np.exp2(np.floor(logarithms + 0.5)))


def row_penalties(sizes: npt.NDArray[Any], config: CFConfig) -> npt.NDArray[np.float64]:
    """Return `regularization * rounded(sizes) ** frequency_power`.

    Parameters
    ----------
    sizes : ndarray of int, any shape
        Played pairs of each row; a row of none counts as one of one.
    config : CFConfig
    """
    return np.asarray(config.regularization * rounded(sizes) ** config.frequency_power)


def weight_scale(weights: sp.csr_matrix, power: float = 0.0) -> float:
    """Return sum_ui c_ui / sqrt(sum_u n_u^power * sum_i n_i^power), in confidence.

    Sums are over played pairs, users with plays, and tracks with plays; n is `rounded`.

    Parameters
    ----------
    weights : csr_matrix of float32, shape (n_users, n_tracks)
        Confidences of played pairs; at least one.
    power : float
        `CFConfig.frequency_power`.

    Notes
    -----
    Scaling row u of the factors by n_u^(power / 2) turns its penalty into the same lambda for all
    rows, and the confidences near zero into M = c_ui / sqrt(n_u^power n_i^power). Zero factors are
    the best there are when lambda reaches the largest singular value of M. That is never below
    v' M w for unit vectors v and w, and the scale is this product for v_u ~ n_u^(power / 2) and
    w_i ~ n_i^(power / 2). So a share of the scale under 1 leaves something to learn, whatever the
    data and the power. With power 1 the scale is about the mean confidence of a played
    pair.
    """
    users = np.diff(weights.indptr)
    tracks = np.bincount(weights.indices)
    sizes = [float((rounded(n[n > 0]) ** power).sum()) for n in (users, tracks)]
    return float(weights.data.sum(dtype=np.float64) / np.sqrt(sizes[0] * sizes[1]))
