"""Experiments, exploration and the log of impressions, over HTTP."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from api.config import ApiConfig, Settings
from data.errors import DataError
from engine.experiments import assign
from tests.api.conftest import World, make_contents
from tests.api.test_problems import check_problem

EXPERIMENTS = [
    {
        "name": "louder",
        "placements": ["home"],
        "variants": [
            {"name": "control"},
            {"name": "sound", "ranker": {"weight_audio": 50.0, "weight_cf": 0.0}},
        ],
    },
    {
        "name": "duel",
        "kind": "interleave",
        "placements": ["player"],
        "variants": [{"name": "cf", "ranker": {"weight_audio": 0.0, "weight_popular": 0.0}},
                     {"name": "popular", "ranker": {"weight_popular": 90.0}}],
    },
]  # fmt: skip


@pytest.fixture
def settings() -> Settings:
    return Settings.model_validate(
        {
            "api": ApiConfig(max_events=5, cache_pause=0.2),
            "experiments": EXPERIMENTS,
            "impressions": {"flush_seconds": 0.02},
            "ranker": {"explore_listeners": 6},
        }
    )


def url(user: str, **query: object) -> str:
    return f"/v1/users/{user}/recommendations?" + "&".join(f"{k}={v}" for k, v in query.items())


def ask(world: World, user: str, **query: object) -> dict[str, object]:
    response = world.client.get(url(user, **query))
    assert response.status_code == 200, response.text
    return dict(response.get_json())


def ids(body: dict[str, object]) -> list[str]:
    return [item["track_id"] for item in body["items"]]  # type: ignore[attr-defined]


def logged(world: World) -> pd.DataFrame:
    world.services.impressions.flush()
    return world.store.load_slots()


def user_of(settings: Settings, variant: str) -> str:
    """Return a user, of those with plays, whom the first experiment gives a variant."""
    users = [f"u{n}" for n in range(40)]
    return next(u for u in users if assign(settings.experiments[0], u).name == variant)


class TestSplit:
    def test_users_keep_their_variant_and_are_told(self, world: World, settings: Settings) -> None:
        for user in ("u0", "u1", "nobody"):
            variant = assign(settings.experiments[0], user).name
            for _ in range(2):
                body = ask(world, user, placement="home")
                assert (body["experiment"], body["variant"]) == ("louder", variant)

    def test_only_its_placements_take_part(self, world: World) -> None:
        for query in ({}, {"placement": "elsewhere"}):
            body = ask(world, "u0", **query)
            assert (body["experiment"], body["variant"]) == (None, None)
        anonymous = world.client.post("/v1/recommendations", json={"placement": "home"}).get_json()
        assert (anonymous["experiment"], anonymous["variant"]) == (None, None)

    def test_variants_rank_by_their_own_settings(self, world: World, settings: Settings) -> None:
        control, sound = (user_of(settings, name) for name in ("control", "sound"))
        for user in (control, sound):
            world.play(user, "t04", "t05")
        plain = [ids(ask(world, user, n=8)) for user in (control, sound)]
        assert ids(ask(world, control, n=8, placement="home")) == plain[0]
        changed = ask(world, sound, n=8, placement="home")
        assert ids(changed) != plain[1]
        assert "cf" not in {s for i in changed["items"] for s in i["sources"]}  # type: ignore[attr-defined]

    def test_answers_of_an_experiment_are_kept_apart(self, world: World) -> None:
        plain, home = ask(world, "u0"), ask(world, "u0", placement="home")
        assert plain["recommendation_id"] != home["recommendation_id"]
        assert home["cache"] == "miss"
        assert ask(world, "u0", placement="home")["cache"] == "hit"
        assert ask(world, "u0", placement="elsewhere")["cache"] == "hit"


class TestInterleave:
    def test_both_rankings_share_the_answer(self, world: World) -> None:
        body = ask(world, "u0", n=8, placement="player")
        assert (body["experiment"], body["variant"]) == ("duel", None)
        assert len(set(ids(body))) == 8
        assert not {"t00", "t02"} & set(ids(body))  # played
        slots = logged(world)
        assert slots.track_id.tolist() == ids(body)
        assert slots.team.value_counts().to_dict() == {"cf": 4, "popular": 4}
        assert slots.propensity.isna().all()
        assert slots.variant.isna().all()

    def test_a_cap_holds_for_the_whole_answer(self, world: World) -> None:
        body = ask(world, "u0", n=4, artist_cap=1, placement="player")
        assert len({item["artist"] for item in body["items"]}) == 4  # type: ignore[attr-defined]

    def test_the_same_request_has_the_same_draft(self, make_world: Callable[..., World]) -> None:
        one = make_world(url=None)
        answers = [ids(ask(one, "u0", n=8, placement="player")) for _ in range(2)]
        assert answers[0] == answers[1]


class TestExploration:
    @pytest.fixture
    def uncertain(self, world: World) -> World:
        contents = make_contents(world.services.models.get().bundle.contents.catalog)
        assert contents.behaviour is not None
        size = len(contents.catalog)
        behaviour = replace(contents.behaviour, uncertainty=np.full(size, 4.0, np.float32))
        bundle = world.publish(replace(contents, behaviour=behaviour))
        for _ in range(100):
            if world.services.models.get().bundle.id == bundle:
                return world
            time.sleep(0.05)
        raise AssertionError("The bundle was not taken up.")

    def test_by_request_it_is_told_and_logged(self, uncertain: World) -> None:
        body = ask(uncertain, "u0", n=10, explore=0.2, explain="true")
        explored = [i for i in body["items"] if "explore" in i["sources"]]  # type: ignore[attr-defined]
        assert len(explored) == 2
        assert {i["reasons"]["rule"] for i in explored} == {"explore"}
        slots = logged(uncertain)
        assert slots.track_id.tolist() == ids(body)
        assert slots.explored.sum() == 2
        assert (slots.propensity[slots.explored] < 1).all()
        assert (slots.propensity[~slots.explored] == 1).all()
        assert slots.variant.isna().all()

    def test_users_explore_differently_and_each_the_same(self, uncertain: World) -> None:
        answers = [ids(ask(uncertain, f"new-{n}", n=10, explore=0.5)) for n in range(5)]
        assert len({tuple(a) for a in answers}) > 1
        again = uncertain.client.get(
            url("new-0", n=10, explore=0.5), headers={"Cache-Control": "no-cache"}
        ).get_json()
        assert ids(again) == answers[0]

    def test_anonymous_requests_explore_too(self, uncertain: World) -> None:
        body = uncertain.client.post(
            "/v1/recommendations", json={"seed_tracks": ["t00"], "n": 10, "explore": 0.3}
        ).get_json()
        assert sum("explore" in i["sources"] for i in body["items"]) == 3


class TestLog:
    def test_holds_what_was_answered(self, world: World) -> None:
        body = ask(world, "u0", n=3, placement="home")
        slots = logged(world)
        assert slots.track_id.tolist() == ids(body)
        assert slots.position.tolist() == [1, 2, 3]
        assert set(slots.user_id) == {"u0"}
        assert set(slots.bundle) == {body["bundle"]}
        assert set(slots.recommendation_id) == {body["recommendation_id"]}
        assert set(slots.variant) == {body["variant"]}
        (query,) = world.store.load_queries([str(body["recommendation_id"])]).values()
        assert json.loads(query)["n"] == 3
        (shown,) = world.store.impressions_of("u0")
        assert shown["placement"] == "home"

    def test_a_kept_answer_served_soon_again_is_one_impression(self, world: World) -> None:
        for _ in range(3):
            ask(world, "u0", n=3, placement="home")
        assert len(logged(world)) == 3
        assert len(world.store.impressions_of("u0")) == 1

    def test_a_kept_answer_counts_at_each_hour(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from api.http import shown

        class Clock:
            now = time.time() - 7_200  # not so old as to be pruned

            @classmethod
            def time(cls) -> float:
                return cls.now

        monkeypatch.setattr(shown, "time", Clock)
        assert ask(world, "u0", n=3, placement="home")["cache"] == "miss"
        Clock.now += 3_600
        assert ask(world, "u0", n=3, placement="home")["cache"] == "hit"
        slots = logged(world)
        assert slots.position.tolist() == [1, 2, 3, 1, 2, 3]

    def test_by_default_only_experiments_are_logged(self, world: World) -> None:
        ask(world, "u0", n=3)
        assert logged(world).empty

    @pytest.mark.parametrize(("log", "expected"), [("on", 3), ("off", 0)])
    def test_all_or_nothing(
        self, make_world: Callable[..., World], settings: Settings, log: str, expected: int
    ) -> None:
        world = make_world()
        config = settings.impressions.model_copy(update={"log": log})
        own = settings.model_copy(update={"impressions": config})
        services = replace(world.services, settings=own)
        world.client.application.extensions["segue"] = services
        ask(world, "u0", n=3, placement="home" if log == "off" else "")
        assert len(logged(world)) == expected

    def test_an_erased_user_is_erased_from_it(self, world: World) -> None:
        ask(world, "u0", n=3, placement="home")
        logged(world)
        world.store.forget_user("u0")
        ask(world, "u1", n=3, placement="home")
        assert set(logged(world).user_id) == {"u1"}

    def test_a_database_that_is_away_costs_no_answer(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def away(_: object) -> int:
            raise DataError("The database is away.")

        monkeypatch.setattr(world.store, "add_impressions", away)
        assert len(ask(world, "u0", n=3, placement="home")["items"]) == 3  # type: ignore[arg-type]

    def test_closing_writes_what_waits(self, make_world: Callable[..., World]) -> None:
        world = make_world()
        ask(world, "u0", n=3, placement="home")
        world.services.impressions.close()
        assert len(world.store.load_slots()) == 3


def test_explore_is_checked(world: World) -> None:
    for value in ("2", "-0.1", "nan", "x"):
        body = check_problem(world.client.get(url("u0", explore=value)), 422)
        assert "`explore`" in str(body["detail"])
