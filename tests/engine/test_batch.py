"""The answers for all users are those for each of them, whatever way they were made."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cf_model import CFConfig, train_als
from data import Catalog, Interactions
from data.history import History
from data.interactions import Feedback
from data.vocabulary import Vocabulary
from engine.batch import recommend_many
from engine.bundle import Behaviour, Bundle, BundleContents, write_bundle
from engine.recommender import Recommender
from engine.request import Request, Scope
from ranker.config import RankerConfig
from ranker.recordings import OneOfEach
from tests.engine.conftest import World
from tests.ranker.rules.plain import parse

USERS, TRACKS = 60, 90
CF = CFConfig(factors=16, iterations=5)


@pytest.fixture(scope="module")
def feedback() -> Feedback:
    """Plays of 60 users, some hidden; u00 did nothing, u01 played almost everything."""
    rng = np.random.default_rng(2)
    plays = rng.integers(1, 9, (USERS, TRACKS)) * (rng.random((USERS, TRACKS)) < 0.15)
    plays[0], plays[1], plays[1, :3] = 0, 1, 0
    user, track = np.nonzero(plays)
    users = Vocabulary([f"u{i:02}" for i in range(USERS)])
    tracks = Vocabulary([f"t{i:02}" for i in range(TRACKS)])
    listens = Interactions(
        users, tracks, user, track, plays[user, track], np.full(user.size, -1, np.int64)
    )
    hidden = rng.integers(USERS, size=40), rng.integers(TRACKS, size=40)
    shown = plays[hidden] == 0
    pairs = (hidden[0][shown], hidden[1][shown])
    size = int(shown.sum())
    return Feedback(
        listens, Interactions(users, tracks, *pairs, np.ones(size), np.full(size, -1, np.int64))
    )


@pytest.fixture(scope="module")
def recommender(feedback: Feedback, tmp_path_factory: pytest.TempPathFactory) -> Recommender:
    root = tmp_path_factory.mktemp("bundles")
    model = train_als(feedback.plays, CF, rng=np.random.default_rng(0))
    tracks = feedback.plays.tracks
    frame = pd.DataFrame(
        {
            "track_id": tracks.ids(list(range(TRACKS))),
            "genre": ["Loud" if i % 2 else "Quiet" for i in range(TRACKS)],
            "artist": [f"Artist {i % 7}" for i in range(TRACKS)],
        }
    )
    matrix = feedback.plays.matrix()
    contents = BundleContents(
        catalog=Catalog.from_frame(frame),
        users=feedback.plays.users,
        listeners=matrix.getnnz(axis=0).astype(np.float32),
        plays=np.asarray(matrix.sum(axis=0), np.float32).ravel(),
        behaviour=Behaviour(model.user_factors, model.item_factors),
    )
    config = {"cf": CF.model_dump(mode="json")}
    return Recommender(
        Bundle.open(root / write_bundle(root, contents, config=config)), RankerConfig()
    )


QUIET = parse({"kind": "filter", "where": {"genre": "loud"}})
PINNED = parse({"kind": "pin", "track": "t42", "position": 2})

ASKED = [
    Request(History(), n=5, strategy="cf"),
    Request(History(), n=40, strategy="cf"),  # more than score above zero
    Request(History(), n=1, strategy="cf", exclude_seen=False),
    Request(History(), n=5, strategy="cf", genres=("loud",)),
    Request(History(), n=5, strategy="cf", among=np.arange(20, 50, dtype=np.int32)),
    Request(History(), n=5, strategy="cf", exclude=np.arange(20, 50, dtype=np.int32)),
    Request(History(), n=5, strategy="cf", artist_cap=1),
    Request(History(), n=5, strategy="cf", scope=Scope(rules=QUIET)),
    Request(History(), n=5, strategy="cf", scope=Scope(rules=(*QUIET, *PINNED))),
    Request(History(), n=5, strategy="hybrid"),
    Request(History(), n=5, strategy="popular"),
]


@pytest.mark.parametrize("request_", ASKED)
def test_everybody_gets_what_each_would_get(
    recommender: Recommender, feedback: Feedback, request_: Request
) -> None:
    _agrees(recommender, feedback, request_)


def test_tracks_of_one_recording_are_answered_once(
    recommender: Recommender, feedback: Feedback
) -> None:
    contents = recommender.bundle.contents
    twins = (np.arange(TRACKS) // 2 * 2).astype(np.int32)
    signals = replace(recommender.signals, one_of_each=OneOfEach(twins, contents.listeners))
    other = Recommender(recommender.bundle, recommender.config, signals=signals)
    table = _agrees(other, feedback, Request(History(), n=5, strategy="cf"))
    recordings = table["track_id"].str[1:].astype(int) // 2
    assert not pd.DataFrame({"user": table["user_id"], "recording": recordings}).duplicated().any()


def test_small_blocks_change_nothing(
    recommender: Recommender, feedback: Feedback, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = Request(History(), n=5, strategy="cf")
    whole = _all(recommender, feedback, request)
    monkeypatch.setattr("engine.batch._BUDGET", 4 * TRACKS * 7)
    monkeypatch.setattr("engine.batch.USERS_A_FRAME", 17)
    parts = _all(recommender, feedback, request)
    pd.testing.assert_frame_equal(
        whole.reset_index(drop=True), parts.reset_index(drop=True), rtol=1e-4
    )


def test_frames_are_told_as_they_are_done(recommender: Recommender, feedback: Feedback) -> None:
    told: list[tuple[int, int, str]] = []
    frames = recommend_many(
        recommender,
        feedback,
        Request(History(), n=2, strategy="cf"),
        users=[3, 4],
        progress=lambda *state: told.append(state),
    )
    table = pd.concat(frames)
    assert told == [(2, 2, "users")]
    assert table["user_id"].tolist() == ["u03", "u03", "u04", "u04"]
    assert table["rank"].tolist() == [1, 2, 1, 2]


def test_nobody_and_nothing(world: World, tmp_path: Path) -> None:
    recommender = Recommender(world.bundle(tmp_path / "bundles"), RankerConfig())
    nothing = world.plays.select(np.zeros(len(world.plays), bool))
    feedback = Feedback(world.plays, nothing)
    request = Request(History(), n=3, strategy="cf")
    assert list(recommend_many(recommender, feedback, request, users=[])) == []
    none = replace(request, exclude=np.arange(len(world.catalog), dtype=np.int32))
    table = pd.concat(recommend_many(recommender, feedback, none, users=[0, 1]))
    assert len(table) == 0
    assert table.columns.tolist() == ["user_id", "rank", "track_id", "score"]


def _all(recommender: Recommender, feedback: Feedback, request: Request) -> pd.DataFrame:
    return pd.concat(recommend_many(recommender, feedback, request, users=range(USERS)))


def _agrees(recommender: Recommender, feedback: Feedback, request: Request) -> pd.DataFrame:
    table = _all(recommender, feedback, request)
    for user in range(USERS):
        answer = recommender.recommend(replace(request, history=feedback.history(user)))
        rows = table[table["user_id"] == feedback.plays.users.id(user)]
        assert rows["rank"].tolist() == list(range(1, len(answer.items) + 1))
        ids = recommender.catalog.tracks.ids([item.track for item in answer.items])
        assert rows["track_id"].tolist() == ids
        np.testing.assert_allclose(
            rows["score"], [item.score for item in answer.items], rtol=1e-4, atol=1e-5
        )
    return table
