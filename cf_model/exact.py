"""Blocks of normal equations, solved exactly.

In the basis of the eigenvectors of Y'Y everything but the played pairs of a row is a diagonal
matrix D = Y'Y + penalty I, whatever the penalty. So a row of n < f pairs takes a system of n x n
and not of f x f: with G the played factors, W = C - I, and Woodbury's identity ::

    x = x0 + D^-1 G' W^1/2 (I + W^1/2 G D^-1 G' W^1/2)^-1 (W^-1/2 c - W^1/2 G x0)
    x0 = D^-1 penalty mu

Longer rows take (D + G' W G) x = G' c + penalty mu as it is.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cf_model.blocks import RowBlock

FloatArray = npt.NDArray[np.float32]
DoubleArray = npt.NDArray[np.float64]

_PART = 65_536  # pairs of one row taken to float64 at once: 64 MiB at 128 factors
_LEAST = 1e-7  # of C - I, which float32 may round to 0: far below what float32 tells apart


def solve_block(
    block: RowBlock, fixed: FloatArray, diagonal: DoubleArray, pull: DoubleArray
) -> DoubleArray:
    """Solve a block of rows.

    Parameters
    ----------
    block : RowBlock
        Confidences.
    fixed : ndarray of float32, shape (n, f)
        Factors of the other side, in a basis where Y'Y is diagonal.
    diagonal : ndarray of float64, shape (b, f)
        Y'Y + penalty I of each row.
    pull : ndarray of float64, shape (b, f)
        penalty mu.

    Returns
    -------
    ndarray of float64, shape (b, f)
    """
    inside = block.values > 0
    excess = np.where(inside, np.maximum(block.values.astype(np.float64) - 1, _LEAST), 0)
    if block.columns.shape[1] < fixed.shape[1]:
        factors = np.take(fixed, block.columns, axis=0).astype(np.float64)
        return _by_pairs(factors, block.values, np.sqrt(excess), diagonal, pull)
    return _by_factors(block, fixed, excess, diagonal, pull)


def _by_pairs(
    factors: DoubleArray,
    weights: FloatArray,
    roots: DoubleArray,
    diagonal: DoubleArray,
    pull: DoubleArray,
) -> DoubleArray:
    """Solve systems of the size of the played pairs, (b, w, w)."""
    start = pull / diagonal
    scaled = factors * roots[:, :, None]
    divided = scaled / diagonal[:, None, :]
    system = divided @ scaled.transpose(0, 2, 1)
    every = np.arange(system.shape[1])
    system[:, every, every] += 1
    wanted = np.divide(weights, roots, out=np.zeros_like(roots), where=roots > 0)
    wanted -= (scaled @ start[:, :, None])[:, :, 0]
    found = np.linalg.solve(system, wanted[:, :, None])
    return np.asarray(start + (found.transpose(0, 2, 1) @ divided)[:, 0])


def _by_factors(
    block: RowBlock,
    fixed: FloatArray,
    excess: DoubleArray,
    diagonal: DoubleArray,
    pull: DoubleArray,
) -> DoubleArray:
    """Solve systems of the size of the factors, (b, f, f)."""
    rows, width = block.columns.shape
    system = np.zeros((rows, fixed.shape[1], fixed.shape[1]))
    every = np.arange(fixed.shape[1])
    system[:, every, every] = diagonal
    wanted = pull.copy()
    for start in range(0, width, _PART):
        part = slice(start, start + _PART)
        factors = np.take(fixed, block.columns[:, part], axis=0).astype(np.float64)
        system += factors.transpose(0, 2, 1) @ (factors * excess[:, part, None])
        wanted += (block.values[:, None, part] @ factors)[:, 0]
    return np.asarray(np.linalg.solve(system, wanted[:, :, None])[:, :, 0])
