"""One uncached recommendation, in process.

Measured: `Recommender.recommend` for a user with 200 plays, 20 items, strategy `hybrid`: fold-in,
three retrievers of 200 candidates each, merge, rank fusion. Catalogues of 20,000 and of 100,000
tracks, 128 factors, embeddings of 128 numbers, read from a written and memory-mapped bundle.

Reference: the two exact matrix-vector products that scoring every track takes, item factors by
the user's factor and embeddings by the user's profile, and nothing else.

BLAS has one thread on both sides, as in the processes of the service. No limit is set yet.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.harness import Result, interleave
from benchmarks.synthetic import bundle, history
from engine.profile import audio_profile
from engine.recommender import Recommender
from engine.request import Request
from ranker.config import RankerConfig

_PLAYS = 200
_ITEMS = 20


def run() -> list[Result]:
    """Measure both catalogues."""
    return [_of(20_000, rounds=15), _of(100_000, rounds=9)]


def _of(n_tracks: int, *, rounds: int) -> Result:
    with tempfile.TemporaryDirectory() as directory, threadpool_limits(1):
        recommender = Recommender(bundle(Path(directory), n_tracks), RankerConfig())
        contents = recommender.bundle.contents
        assert contents.behaviour is not None
        assert contents.acoustic is not None
        factors, embeddings = contents.behaviour.item_factors, contents.acoustic.embeddings
        played = history(n_tracks, _PLAYS, np.random.default_rng(1))
        request = Request(played, n=_ITEMS)
        assert recommender.signals.foldin is not None
        user = recommender.signals.foldin.user(played.tracks, played.counts)
        profile = audio_profile(played, embeddings)
        assert len(recommender.recommend(request).items) == _ITEMS
        times = interleave(
            lambda: recommender.recommend(request),
            lambda: (factors @ user, embeddings @ profile),
            rounds=rounds,
            number=10,
        )
    return Result(f"recommendation, {n_tracks:,} tracks / two products", *times)
