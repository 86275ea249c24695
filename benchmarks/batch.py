"""Recommendations for all users.

Measured: `recommend_all` for 5,000 users among 15,000 tracks, 64 factors, 20 tracks a user, without
the 40 that each has played; and `recommend_many`, the path of `segue recommend --all-users`, for
500 of these users through the whole recommender: fold-in, retrieval, rules, a table.

Reference: `recommend` of bare `implicit` with the same factors, for all users at once, on as many
threads, BLAS held to one; and `Recommender.recommend` for one user after the other.

Limit: `recommend_all` at most 1.2 times its reference.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
from implicit.cpu.als import AlternatingLeastSquares
from threadpoolctl import threadpool_limits

from benchmarks.harness import Result, interleave
from benchmarks.synthetic import bundle, plays
from cf_model import recommend_all
from data.history import History
from data.interactions import Feedback, Interactions
from engine.batch import recommend_many
from engine.recommender import Recommender
from engine.request import Request
from ranker.config import RankerConfig

_USERS, _TRACKS, _FACTORS, _N, _SERVED = 5_000, 15_000, 64, 20, 500


def run() -> list[Result]:
    """Measure factors alone, then whole answers of two strategies."""
    listens = plays(_USERS, _TRACKS, 40 * _USERS, np.random.default_rng(0))
    with TemporaryDirectory() as folder:
        recommender = Recommender(
            bundle(Path(folder), _TRACKS, n_users=_USERS, width=_FACTORS), RankerConfig()
        )
        none = listens.select(np.zeros(len(listens), bool))
        feedback = Feedback(listens, none)
        served = [_served(recommender, feedback, strategy) for strategy in ("cf", "hybrid")]
    return [_factors(listens), *served]


def _factors(listens: Interactions) -> Result:
    rng = np.random.default_rng(1)
    users = rng.standard_normal((_USERS, _FACTORS), dtype=np.float32)
    items = rng.standard_normal((_TRACKS, _FACTORS), dtype=np.float32)
    seen = listens.matrix()
    with threadpool_limits(1, user_api="blas"):
        solver = AlternatingLeastSquares(factors=_FACTORS)
        solver.user_factors, solver.item_factors = users, items

        def bare() -> object:
            return solver.recommend(np.arange(_USERS), seen, N=_N)

        def ours() -> object:
            return recommend_all(users, items, seen, n=_N)

        assert (recommend_all(users, items, seen, n=_N)[0] == bare()[0]).mean() > 0.999  # type: ignore[index]
        times = interleave(ours, bare, rounds=7)
    return Result(f"all of {_USERS:,} users / bare implicit", *times, limit="<= 1.20x", rows=_USERS)


def _served(recommender: Recommender, feedback: Feedback, strategy: str) -> Result:
    request, users = Request(History(), n=_N, strategy=strategy), range(_SERVED)

    def together() -> pd.DataFrame:
        return pd.concat(recommend_many(recommender, feedback, request, users=users))

    def alone() -> None:
        for user in users:
            recommender.recommend(Request(feedback.history(user), n=_N, strategy=strategy))

    times = interleave(together, alone, rounds=3)
    return Result(f"--all-users, {strategy} / one at a time", *times, rows=_SERVED)
