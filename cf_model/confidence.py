"""Play counts to confidences.

Hu, Koren, Volinsky, "Collaborative Filtering for Implicit Feedback Datasets", ICDM 2008,
section 4: the preference p_ui is 1 for every played pair and 0 elsewhere, and c_ui says how sure
we are of it. Unplayed pairs have c_ui = 1 and are not stored.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from cf_model.config import CFConfig
from data.errors import DataError


def confidence_of(counts: npt.NDArray[np.float32], config: CFConfig) -> npt.NDArray[np.float32]:
    """Return the confidences of played pairs.

    Parameters
    ----------
    counts : ndarray of float32, shape (m,)
        Plays r_ui, finite and above zero.
    config : CFConfig
        `confidence` names the formula: binary is 1 + alpha; linear is 1 + alpha r_ui (the
        paper's first formula); log is 1 + alpha log(1 + r_ui), the paper's alternative
        1 + alpha log(1 + r_ui / epsilon) with epsilon = 1.

    Returns
    -------
    ndarray of float32, shape (m,)
        c_ui, above 1 up to rounding.

    Raises
    ------
    DataError
        If a count is not above zero, or its confidence is more than float32 holds.
    """
    counts = np.asarray(counts, dtype=np.float32)
    # Written so that NaN fails too.
    if counts.size and not counts.min() > 0:
        raise DataError(f"Counts of plays must be above zero. Received: {counts.min()}.")
    if config.confidence == "binary":
        grown = np.ones_like(counts, dtype=np.float64)
    elif config.confidence == "linear":
        grown = counts.astype(np.float64)
    else:
        grown = np.log1p(counts, dtype=np.float64)
    weights = 1.0 + config.alpha * grown
    if weights.size and weights.max() > np.finfo(np.float32).max:
        raise DataError(
            f"A count of {counts.max():g} plays is too large for confidence "
            f"{config.confidence!r} with `alpha` {config.alpha:g}. Use 'log', or a smaller `alpha`."
        )
    return weights.astype(np.float32)


def confidence(matrix: sp.csr_matrix, config: CFConfig) -> sp.csr_matrix:
    """Return the confidences of a matrix of plays, by `confidence_of`.

    Parameters
    ----------
    matrix : csr_matrix of float32, shape (n_users, n_tracks)
        Plays; only stored entries count, each above zero.
    config : CFConfig

    Returns
    -------
    csr_matrix of float32, shape (n_users, n_tracks)
        c_ui of the stored entries. It shares its index arrays with `matrix`.

    Raises
    ------
    DataError
        See `confidence_of`.
    """
    data = confidence_of(matrix.data, config)
    return sp.csr_matrix((data, matrix.indices, matrix.indptr), shape=matrix.shape)
