"""Play counts to confidences.

Hu, Koren, Volinsky, "Collaborative Filtering for Implicit Feedback Datasets", ICDM 2008,
section 4: the preference p_ui is 1 for every played pair and 0 elsewhere, and c_ui says how sure
we are of it. Unplayed pairs have c_ui = 1 and are not stored.

Of BM25 (Robertson, Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond", 2009,
equation 3.15) the saturation in the count is taken, and no more. Its two other parts, the length
of a document against the mean and the rarity of a term, are statistics of a whole collection: a
user who is folded in would need those of the day of training, and each new play would change the
confidence of all the others. What they are for, that heavy users and well-known tracks do not
drown the rest, is done here by the penalty (`frequency_power`), which needs nothing but the row.
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
        1 + alpha log(1 + r_ui / epsilon) with epsilon = 1; bm25 is
        1 + alpha r_ui (k + 1) / (r_ui + k) with k = `bm25_k1`: 1 + alpha for one play, and
        never more than 1 + alpha (k + 1).

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
    weights = 1.0 + config.alpha * _grown(counts.astype(np.float64), config)
    if weights.size and weights.max() > np.finfo(np.float32).max:
        raise DataError(
            f"A count of {counts.max():g} plays is too large for confidence "
            f"{config.confidence!r} with `alpha` {config.alpha:g}. Use 'log', or a smaller `alpha`."
        )
    return weights.astype(np.float32)


def _grown(counts: npt.NDArray[np.float64], config: CFConfig) -> npt.NDArray[np.float64]:
    if config.confidence == "binary":
        return np.ones_like(counts)
    if config.confidence == "linear":
        return counts
    if config.confidence == "log":
        return np.log1p(counts)
    # Divided by k, so that neither a huge count nor a huge k overflows on the way.
    k = config.bm25_k1
    return counts * ((1 + 1 / k) / (1 + counts / k))


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
