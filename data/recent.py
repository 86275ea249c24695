"""How many users play a track lately."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from data.interactions import Interactions

_DAY = 86_400  # seconds


def recent_listeners(
    plays: Interactions, *, half_life_days: float = 14.0
) -> npt.NDArray[np.float32] | None:
    """Count the listeners of each track, each half as much for each half-life since.

    Parameters
    ----------
    plays : Interactions
    half_life_days : float
        Counted from the last play of all back to the last one of each user and track. A play of
        unknown time is left out.

    Returns
    -------
    ndarray of float32, shape (n_tracks,), or None
        None where no time is known.
    """
    known = np.flatnonzero(plays.at >= 0)
    if not known.size:
        return None
    user, track, at = plays.user[known], plays.track[known], plays.at[known]
    # Rows are sorted by user and track: those of one pair lie side by side.
    first = np.flatnonzero(np.r_[True, (user[1:] != user[:-1]) | (track[1:] != track[:-1])])
    last = np.maximum.reduceat(at, first)
    weight = 0.5 ** ((last.max() - last) / (half_life_days * _DAY))
    found = np.bincount(track[first], weight, minlength=len(plays.tracks))
    return found.astype(np.float32)
