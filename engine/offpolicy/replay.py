"""Asks another ranking what it would have answered, to the requests of the log."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from data.errors import SegueError
from data.history import History
from data.store import Store
from engine.exploring import generator_of
from engine.offpolicy.estimators import SlotSamples
from engine.offpolicy.reward import cells, cross_fitted
from engine.recommender import Recommender
from engine.request import Request, Scope

Progress = Callable[[int, int, str], None]

_TAKEN = ("n", "strategy", "exclude_seen", "artist_cap", "diversity", "explore")
"""Options of a logged query that a request takes as they are."""


@dataclass(frozen=True, eq=False)
class Replay:
    """Logged slots with what a target would have shown in them.

    Attributes
    ----------
    samples : SlotSamples
    agreed : float
        Share of the slots in which the target shows the same track for certain.
    unknown_bundles : int
        Impressions that were left out since their bundle is not kept any more.
    unanswered : int
        Impressions that were left out since the target cannot answer them, or since the chances
        of their slots are not known.
    """

    samples: SlotSamples
    agreed: float
    unknown_bundles: int
    unanswered: int


def replay(
    slots: pd.DataFrame,
    store: Store,
    recommender_of: Callable[[str], Recommender | None],
    *,
    explore: float | None = None,
    progress: Progress | None = None,
) -> Replay:
    """Compare what was shown with what a target would have shown.

    The target sees the request, the bundle and the user's history as they were at the time of the
    impression: what is said to have happened up to that second, whenever the store heard of it.

    Parameters
    ----------
    slots : DataFrame
        As `engine.impressions.credit.credited_slots`.
    store : Store
        Where histories and queries are.
    recommender_of : callable
        Makes the target of a bundle's id; None where that bundle is not kept any more.
    explore : float, optional
        Share of the slots that the target explores, whatever a query asked for. By default what
        the query asked for, or else what the target's settings say.
    progress : callable, optional
        Told impressions done, and in all.

    Returns
    -------
    Replay
    """
    answers = list(slots.groupby("recommendation_id", sort=False))
    queries = store.load_queries([str(name) for name, _ in answers])
    parts: list[pd.DataFrame] = []
    unknown = unanswered = 0
    made: dict[str, Recommender | None] = {}
    for done, (name, shown) in enumerate(answers, start=1):
        bundle = str(shown["bundle"].iloc[0])
        if bundle not in made:
            made[bundle] = recommender_of(bundle)
        target, times = made[bundle], int(shown["impression_id"].nunique())
        if target is None:
            unknown += times
        elif (
            part := _one(shown, store, target, query=queries.get(str(name)), explore=explore)
        ) is None:
            unanswered += times
        else:
            parts.append(part)
        if progress is not None:
            progress(done, len(answers), "answers")
    return _replayed(parts, unknown, unanswered)


def request_of(
    query: str, history: History, user_id: str, *, scope: Scope | None = None
) -> Request:
    """Return the request that a logged query was.

    Raises
    ------
    ParameterError
        If it holds a value that no request takes.
    """
    options: dict[str, Any] = json.loads(query)
    taken = {name: options[name] for name in _TAKEN if name in options}
    genres = tuple(options.get("genre", ()))
    return Request(history, genres=genres, subject=user_id, scope=scope, **taken)


def _one(
    shown: pd.DataFrame,
    store: Store,
    target: Recommender,
    *,
    query: str | None,
    explore: float | None,
) -> pd.DataFrame | None:
    """Return what a target says of the slots of one answer, however often it was served."""
    if query is None or shown["propensity"].isna().any():
        return None
    once = shown[shown["impression_id"] == shown["impression_id"].iloc[0]]
    user, at = str(once["user_id"].iloc[0]), int(once["served_at"].iloc[0])
    history = store.history(user, target.catalog.tracks, before=at + 1)
    placement = once["placement"].iloc[0]
    where = None if pd.isna(placement) else str(placement)
    scope = Scope(where, datetime.fromtimestamp(at, UTC))
    try:
        request = request_of(query, history, user, scope=scope)
        policy = target.slots(request if explore is None else replace(request, explore=explore))
    except SegueError:
        return None
    tracks = target.catalog.tracks.indices(once["track_id"].tolist()).astype(np.int32)
    own = policy.fill(policy.draw(generator_of(target.bundle.id, user, history)))
    wanted = np.full(tracks.size, -1, np.int32)
    wanted[: own.size] = own[: tracks.size]
    places = shown["position"].to_numpy(np.int64) - 1
    return shown.assign(
        chance=policy.probabilities(tracks)[places],
        shown_listeners=_listeners(target, tracks)[places],
        wanted=wanted[places],
        wanted_listeners=_listeners(target, wanted)[places],
    )


def _listeners(target: Recommender, tracks: npt.NDArray[np.int32]) -> npt.NDArray[np.float32]:
    listeners = target.bundle.contents.listeners
    return np.where(tracks >= 0, listeners[np.maximum(tracks, 0)], 0).astype(np.float32)


def _replayed(parts: list[pd.DataFrame], unknown: int, unanswered: int) -> Replay:
    if not parts:
        nothing = np.empty(0)
        users = np.empty(0, np.int64)
        none = SlotSamples(nothing, nothing, nothing, nothing, nothing, users)
        return Replay(none, 0.0, unknown, unanswered)
    rows = pd.concat(parts, ignore_index=True)
    _, codes = np.unique(rows["user_id"].to_numpy(str), return_inverse=True)
    users = codes.astype(np.int64)
    positions = rows["position"].to_numpy(np.int64)
    shown = cells(positions, rows["shown_listeners"].to_numpy(np.float64))
    wanted = cells(positions, rows["wanted_listeners"].to_numpy(np.float64))
    wanted = np.where(rows["wanted"].to_numpy() < 0, -1, wanted)
    rewards = rows["heard"].to_numpy(np.float64)
    modelled, expected = cross_fitted(rewards, shown, wanted=wanted, users=users)
    chance = rows["chance"].to_numpy(np.float64)
    logged = rows["propensity"].to_numpy(np.float64)
    samples = SlotSamples(rewards, logged, chance, modelled, expected, users)
    return Replay(samples, float((chance >= 1).mean()), unknown, unanswered)
