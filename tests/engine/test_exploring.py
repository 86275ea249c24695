"""Exploration in answers: which tracks, how probably, and never one that may not be shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from data import Feedback, Interactions, ParameterError
from engine.batch import recommend_many
from engine.bundle import Bundle, write_bundle
from engine.exploring import Explorer, generator_of
from engine.recommender import Recommender
from engine.request import Request
from engine.signals import Signals
from ranker.candidates import Query
from ranker.config import RankerConfig
from ranker.rules import Rules
from tests.engine.conftest import TRACKS, World
from tests.engine.test_recommender import history_of, tracks

Make = Callable[..., Recommender]


@pytest.fixture(scope="module")
def bundle(world: World, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """A bundle in which tracks 8, 9 and 11 have 0, 1 and 0 listeners, and sound says little."""
    assert world.contents.behaviour is not None
    listeners = world.contents.listeners.copy()
    listeners[[8, 9, 11]] = 0, 1, 0
    behaviour = replace(world.contents.behaviour, uncertainty=np.full(TRACKS, 0.25, np.float32))
    contents = replace(world.contents, behaviour=behaviour, listeners=listeners)
    root = tmp_path_factory.mktemp("bundles")
    config = world.sections.model_dump(mode="json", exclude={"data"})
    return Bundle.open(root / write_bundle(root, contents, config=config))


@pytest.fixture(scope="module")
def make(bundle: Bundle) -> Make:
    def of(**config: object) -> Recommender:
        return Recommender(bundle, RankerConfig(**{"explore_listeners": 1} | config))  # type: ignore[arg-type]

    return of


def test_by_default_nothing_is_explored(make: Make) -> None:
    answer = make().recommend(Request(history_of(0, 2), n=6))
    assert {(i.explored, i.propensity) for i in answer.items} == {(False, 1.0)}


def test_explored_slots_hold_uncertain_tracks_with_their_probability(make: Make) -> None:
    plain = make().recommend(Request(history_of(0, 2), n=4))
    answer = make(explore=0.25).recommend(
        Request(history_of(0, 2), n=4, subject="ann", explain=True)
    )
    assert [i.explored for i in answer.items] == [False, False, False, True]
    explored = answer.items[3]
    assert explored.track in {8, 9, 11} - {i.track for i in plain.items[:3]}
    assert explored.propensity is not None
    assert 0 < explored.propensity < 1
    assert explored.sources[-1] == "explore"
    assert explored.reason is not None
    assert explored.reason.rule == "explore"
    others = [i for i in answer.items if not i.explored]
    assert [i.track for i in others] == [i.track for i in plain.items[:3]]
    assert {i.propensity for i in others} == {1.0}
    assert all("explore" not in i.sources for i in others)


def test_the_same_user_gets_the_same_and_others_get_others(make: Make, bundle: Bundle) -> None:
    recommender, again = make(explore=0.25), make(explore=0.25)
    request = Request(history_of(0, 2), n=4, subject="ann")
    assert recommender.recommend(request) == again.recommend(request)
    seen = Counter(
        recommender.recommend(replace(request, subject=f"user {n}")).items[3].track
        for n in range(200)
    )
    assert set(seen) == set(recommender.slots(request).pool.tracks.tolist())
    # How often each comes is how probable it is said to be.
    policy = recommender.slots(request)
    for track, times in seen.items():
        shown = np.array([-1, -1, -1, track], np.int32)
        chance = policy.probabilities(shown)[3]
        assert abs(times - 200 * chance) < 4 * np.sqrt(200 * chance * (1 - chance)) + 1


def test_chance_depends_on_bundle_user_and_history() -> None:
    def first(bundle: str = "b", user: str = "ann", *played: int) -> float:
        return float(generator_of(bundle, user, history_of(*played)).random())

    assert first() == first()
    assert len({first(), first("c"), first("b", "bob"), first("b", "ann", 1)}) == 4
    assert first("b", "ann", 1) != float(generator_of("b", "ann", history_of(hidden=(1,))).random())


def test_what_is_believed_of_a_track(bundle: Bundle) -> None:
    signals = Signals.of(bundle.contents, bundle.cf)
    query = Query(history_of(0, 2), np.ones(TRACKS, bool))
    pool = Explorer(signals, 1).pool(query, np.empty(0, np.int32))
    assert signals.cf is not None
    scores = signals.cf.scores(query)
    assert scores is not None
    found = dict(
        zip(pool.tracks.tolist(), zip(pool.means, pool.deviations, strict=True), strict=True)
    )
    assert set(found) == {8, 9, 11}  # track 10 is unplayed too, but nobody knows its sound
    for track, listeners in ((8, 0), (9, 1), (11, 0)):
        mean, deviation = found[track]
        assert mean == pytest.approx(float(scores[track]))
        assert deviation == pytest.approx(np.sqrt(0.25 / (1 + listeners)))


def test_a_new_user_explores_by_uncertainty_alone(bundle: Bundle) -> None:
    signals = Signals.of(bundle.contents, bundle.cf)
    query = Query(history_of(), np.ones(TRACKS, bool))
    pool = Explorer(signals, 1).pool(query, np.empty(0, np.int32))
    assert pool.means.tolist() == [0, 0, 0]


def test_a_bundle_that_knows_no_uncertainty_explores_nothing(world: World, tmp_path: Path) -> None:
    recommender = Recommender(world.bundle(tmp_path), RankerConfig(explore=1.0))
    answer = recommender.recommend(Request(history_of(0, 2), n=4))
    assert not any(i.explored for i in answer.items)


def test_a_request_may_say_how_much(make: Make) -> None:
    assert not any(
        i.explored for i in make(explore=0.5).recommend(Request(history_of(0), explore=0.0)).items
    )
    answer = make().recommend(Request(history_of(0), n=4, explore=0.5))
    assert [i.explored for i in answer.items] == [False, True, False, True]
    alone = make(explore=0.5).recommend(Request(history_of(0), n=4, strategy="cf"))
    assert not any(i.explored for i in alone.items)
    with pytest.raises(ParameterError, match=r"`explore` must be 0 to 1\. Received: 2"):
        Request(history_of(0), explore=2)


def test_a_cap_holds_whichever_tracks_are_drawn(make: Make) -> None:
    recommender = make(explore=0.5, artist_cap=1)
    for n in range(50):
        answer = recommender.recommend(Request(history_of(0), n=4, subject=f"user {n}"))
        assert sorted(t % 4 for t in tracks(answer)) == [0, 1, 2, 3]


def test_slots_that_a_cap_empties_go_back_to_the_ranking(make: Make) -> None:
    # All artists are in the certain part, so only what is shown anyway could be explored.
    plain = make(artist_cap=1).recommend(Request(history_of(0), n=4))
    answer = make(explore=0.25, artist_cap=1).recommend(Request(history_of(0), n=4))
    assert sorted(t % 4 for t in tracks(answer)) == [0, 1, 2, 3]
    assert len(set(tracks(plain)) & set(tracks(answer))) >= 3


def test_many_at_once_are_answered_as_one(make: Make, world: World) -> None:
    recommender = make(explore=0.5)
    none = np.empty(0, np.int32)
    hidden = Interactions(
        world.plays.users, world.plays.tracks, none, none,
        np.empty(0, np.float32), np.empty(0, np.int64),
    )  # fmt: skip
    feedback = Feedback(world.plays, hidden)
    request = Request(history_of(), n=4)
    (frame,) = recommend_many(recommender, feedback, request, users=range(12))
    for user in range(12):
        name = world.plays.users.id(user)
        own = replace(request, history=feedback.history(user), subject=name)
        expected = world.catalog.tracks.ids(tracks(recommender.recommend(own)))
        assert frame.track_id[frame.user_id == name].tolist() == list(expected)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    played=st.lists(st.integers(0, TRACKS - 1), unique=True, max_size=5),
    hidden=st.lists(st.integers(0, TRACKS - 1), unique=True, max_size=4),
    exclude=st.lists(st.integers(0, TRACKS - 1), unique=True, max_size=4),
    n=st.integers(1, 15),
    share=st.floats(0, 1),
    subject=st.text(max_size=4),
    options=st.fixed_dictionaries(
        {},
        optional={
            "diversity": st.floats(0, 1),
            "artist_cap": st.integers(1, 3),
            "exclude_seen": st.booleans(),
            "genres": st.just(("quiet",)),
        },
    ),
)
def test_hard_exclusions_hold_and_answers_are_full(
    make: Make,
    played: list[int],
    hidden: list[int],
    exclude: list[int],
    n: int,
    share: float,
    subject: str,
    options: dict[str, object],
) -> None:
    recommender = make(explore=share)
    request = Request(
        history_of(*played, hidden=tuple(hidden)),
        n=n,
        exclude=np.array(exclude, np.int32),
        subject=subject,
        **options,  # type: ignore[arg-type]
    )
    answer = recommender.recommend(request)
    eligible = set(np.flatnonzero(recommender.eligible(request)).tolist())
    found = tracks(answer)
    assert len(found) == len(set(found)) == min(n, len(eligible))
    assert set(found) <= eligible
    assert all(i.propensity is not None and 0 < i.propensity <= 1 for i in answer.items)
    assert all(np.isfinite(i.score) for i in answer.items)
    cap = request.artist_cap
    plain = tracks(recommender.recommend(replace(request, explore=0.0)))
    if cap is not None and max(Counter(t % 4 for t in plain).values(), default=0) <= cap:
        assert max(Counter(t % 4 for t in found).values(), default=0) <= cap


def test_rules_come_first(make: Make, bundle: Bundle) -> None:
    def explored(*rules: dict[str, object]) -> list[bool]:
        own = TypeAdapter(Rules).validate_python(rules)
        recommender = Recommender(bundle, RankerConfig(explore=0.5, explore_listeners=1), rules=own)
        answer = recommender.recommend(Request(history_of(0, 2), n=4, subject="ann"))
        gone = {8, 11} if any(rule["kind"] == "filter" for rule in rules) else set()
        assert not gone & set(tracks(answer))
        return [item.explored for item in answer.items]

    assert explored() == [False, True, False, True]
    assert explored({"kind": "pin", "track": "t05", "position": 4}) == [False, True, False, False]
    assert not any(explored({"kind": "quota", "where": {"genre": "quiet"}, "at_least": 1}))
    assert not any(explored({"kind": "spacing", "places": 1}))
    filters = {"kind": "filter", "where": {"track": ["t08", "t11"]}}
    assert sum(explored(filters)) == 1  # only t09 is left


def ruled(bundle: Bundle, *rules: dict[str, object], **config: object) -> Recommender:
    own = TypeAdapter(Rules).validate_python(rules)
    return Recommender(bundle, RankerConfig(**{"explore_listeners": 1} | config), rules=own)  # type: ignore[arg-type]


def test_a_cap_holds_beside_a_pin_in_a_slot_of_exploration(bundle: Bundle) -> None:
    """What is pinned stays, so its artist is one that no explored track may be by."""
    compared = 0
    for pinned in range(TRACKS):
        rule = {"kind": "pin", "track": f"t{pinned:02}", "position": 4}
        recommender = ruled(bundle, rule, artist_cap=1)
        for n in range(5):
            request = Request(history_of(0, 2), n=4, subject=f"u{n}", explore=0.5)
            plain = tracks(recommender.recommend(replace(request, explore=0.0)))
            found = recommender.recommend(request)
            if len({track % 4 for track in plain}) == 4:
                assert len({track % 4 for track in tracks(found)}) == 4
                compared += any(item.explored for item in found.items)
    assert compared


def test_a_pin_without_a_place_keeps_no_slot_and_is_no_source(bundle: Bundle) -> None:
    request = Request(history_of(0, 2), n=4, subject="ann", explore=0.5)
    second = tracks(ruled(bundle).recommend(replace(request, explore=0.0)))[1]
    rule = {"kind": "pin", "track": f"t{second:02}", "position": 100}
    found = ruled(bundle, rule).recommend(request)
    assert [i.explored for i in found.items] == [False, True, False, True]
    for track in range(TRACKS):
        rule = {"kind": "pin", "track": f"t{track:02}", "position": 100}
        answer = ruled(bundle, rule, quota=1).recommend(Request(history_of(0, 2), n=TRACKS))
        assert not any("pin" in item.sources for item in answer.items)


def test_what_was_played_is_not_tried_again(make: Make) -> None:
    request = Request(history_of(8, 11), n=4, subject="ann", exclude_seen=False, explore=1.0)
    found = make().recommend(request)
    assert {i.track for i in found.items if i.explored} == {9}


def test_a_dry_run_tells_what_exploration_changed(bundle: Bundle) -> None:
    recommender = ruled(bundle, {"kind": "pin", "track": "t05"})
    request = Request(history_of(0, 2), n=4, subject="ann", explore=0.25, dry_run=True)
    plain = tracks(recommender.recommend(replace(request, explore=0.0)))
    answer = recommender.recommend(request)
    assert answer.rules is not None
    assert [(o.name, o.kind, o.origin) for o in answer.rules[1:]] == [
        ("explore", "explore", "request")
    ]
    came, went = set(tracks(answer)) - set(plain), set(plain) - set(tracks(answer))
    moves = answer.rules[1].moves
    assert {m.track: m.after for m in moves} == {
        **{t: tracks(answer).index(t) + 1 for t in came},
        **dict.fromkeys(went),
    }
    assert [m.track for m in moves if m.before is None] == sorted(came)
