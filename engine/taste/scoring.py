"""How well tracks fit several centres of taste."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

FloatVector = npt.NDArray[np.float32]
FloatMatrix = npt.NDArray[np.float32]


def taste_scores(
    products: FloatMatrix, masses: FloatVector | sp.csr_matrix, *, temperature: float
) -> FloatMatrix:
    """Blend the products with several centres into one score a track.

    The score is ``1 + T log(sum_k mass_k exp((product_k - 1) / T))``. Were each play a centre, this
    would be the log-density of a kernel estimate, with von Mises-Fisher kernels of concentration
    1 / T about the plays, in units of a cosine; a centre puts the mean of its plays in their place.
    With a single centre, the score is the weighted mean of the cosines to all plays. As T falls,
    the nearest centre decides alone; as it rises, the score nears that mean.

    Parameters
    ----------
    products : ndarray of float32, shape (k, n)
        Of the means of k centres and n tracks. They are overwritten.
    masses : ndarray of float32, shape (k,), or csr_matrix of float32, shape (b, k)
        Of the centres: of one user, or of b users, each row adding up to 1.
    temperature : float
        T, from 0.05 (below it, float32 underflows) to 10.

    Returns
    -------
    ndarray of float32, shape (n,), or (b, n)
        Minus infinity for a user without a centre.
    """
    products -= 1
    products /= temperature
    np.exp(products, out=products)
    density = np.asarray(masses @ products, dtype=np.float32)  # (b, k) @ (k, n) -> (b, n)
    with np.errstate(divide="ignore"):
        scores: FloatMatrix = np.log(density, out=density)
    scores *= temperature
    scores += 1
    return scores
