"""What one user did, in the indices of one vocabulary of tracks."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, eq=False)
class History:
    """One user's plays, and the tracks that the user never wants to see again.

    Attributes
    ----------
    tracks : ndarray of int32, shape (m,)
        Distinct played (or liked) tracks.
    counts : ndarray of float32, shape (m,)
        Plays of each, a like counted as `data.interactions.LIKE_COUNT` plays.
    last_at : ndarray of int64, shape (m,)
        Unix seconds of the last play of each; -1 where unknown.
    hidden : ndarray of int32, shape (h,)
        Distinct disliked or hidden tracks.
    """

    tracks: npt.NDArray[np.int32] = field(default_factory=lambda: np.empty(0, np.int32))
    counts: npt.NDArray[np.float32] = field(default_factory=lambda: np.empty(0, np.float32))
    last_at: npt.NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    hidden: npt.NDArray[np.int32] = field(default_factory=lambda: np.empty(0, np.int32))

    @property
    def empty(self) -> bool:
        """Whether nothing positive is known of the user."""
        return self.tracks.size == 0
