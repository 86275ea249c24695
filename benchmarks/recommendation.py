"""One uncached recommendation, in process.

Measured: `Recommender.recommend` for a user with 200 plays, 20 items, everything on: fold-in, six
retrievers with some 1,000 candidates together, the features of all of them, line and trees, MMR,
an artist cap, reasons. 128 factors, embeddings of 128 numbers, 100 item neighbours a track, 200
trees of 15 leaves, read from a written and memory-mapped bundle.

Reference (plain): the same by plain means, as one would write it in a notebook: the user's factor
by `numpy.linalg.solve`, all tracks scored by numpy, their features in a pandas table, `predict` of
the LightGBM booster, sorted, seen tracks left out. No MMR, no cap, no reasons.

Reference (products): the two exact matrix-vector products that scoring every track takes, item
factors by the user's factor and embeddings by the user's profile, and nothing else.

Limit: at 100,000 tracks at least 5 times faster than the plain way, and at most 6 times the two
products. The slowest of a hundred answers within 3 times the median. BLAS has one thread on all
sides, as in the processes of the service.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy.sparse as sp
from threadpoolctl import threadpool_limits

from benchmarks.harness import Result, interleave
from benchmarks.synthetic import bundle, history
from cf_model import CFConfig
from cf_model.neighbours import ItemNeighbours
from data.history import History
from engine.bundle import Bundle, write_bundle
from engine.profile import audio_profile
from engine.recommender import Recommender
from engine.request import Request
from ranker.config import RankerConfig
from ranker.features import FEATURES, NAMES
from ranker.lambdamart import LambdaMART, RankingData, train_lambdamart
from ranker.learning import LearningConfig

_PLAYS, _ITEMS, _WIDTH, _TREES = 200, 20, 128, 200
_SIZES = (10_000, 100_000, 1_000_000)
_LIMITED = 100_000


def run() -> list[Result]:
    """Measure catalogues of several sizes, all limits at one of them."""
    model = _model()
    return [result for size in _SIZES for result in _of(size, model)]


def _of(n_tracks: int, model: LambdaMART) -> list[Result]:
    with tempfile.TemporaryDirectory() as directory, threadpool_limits(1):
        recommender = Recommender(_bundle(Path(directory), n_tracks, model), RankerConfig())
        played = history(n_tracks, _PLAYS, np.random.default_rng(1))
        request = Request(played, n=_ITEMS, diversity=0.3, artist_cap=2, explain=True)
        assert len(recommender.recommend(request).items) == _ITEMS
        limited = n_tracks == _LIMITED
        found = [_against_products(recommender, request, limited=limited)]
        if limited:
            found += [_against_plain(recommender, request, model), _tail(recommender, request)]
    return found


def _against_products(recommender: Recommender, request: Request, *, limited: bool) -> Result:
    contents = recommender.bundle.contents
    assert contents.behaviour is not None
    assert contents.acoustic is not None
    assert recommender.signals.foldin is not None
    factors, embeddings = contents.behaviour.item_factors, contents.acoustic.embeddings
    user = recommender.signals.foldin.user(request.history.tracks, request.history.counts)
    profile = audio_profile(request.history, embeddings)
    times = interleave(
        lambda: recommender.recommend(request),
        lambda: (factors @ user, embeddings @ profile),
        rounds=9,
        number=3,
    )
    name = f"recommendation, {len(embeddings):,} tracks / two products"
    return Result(name, *times, limit="<= 6.00x" if limited else "-")


def _against_plain(recommender: Recommender, request: Request, model: LambdaMART) -> Result:
    plain = _plain_way(recommender, model)
    times = interleave(
        lambda: recommender.recommend(request), lambda: plain(request.history), rounds=5
    )
    return Result("recommendation / the plain way", *times, limit="<= 0.20x")


def _tail(recommender: Recommender, request: Request) -> Result:
    """Compare the slowest percent of answers with the median one."""
    seconds = []
    for _ in range(200):
        start = time.perf_counter()
        recommender.recommend(request)
        seconds.append(time.perf_counter() - start)
    p50, p99 = np.quantile(seconds, (0.5, 0.99)).tolist()
    return Result("recommendation, p99 / p50 of 200", [p99], [p50], limit="<= 3.00x")


def _plain_way(recommender: Recommender, model: LambdaMART) -> Callable[[History], list[int]]:
    """Return the way of a notebook: every track in one table, and every row through the trees."""
    import lightgbm

    contents, config = recommender.bundle.contents, recommender.bundle.cf
    assert contents.behaviour is not None
    assert contents.acoustic is not None
    factors, embeddings = contents.behaviour.item_factors, contents.acoustic.embeddings
    gram = factors.T @ factors
    booster = lightgbm.Booster(model_str=model.trees)
    tracks = pd.DataFrame(
        {
            "artist": contents.catalog.artists,
            "listeners": np.log1p(contents.listeners),
            "loyalty": np.log(contents.plays / contents.listeners),
            "strength": np.linalg.norm(factors, axis=1),
        }
    )

    def answer(played: History) -> list[int]:
        own = factors[played.tracks]
        weights = config.alpha * np.log1p(played.counts)
        system = gram + (own.T * weights) @ own + config.regularization * np.eye(_WIDTH)
        user = np.linalg.solve(system, own.T @ (1 + weights))
        table = tracks.copy()
        table["cf_score"] = factors @ user
        table["cf_rank"] = 1 / table["cf_score"].rank(ascending=False)
        table["audio_score"] = embeddings @ audio_profile(played, embeddings)
        table["audio_rank"] = 1 / table["audio_score"].rank(ascending=False)
        table["nearest_play"] = (embeddings @ embeddings[played.tracks].T).max(axis=1)
        plays = pd.Series(played.counts).groupby(tracks["artist"].to_numpy()[played.tracks]).sum()
        table["artist_share"] = (table["artist"].map(plays) / played.counts.sum()).fillna(0)
        table = table.reindex(columns=list(NAMES))
        table["score"] = booster.predict(table.to_numpy(np.float32), num_threads=1)
        table = table.drop(index=played.tracks)
        return table.sort_values("score", ascending=False).index[:_ITEMS].tolist()

    return answer


def _bundle(root: Path, n_tracks: int, model: LambdaMART) -> Bundle:
    rng = np.random.default_rng(2)
    contents = bundle(root, n_tracks, width=_WIDTH).contents
    starts = np.arange(0, n_tracks * 100 + 1, 100, dtype=np.int64)
    around = rng.integers(n_tracks, size=n_tracks * 100, dtype=np.int32)
    weights: sp.csr_matrix = sp.csr_matrix((n_tracks, n_tracks), dtype=np.float32)
    weights.indptr, weights.indices = starts, around
    weights.data = rng.random(len(around), dtype=np.float32)
    recent = rng.random(n_tracks, dtype=np.float32) * contents.listeners
    whole = replace(contents, recent=recent, neighbours=ItemNeighbours(weights), ranker=model)
    config = {"cf": CFConfig(factors=_WIDTH).model_dump(mode="json")}
    return Bundle.open(root / write_bundle(root, whole, config=config), verify=False)


def _model() -> LambdaMART:
    """Train on noise with a pattern, until there are as many trees as are allowed."""
    rng = np.random.default_rng(0)
    table = rng.standard_normal((10_000, len(FEATURES)), dtype=np.float32)
    noise: npt.NDArray[np.float32] = rng.standard_normal(len(table), dtype=np.float32)
    labels = (table[:, 0] + table[:, 4] * table[:, 12] + noise > 2).astype(np.int8)
    data = RankingData(table, labels, np.full(100, 100))
    settings = LearningConfig(trees=_TREES, patience=_TREES)
    return train_lambdamart(data, stop=data, config=settings, threads=1)
