from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data import Feedback, History, Interactions, ParameterError
from engine.batch import recommend_many
from engine.bundle import Bundle, write_bundle
from engine.recommender import Recommender
from engine.request import Answer, Request, Scope
from ranker.config import RankerConfig
from tests.engine.conftest import TRACKS, World


@pytest.fixture(scope="module")
def recommender(world: World, tmp_path_factory: pytest.TempPathFactory) -> Recommender:
    return Recommender(world.bundle(tmp_path_factory.mktemp("bundles")), RankerConfig())


def without(world: World, root: Path, **parts: None) -> Recommender:
    contents = replace(world.contents, **parts)
    config = world.sections.model_dump(mode="json", exclude={"data"})
    bundle = Bundle.open(root / write_bundle(root, contents, config=config))
    return Recommender(bundle, RankerConfig())


def tracks(answer: Answer) -> list[int]:
    return [item.track for item in answer.items]


def history_of(*played: int, hidden: tuple[int, ...] = ()) -> History:
    size = len(played)
    return History(
        np.array(played, np.int32),
        np.ones(size, np.float32),
        np.full(size, -1, np.int64),
        np.array(hidden, np.int32),
    )


def test_taste_decides(recommender: Recommender) -> None:
    answer = recommender.recommend(Request(history_of(0, 2), n=3))
    assert answer.fallback is None
    assert {t % 2 for t in tracks(answer)} == {0}
    answer = recommender.recommend(Request(history_of(1, 3), n=3))
    assert {t % 2 for t in tracks(answer)} == {1}


def test_sound_reaches_a_track_nobody_played(recommender: Recommender) -> None:
    answer = recommender.recommend(Request(history_of(1, 3), n=4, genres=("quiet",)))
    item = next(i for i in answer.items if i.track == 11)
    assert item.sources == ("audio",)


def test_a_new_user_gets_what_is_popular(recommender: Recommender, world: World) -> None:
    answer = recommender.recommend(Request(History(), n=4))
    assert answer.fallback == "popular"
    listeners = world.contents.listeners + world.contents.plays / 1000
    assert tracks(answer) == np.argsort(-listeners, kind="stable")[:4].tolist()
    assert {i.sources for i in answer.items} == {("popular",)}


@pytest.mark.parametrize(
    ("strategy", "missing", "fallback"),
    [
        ("cf", "behaviour", "audio"),
        ("audio", "acoustic", "cf"),
        ("hybrid", "behaviour", None),
        ("hybrid", "acoustic", None),
    ],
)
def test_a_missing_signal_has_a_named_stand_in(
    world: World, tmp_path: Path, strategy: str, missing: str, fallback: str | None
) -> None:
    recommender = without(world, tmp_path, **{missing: None})
    answer = recommender.recommend(Request(history_of(0, 2), n=3, strategy=strategy))
    assert answer.fallback == fallback
    assert {t % 2 for t in tracks(answer)} == {0}


def test_without_any_signal_popularity_answers(world: World, tmp_path: Path) -> None:
    recommender = without(world, tmp_path, acoustic=None, behaviour=None)
    answer = recommender.recommend(Request(history_of(0, 2), n=3))
    assert answer.fallback == "popular"
    assert len(answer.items) == 3


def test_only_one_signal_when_asked(recommender: Recommender) -> None:
    for strategy in ("cf", "audio", "popular"):
        answer = recommender.recommend(Request(history_of(0, 2), n=2, strategy=strategy))
        assert answer.fallback is None
        assert {i.sources for i in answer.items} == {(strategy,)}


def test_seen_tracks_come_back_only_on_demand(recommender: Recommender) -> None:
    answer = recommender.recommend(Request(history_of(0, 2), n=TRACKS, exclude_seen=False))
    assert sorted(tracks(answer)) == list(range(TRACKS))


def test_hidden_tracks_never_come(recommender: Recommender) -> None:
    history = history_of(0, 2, hidden=(4, 6))
    answer = recommender.recommend(Request(history, n=TRACKS, exclude_seen=False))
    assert sorted(tracks(answer)) == [t for t in range(TRACKS) if t not in (4, 6)]


def test_genre_filters_whatever_its_case(recommender: Recommender) -> None:
    answer = recommender.recommend(Request(history_of(0, 2), n=TRACKS, genres=("qUIET",)))
    assert sorted(tracks(answer)) == [1, 3, 5, 7, 9, 11]
    both = recommender.recommend(Request(history_of(0), n=TRACKS, genres=("quiet", "rock")))
    assert len(both.items) == TRACKS - 1


def test_an_unknown_genre_is_an_error_that_names_some(recommender: Recommender) -> None:
    with pytest.raises(ParameterError, match=r"loud, quiet, rock.*'polka'"):
        recommender.recommend(Request(History(), genres=("polka",)))


def test_among_and_exclude(recommender: Recommender) -> None:
    request = Request(
        history_of(0),
        n=TRACKS,
        among=np.array([0, 1, 2, 3], np.int32),
        exclude=np.array([3], np.int32),
    )
    assert sorted(tracks(recommender.recommend(request))) == [1, 2]


def test_artist_cap_holds_while_others_are_left(recommender: Recommender) -> None:
    answer = recommender.recommend(Request(history_of(0), n=4, artist_cap=1))
    assert sorted(t % 4 for t in tracks(answer)) == [0, 1, 2, 3]
    every = recommender.recommend(Request(history_of(0), n=TRACKS, artist_cap=1))
    assert len(every.items) == TRACKS - 1


def test_diversity_mixes_sounds(recommender: Recommender) -> None:
    request = Request(history_of(0, 2), n=3, strategy="audio")
    narrow = recommender.recommend(request)
    wide = recommender.recommend(replace(request, diversity=1.0))
    assert {t % 2 for t in tracks(narrow)} == {0}
    assert {t % 2 for t in tracks(wide)} == {0, 1}


def test_reasons_name_played_tracks_of_the_same_taste(recommender: Recommender) -> None:
    answer = recommender.recommend(Request(history_of(0, 2, 1), n=3, explain=True))
    for item in answer.items:
        assert item.reason is not None
        assert set(item.reason.because) <= {0, 1, 2}
        assert item.reason.sound + item.reason.behaviour + item.reason.popularity == (
            pytest.approx(1.0)
        )
    first = answer.items[0].reason
    assert first is not None
    assert first.because[0] % 2 == answer.items[0].track % 2


def test_explaining_does_not_change_the_answer(recommender: Recommender) -> None:
    plain = recommender.recommend(Request(history_of(0, 2), n=6))
    explained = recommender.recommend(Request(history_of(0, 2), n=6, explain=True))
    assert tracks(plain) == tracks(explained)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"n": 0}, "`n` must be a positive integer"),
        ({"n": 1001}, "`n` must be at most 1000"),
        ({"strategy": "magic"}, "`strategy` must be one of"),
        ({"artist_cap": 0}, "`artist_cap` must be a positive integer"),
        ({"artist_cap": 1001}, "`artist_cap` must be at most 1000"),
        ({"diversity": 1.5}, "`diversity` must be 0 to 1"),
        ({"diversity": float("nan")}, "`diversity` must be 0 to 1"),
    ],
)
def test_requests_are_checked(values: dict[str, object], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        Request(History(), **values)  # type: ignore[arg-type]


def test_a_time_without_a_zone_is_no_time() -> None:
    with pytest.raises(ParameterError, match="`at` must be a time with a zone"):
        Scope(at=datetime(2026, 12, 24))


subsets = st.sets(st.integers(0, TRACKS - 1))


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    played=subsets,
    hidden=subsets,
    excluded=subsets,
    n=st.integers(1, 15),
    strategy=st.sampled_from(["hybrid", "cf", "audio", "popular"]),
    cap=st.none() | st.integers(1, 3),
    diversity=st.sampled_from([0.0, 0.4]),
)
def test_exclusions_hold_and_answers_are_never_short(
    recommender: Recommender,
    *,
    played: set[int],
    hidden: set[int],
    excluded: set[int],
    n: int,
    strategy: str,
    cap: int | None,
    diversity: float,
) -> None:
    history = history_of(*sorted(played), hidden=tuple(sorted(hidden)))
    request = Request(
        history,
        n=n,
        strategy=strategy,
        artist_cap=cap,
        diversity=diversity,
        exclude=np.array(sorted(excluded), np.int32),
    )
    answer = recommender.recommend(request)
    got = tracks(answer)
    eligible = set(range(TRACKS)) - played - hidden - excluded
    assert len(got) == len(set(got)) == min(n, len(eligible))
    assert set(got) <= eligible
    assert answer == recommender.recommend(request)
    if diversity == 0 and cap is None:
        scores = [i.score for i in answer.items]
        assert scores == sorted(scores, reverse=True)


def test_all_users_get_what_one_user_gets(recommender: Recommender, world: World) -> None:
    hidden = Interactions.from_frame(
        pd.DataFrame({"user_id": ["u01"], "track_id": ["t04"]}),
        users=world.plays.users,
        tracks=world.catalog.tracks,
    )
    feedback = Feedback(world.plays, hidden)
    told: list[tuple[int, int, str]] = []
    frames = recommend_many(
        recommender,
        feedback,
        Request(History(), n=5),
        users=range(len(world.plays.users)),
        progress=lambda *state: told.append(state),
    )
    table = pd.concat(frames)
    assert told[-1] == (12, 12, "users")
    assert table.columns.tolist() == ["user_id", "rank", "track_id", "score"]
    for user, rows in table.groupby("user_id"):
        history = feedback.history(world.plays.users.index(str(user)))
        answer = recommender.recommend(Request(history, n=5))
        assert rows["track_id"].tolist() == world.catalog.tracks.ids(tracks(answer))
        assert rows["rank"].tolist() == [1, 2, 3, 4, 5]
    assert "t04" not in table.loc[table["user_id"] == "u01", "track_id"].tolist()


def test_who_chose_genres_and_played_nothing_starts_from_what_they_stand_for(
    recommender: Recommender,
) -> None:
    answer = recommender.recommend(Request(History(), n=TRACKS, genres=("quiet",)))
    assert answer.fallback is None  # behaviour and sound have something to say
    assert {t % 2 for t in tracks(answer)} == {1}
    assert len(answer.items) == TRACKS // 2  # none counts as played
    assert any("cf" in item.sources for item in answer.items)
    assert any("audio" in item.sources for item in answer.items)
