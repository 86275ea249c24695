"""The whole way: a log as the service writes it, replayed by another ranking, against the truth."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from data import DataError
from data.store import Event, Impression, Recommendation, ShownItem, Store
from engine.bundle import Bundle, BundleRegistry, write_bundle
from engine.config import Sections
from engine.offpolicy.replay import replay, request_of
from engine.offpolicy.report import Scope, off_policy, render
from engine.recommender import Recommender
from engine.request import Answer
from ranker.config import RankerConfig
from tests.engine.conftest import TRACKS, World
from tests.engine.test_recommender import history_of

USERS, N = 400, 4
QUERY = '{"n":4,"exclude_seen":true,"strategy":"hybrid","genre":[],"explain":false}'
LOGGED = RankerConfig(explore=0.5, explore_listeners=1)
TARGET = RankerConfig(explore=0.5, explore_listeners=0)  # the same slots, of fewer tracks
APPEAL = np.linspace(0.05, 0.8, TRACKS)  # how often each track is listened to, once shown
APPEAL[9] = 0.02  # the one that the log explores, and the target does not
T0 = 1_800_000_000


@dataclass(frozen=True)
class Log:
    """400 users of one play each were answered once, and listened as `APPEAL` says."""

    store: Store
    registry: BundleRegistry
    bundle: Bundle

    def recommender(self, config: RankerConfig) -> Recommender:
        return Recommender(self.bundle, config)

    def histories(self) -> list[tuple[str, int]]:
        return [(f"user-{n:03}", n % 2) for n in range(USERS)]

    def slots(self) -> pd.DataFrame:
        return self.store.load_slots()


@pytest.fixture(scope="module")
def log(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Log]:
    root = tmp_path_factory.mktemp("home")
    assert world.contents.behaviour is not None
    listeners = world.contents.listeners.copy()
    listeners[[6, 8, 9, 11]] = 0, 0, 1, 0
    behaviour = replace(world.contents.behaviour, uncertainty=np.full(TRACKS, 0.25, np.float32))
    contents = replace(world.contents, behaviour=behaviour, listeners=listeners)
    config = world.sections.model_dump(mode="json", exclude={"data"})
    registry = BundleRegistry(root / "bundles")
    bundle_id = write_bundle(registry.root, contents, config=config)
    with Store.open(f"sqlite:///{root / 'segue.db'}") as store:
        found = Log(store, registry, Bundle.open(registry.root / bundle_id))
        fill(found)
        yield found


def fill(log: Log, config: RankerConfig = LOGGED, query: str = QUERY) -> None:
    ids, recommender = log.bundle.contents.catalog.tracks, log.recommender(config)
    log.store.put_tracks([pd.DataFrame({"track_id": list(ids)})])
    rng = np.random.default_rng(11)
    events, impressions = [], []
    for user, played in log.histories():
        events.append(Event(None, user, ids.id(played), "listen", listened_at=T0 - 50))
        answer = recommender.recommend(request_of(query, history_of(played), user))
        impressions.append(impression(log, user, answer, query=query))
        for item in answer.items:
            if rng.random() < APPEAL[item.track]:
                events.append(Event(None, user, ids.id(item.track), "listen", listened_at=T0 + 60))
    log.store.add_events(events)
    log.store.add_impressions(impressions)


def impression(log: Log, user: str, answer: Answer, *, query: str) -> Impression:
    ids = log.bundle.contents.catalog.tracks
    items = tuple(
        ShownItem(ids.id(i.track), i.score, i.propensity, i.explored) for i in answer.items
    )
    told = Recommendation(log.bundle.id, query, items)
    return Impression(f"r-{user}", user, T0, recommendation=told)


def truth(log: Log, config: RankerConfig) -> float:
    """Listens per slot that a ranking earns, by the chances of every track in every slot."""
    recommender, total = log.recommender(config), 0.0
    for user, played in log.histories():
        policy = recommender.slots(request_of(QUERY, history_of(played), user))
        for track in range(TRACKS):
            shown = np.full(N, track, np.int32)
            total += APPEAL[track] * policy.probabilities(shown).sum()
    return total / (USERS * N)


def estimate(log: Log, target: RankerConfig, **scope: object) -> dict[str, object]:
    sections = Sections(ranker=LOGGED)
    report = off_policy(
        log.store,
        log.registry,
        sections,
        target=target,
        scope=Scope(**scope),  # type: ignore[arg-type]
    )
    assert render(report)
    return report.as_dict()


def test_the_ranking_that_logged_is_recognised(log: Log) -> None:
    report = estimate(log, LOGGED)
    value = report["value"]
    assert isinstance(value, dict)
    assert value["supported"]["mean"] == pytest.approx(1.0)
    assert value["effective"] == pytest.approx(USERS * N)
    assert value["ips"]["mean"] == pytest.approx(value["logged"]["mean"])
    assert value["snips"]["mean"] == pytest.approx(value["logged"]["mean"])
    assert report["agreed"] == 0.5  # the slots that are not explored
    assert report["changed"] == {}
    assert report["impressions"] == value["users"] == USERS


def test_a_request_that_asked_for_exploration_explores_again(log: Log, tmp_path: Path) -> None:
    asked = RankerConfig(explore_listeners=1)
    with Store.open(f"sqlite:///{tmp_path / 'segue.db'}") as store:
        own = Log(store, log.registry, log.bundle)
        fill(own, asked, query=QUERY.replace("}", ',"explore":0.5}'))
        for config in (asked, LOGGED, RankerConfig(explore=0.25, explore_listeners=1)):
            report = estimate(own, config)
            value = report["value"]
            assert isinstance(value, dict)
            assert value["supported"]["mean"] == pytest.approx(1.0)
            assert report["agreed"] == 0.5
        never = estimate(own, asked, explore=0.0)
        assert isinstance(never["value"], dict)
        assert never["value"]["supported"]["mean"] < 1


def test_another_ranking_is_estimated_without_bias(log: Log) -> None:
    expected = truth(log, TARGET)
    logged = truth(log, LOGGED)
    assert abs(expected - logged) > 0.01  # else there would be nothing to find
    report = estimate(log, TARGET)
    value = report["value"]
    assert isinstance(value, dict)
    for name in ("ips", "snips", "dr"):
        found = value[name]
        error = (found["high"] - found["low"]) / (2 * 1.96)
        assert abs(found["mean"] - expected) < 4 * error, name
        assert error < 0.05, name
    low, high = value["supported"]["low"], value["supported"]["high"]
    assert low <= 1 <= high
    assert report["changed"] == {"explore_listeners": 0}


def test_what_the_log_cannot_support_is_told(log: Log) -> None:
    """Without exploration, the target's tracks of the explored slots were never tried there."""
    report = estimate(log, RankerConfig(weight_cf=0.0, weight_audio=0.0))
    value = report["value"]
    assert isinstance(value, dict)
    assert value["supported"]["mean"] < 0.5
    assert report["low_support"] is True
    sure = estimate(log, RankerConfig(explore=0.0))["value"]
    assert isinstance(sure, dict)
    assert sure["supported"]["mean"] < 1


def test_histories_are_those_of_the_time(log: Log) -> None:
    """Listens after the impression would take the shown tracks out of the target's answers."""
    found = replay(log.slots().assign(heard=False), log.store, lambda _: log.recommender(LOGGED))
    assert (found.samples.target == found.samples.logged).all()
    assert found.unanswered == found.unknown_bundles == 0


def test_what_cannot_be_replayed_is_left_out_and_counted(log: Log) -> None:
    slots = log.slots().assign(heard=False)
    gone = replay(slots, log.store, lambda _: None)
    assert (gone.unknown_bundles, gone.samples.rewards.size) == (USERS, 0)
    first = slots.impression_id == slots.impression_id.iloc[0]
    slots.loc[first, "propensity"] = np.nan
    found = replay(slots, log.store, lambda _: log.recommender(LOGGED))
    assert (found.unanswered, found.samples.rewards.size) == (1, (USERS - 1) * N)


def test_an_answer_served_twice_counts_twice(log: Log) -> None:
    slots = log.slots().assign(heard=False)
    again = slots.assign(impression_id=slots.impression_id + "-again")
    both = pd.concat([slots, again], ignore_index=True)
    found = replay(both, log.store, lambda _: log.recommender(TARGET))
    once = replay(slots, log.store, lambda _: log.recommender(TARGET))
    assert found.samples.rewards.size == 2 * once.samples.rewards.size
    assert found.samples.target.sum() == pytest.approx(2 * once.samples.target.sum())


def test_of_many_answers_some_are_drawn(log: Log) -> None:
    report = estimate(log, LOGGED, most=50, seed=3)
    assert report["impressions"] == 50
    assert report == estimate(log, LOGGED, most=50, seed=3)


def test_nothing_to_go_by_is_an_error(log: Log) -> None:
    with pytest.raises(DataError, match="no impressions of known users"):
        estimate(log, LOGGED, experiment="none")


def test_a_logged_query_becomes_the_request_that_it_was() -> None:
    query = '{"n":7,"genre":["quiet"],"artist_cap":2,"explain":true,"diversity":null,"explore":1}'
    request = request_of(query, history_of(1), "ann")
    assert (request.n, request.genres, request.artist_cap) == (7, ("quiet",), 2)
    assert (request.diversity, request.explore, request.subject) == (None, 1, "ann")


def test_a_database_without_bundles_says_so(log: Log, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=rf"None of {USERS} impressions.*{USERS} are of bundles"):
        off_policy(
            log.store,
            BundleRegistry(tmp_path),
            Sections(),
            target=LOGGED,
            scope=Scope(),
        )
