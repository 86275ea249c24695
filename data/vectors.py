"""Vectors of unit length, whose products are cosines."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def unit_rows(rows: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Scale each row of shape (d,) to length 1; zero rows stay zero."""
    norms = np.linalg.norm(rows, axis=-1, keepdims=True)
    return (rows / np.where(norms > 0, norms, 1)).astype(np.float32)
