"""Recommendations for many users at once, the same as one at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import scipy.sparse as sp

from cf_model.toplists import best_of_rows
from data.history import History
from data.interactions import Feedback
from data.threads import one_blas_thread
from engine.recommender import Recommender
from engine.request import Request
from engine.retrieval import CFRetriever
from ranker.candidates import FloatArray, IntArray

USERS_A_FRAME = 1_000

_BUDGET = 1 << 24  # bytes of the scores of users who are answered together

List = tuple[IntArray, FloatArray]  # tracks and their scores, best first


def recommend_many(
    recommender: Recommender,
    feedback: Feedback,
    request: Request,
    *,
    users: Sequence[int],
    progress: Callable[[int, int, str], None] | None = None,
) -> Iterator[pd.DataFrame]:
    """Recommend to each of many users.

    Parameters
    ----------
    recommender : Recommender
    feedback : Feedback
        What all users did, in the tracks of the recommender's bundle.
    request : Request
        Everything but the history, which is each user's own.
    users : sequence of int
        Indices into the users of `feedback`.
    progress : callable, optional
        Told users done and users in all.

    Yields
    ------
    DataFrame
        `user_id`, `rank` (from 1), `track_id`, `score`; some 1,000 users a frame, so that memory
        does not grow with their number.

    Notes
    -----
    With the strategy `cf`, and no rule that moves tracks, users are folded in together and scored
    by one matrix product. Scores are then those of one user alone up to float32 rounding, some
    1e-5 of their size, and tracks whose scores are as near may change places.

    While a frame is made, BLAS is held to one thread, in the whole process.
    """
    for start in range(0, len(users), USERS_A_FRAME):
        block = users[start : start + USERS_A_FRAME]
        with one_blas_thread():
            requests = [
                replace(request, history=feedback.history(u), subject=feedback.plays.users.id(u))
                for u in block
            ]
            lists = _together(recommender, requests) or [_one(recommender, r) for r in requests]
        yield _frame(recommender, feedback, block, lists)
        if progress is not None:
            progress(start + len(block), len(users), "users")


def _frame(
    recommender: Recommender, feedback: Feedback, users: Sequence[int], lists: Sequence[List]
) -> pd.DataFrame:
    sizes = [len(tracks) for tracks, _ in lists]
    ids = [feedback.plays.users.id(user) for user in users]
    tracks = np.concatenate([tracks for tracks, _ in lists])
    return pd.DataFrame(
        {
            "user_id": [name for name, size in zip(ids, sizes, strict=True) for _ in range(size)],
            "rank": np.concatenate([np.arange(1, size + 1) for size in sizes]),
            "track_id": recommender.catalog.tracks.ids(tracks.tolist()),
            "score": np.concatenate([scores for _, scores in lists]).astype(np.float64),
        }
    )


def _one(recommender: Recommender, request: Request) -> List:
    items = recommender.recommend(request).items
    tracks = np.array([item.track for item in items], np.int32)
    return tracks, np.array([item.score for item in items], np.float32)


def _together(recommender: Recommender, requests: Sequence[Request]) -> list[List] | None:
    """Answer by behaviour alone, many users a matrix product; None where more is asked for."""
    request, foldin = requests[0], recommender.signals.foldin
    plain = not recommender.ruling(request).moves
    spread = recommender.config.diversity if request.diversity is None else request.diversity
    behaviour = type(recommender.retrievers.get("cf")) is CFRetriever
    if request.strategy != "cf" or foldin is None or not behaviour or not plain or spread:
        return None
    users = foldin.users(_matrix([r.history for r in requests], len(recommender.catalog)))
    size = max(1, _BUDGET // (4 * len(recommender.catalog)))
    lists: list[List] = []
    for start in range(0, len(requests), size):
        part = slice(start, start + size)
        lists += _scored(recommender, requests[part], users[part] @ foldin.item_factors.T)
    return lists


def _scored(
    recommender: Recommender, requests: Sequence[Request], scores: FloatArray
) -> Iterator[List]:
    """Yield the best eligible tracks of scores of shape (b, n_tracks), as the retriever does."""
    for row, request in zip(scores, requests, strict=True):
        row[~recommender.eligible(request)] = -np.inf
    scores[scores <= 0] = -np.inf
    n = requests[0].n
    tracks, values = best_of_rows(scores, n)
    for at, request in enumerate(requests):
        # Whoever has too few gets a fallback, or is filled up: the business of the recommender.
        short = tracks[at, -1] < 0
        yield _one(recommender, request) if short else (tracks[at], values[at])


def _matrix(histories: Sequence[History], n_tracks: int) -> sp.csr_matrix:
    starts = np.cumsum([0, *(len(history.tracks) for history in histories)])
    parts = (
        np.concatenate([history.counts for history in histories]),
        np.concatenate([history.tracks for history in histories]),
        starts,
    )
    return sp.csr_matrix(parts, shape=(len(histories), n_tracks))
