"""Which impressions were followed by a listen."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from data.store import Store

CREDITED = ("listen", "like")
"""The events that count for an impression."""

HOUR_S = 3_600


def credited(slots: pd.DataFrame, liked: pd.DataFrame, *, window_s: int) -> npt.NDArray[np.bool_]:
    """Return which slots were followed by a listen or like of their user and track.

    An event counts for one slot: the last one that showed the track to the user in an earlier
    second, at most `window_s` seconds before. So no listen is counted twice, and no slot more than
    once. What happened in the same second is taken for the cause of the request, not its effect.

    Parameters
    ----------
    slots : DataFrame
        `user_id`, `track_id`, `served_at` (Unix seconds).
    liked : DataFrame
        `user_id`, `track_id`, `at` (Unix seconds).
    window_s : int

    Returns
    -------
    ndarray of bool, shape (len(slots),)
    """
    found = np.zeros(len(slots), np.bool_)
    if slots.empty or liked.empty:
        return found
    pairs, of_event = _pairs(slots, liked)
    served, at = slots["served_at"].to_numpy(np.int64), liked["at"].to_numpy(np.int64)
    first = min(int(served.min()), int(at.min()))
    span = max(int(served.max()), int(at.max())) - first + 1
    # One number a pair and time, so that one search finds the last slot before each event.
    order = np.lexsort((np.arange(len(slots)), served, pairs))
    keys = pairs[order] * span + (served[order] - first)
    place = np.searchsorted(keys, of_event * span + (at - first), side="left") - 1
    last = order[np.maximum(place, 0)]
    good = (place >= 0) & (pairs[last] == of_event) & (at - served[last] <= window_s)
    found[last[good]] = True
    return found


def _pairs(
    slots: pd.DataFrame, liked: pd.DataFrame
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return a code of the user and track of each slot, and of each event."""
    both = [pd.concat([slots[c], liked[c]], ignore_index=True) for c in ("user_id", "track_id")]
    users, tracks = (pd.factorize(column)[0].astype(np.int64) for column in both)
    codes = np.unique(users * (int(tracks.max()) + 1) + tracks, return_inverse=True)[1]
    return codes[: len(slots)].astype(np.int64), codes[len(slots) :].astype(np.int64)


def credited_slots(
    store: Store, *, window_hours: float, experiment: str | None = None, since: int | None = None
) -> pd.DataFrame:
    """Read the log of impressions, and what followed each.

    Parameters
    ----------
    store : Store
    window_hours : float
        How long after an impression a listen counts for it.
    experiment : str, optional
        Only answers of this one.
    since : int, optional
        Only impressions from this time on, in Unix seconds.

    Returns
    -------
    DataFrame
        As `Store.load_slots`, and `heard` (bool).
    """
    slots = store.load_slots(experiment=experiment, since=since)
    return with_credit(store, slots, window_hours=window_hours)


def with_credit(store: Store, slots: pd.DataFrame, *, window_hours: float) -> pd.DataFrame:
    """Return slots with what followed each, `heard` (bool).

    Parameters
    ----------
    store : Store
    slots : DataFrame
        As `Store.load_slots`, or a part of it: only these are credited.
    window_hours : float
    """
    if slots.empty:
        return slots.assign(heard=np.empty(0, np.bool_))
    liked = store.load_liked(CREDITED, since=int(slots["served_at"].min()))
    return slots.assign(heard=credited(slots, liked, window_s=round(window_hours * HOUR_S)))
