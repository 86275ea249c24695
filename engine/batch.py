"""Recommendations for many users at once, the same as one at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import pandas as pd

from data.interactions import Feedback
from engine.recommender import Recommender
from engine.request import Request

USERS_A_FRAME = 1_000


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
    """
    for start in range(0, len(users), USERS_A_FRAME):
        block = users[start : start + USERS_A_FRAME]
        yield pd.concat([_one(recommender, feedback, request, user) for user in block])
        if progress is not None:
            progress(start + len(block), len(users), "users")


def _one(recommender: Recommender, feedback: Feedback, request: Request, user: int) -> pd.DataFrame:
    answer = recommender.recommend(replace(request, history=feedback.history(user)))
    return pd.DataFrame(
        {
            "user_id": feedback.plays.users.id(user),
            "rank": range(1, len(answer.items) + 1),
            "track_id": recommender.catalog.tracks.ids([i.track for i in answer.items]),
            "score": [i.score for i in answer.items],
        }
    )
