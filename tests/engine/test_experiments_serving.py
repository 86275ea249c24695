"""Who answers a user: what variants share, and what keeps their answers apart."""

from __future__ import annotations

import numpy as np
import pytest

from engine.config import Sections
from engine.experiments import assign
from engine.experiments.serving import Arm
from engine.live import Models
from engine.request import Answer, Request
from tests.engine.conftest import World
from tests.engine.test_recommender import history_of, tracks

EXPERIMENTS = [
    {
        "name": "split",
        "placements": ["home"],
        "variants": [{"name": "a"}, {"name": "b", "ranker": {"weight_audio": 30.0}}],
    },
    {
        "name": "duel",
        "kind": "interleave",
        "placements": ["player"],
        "variants": [{"name": "a"}, {"name": "b", "ranker": {"weight_popular": 90.0}}],
    },
]


@pytest.fixture(scope="module")
def models(world: World, tmp_path_factory: pytest.TempPathFactory) -> Models:
    bundle = world.bundle(tmp_path_factory.mktemp("bundles"))
    settings = {**world.sections.model_dump(exclude_unset=True), "experiments": EXPERIMENTS}
    return Models.of(bundle, Sections.model_validate(settings))


def test_variants_share_the_heavy_parts(models: Models) -> None:
    arms = [models.arms.of(f"user {n}", "home") for n in range(20)]
    recommenders = [r for arm in arms for r in arm.recommenders.values()]
    assert {id(r.signals) for r in recommenders} == {id(models.recommender.signals)}
    assert len({id(r) for r in recommenders}) == 2  # made once, not once a user
    # One rulebook: whoever answers, a list of today's tracks is the one that the key was made of.
    assert {id(r.rulebook) for r in recommenders} == {id(models.recommender.rulebook)}


def test_who_takes_part(models: Models) -> None:
    plain = models.arms.plain
    assert models.arms.of("ann", None) is models.arms.of("ann", "elsewhere") is plain
    assert models.arms.of(None, "home") is plain
    assert (plain.experiment, plain.variant, plain.key) == (None, None, ())
    home, player = models.arms.of("ann", "home"), models.arms.of("ann", "player")
    assert (home.experiment, home.variant) == ("split", assign_name(models, "ann"))
    assert (player.experiment, player.variant) == ("duel", None)
    assert list(player.recommenders) == ["a", "b"]


def assign_name(models: Models, user: str) -> str:
    (experiment,) = Sections.model_validate({"experiments": EXPERIMENTS[:1]}).experiments
    return assign(experiment, user).name


def test_keys_differ_where_answers_may(models: Models, world: World) -> None:
    arms = {
        models.arms.of(f"user {n}", place).key for n in range(20) for place in ("home", "player")
    }
    assert len(arms) == 3
    changed = [
        EXPERIMENTS[0] | {"variants": [{"name": "a", "ranker": {"quota": 9}}, {"name": "b"}]}
    ]
    settings = Sections.model_validate({"experiments": changed})
    other = Models.of(models.bundle, settings)
    user = next(u for u in map(str, range(20)) if assign_name(models, u) == "a")
    assert other.arms.of(user, "home").key != models.arms.of(user, "home").key


def test_an_interleaved_answer_is_full_and_excludes_what_both_exclude(models: Models) -> None:
    arm = models.arms.of("ann", "player")
    for n in range(1, 12):
        request = Request(
            history_of(0, hidden=(3,)), n=n, subject="ann", exclude=np.array([5], np.int32)
        )
        found = tracks(arm.recommend(request))
        assert len(set(found)) == len(found) == min(n, 9)
        assert not {0, 3, 5} & set(found)


def test_items_of_a_team_are_those_of_its_ranking(models: Models) -> None:
    arm = models.arms.of("ann", "player")
    request = Request(history_of(0, 2), n=6, subject="ann")
    answer = arm.recommend(request)
    for team, recommender in arm.recommenders.items():
        ranking = tracks(recommender.recommend(request))
        own = [i.track for i in answer.items if i.team == team]
        assert len(own) == 3
        assert own == [t for t in ranking if t in own]
    assert {i.propensity for i in answer.items} == {None}


def test_two_users_have_drafts_of_their_own(models: Models) -> None:
    arm = models.arms.of("ann", "player")
    teams = {
        tuple(
            i.team for i in arm.recommend(Request(history_of(0, 2), n=6, subject=f"user {n}")).items
        )
        for n in range(30)
    }
    assert len(teams) > 3


SOUND = {"weight_cf": 0.0, "weight_audio": 30.0}
POPULAR = {"weight_popular": 90.0}


def interleaving(
    models: Models, *rules: dict[str, object], other: dict[str, float] = SOUND, **settings: object
) -> Arm:
    """Return who drafts from two rankings that differ, with rules of the settings."""
    duel = {
        "name": "duel",
        "kind": "interleave",
        "variants": [
            {"name": "a", "ranker": {"weight_audio": 0.0}},
            {"name": "b", "ranker": other},
        ],
    }
    made = {"experiments": [duel], "rules": rules, "ranker": settings}
    return Models.of(models.bundle, Sections.model_validate(made)).arms.of("ann", None)


SUBJECTS = [f"user {n}" for n in range(12)]


def drafts(arm: Arm, n: int = 6, **options: object) -> list[Answer]:
    return [
        arm.recommend(Request(history_of(0, 2), n=n, subject=who, **options))  # type: ignore[arg-type]
        for who in SUBJECTS
    ]


def test_pins_stand_where_they_should_in_a_draft(models: Models) -> None:
    rule = {"kind": "pin", "track": ["t09", "t05"], "position": 3}
    arm = interleaving(models, rule, other=POPULAR)
    assert {tuple(tracks(a)[2:4]) for a in drafts(arm)} == {(9, 5)}


def test_quotas_and_spacing_hold_in_a_draft(models: Models) -> None:
    few = interleaving(models, {"kind": "quota", "where": {"genre": "quiet"}, "at_most": 1})
    assert max(sum(t % 2 for t in tracks(a)) for a in drafts(few, 4)) == 1
    many = interleaving(models, {"kind": "quota", "where": {"genre": "quiet"}, "at_least": 4})
    assert {sum(t % 2 for t in tracks(a)) for a in drafts(many, 5)} == {4}
    apart = interleaving(models, {"kind": "spacing", "places": 2})
    for answer in drafts(apart, dry_run=True):
        artists = [t % 4 for t in tracks(answer)]
        assert all(len(set(artists[i : i + 3])) == 3 for i in range(4))
        assert answer.rules is not None
        assert answer.rules[0].unfulfilled == ()


def test_a_cap_holds_in_a_draft_and_gives_way_to_pins(models: Models) -> None:
    capped = interleaving(models, artist_cap=1)
    assert {len({t % 4 for t in tracks(a)[:4]}) for a in drafts(capped)} == {4}
    pinned = interleaving(models, {"kind": "pin", "track": ["t05", "t09"]}, artist_cap=1)
    for answer in drafts(pinned, 5):
        assert tracks(answer)[:2] == [5, 9]
        assert len({t % 4 for t in tracks(answer)}) == 4
    some = {"kind": "artist_cap", "most": 1, "where": {"track": ["t11"]}}
    assert list(map(tracks, drafts(interleaving(models, some)))) == list(
        map(tracks, drafts(interleaving(models)))
    )


def test_a_dry_run_tells_of_the_draft(models: Models) -> None:
    rule = {"kind": "quota", "where": {"genre": "quiet"}, "at_most": 1}
    arm = interleaving(models, rule)
    first = next(iter(arm.recommenders.values()))
    for answer, who in zip(drafts(arm, 5, dry_run=True), SUBJECTS, strict=True):
        ranking = tracks(first.recommend(Request(history_of(0, 2), n=5, subject=who)))
        assert answer.rules is not None
        assert [o.name for o in answer.rules] == ["quota-1", "interleave"]
        assert answer.rules[0].unfulfilled == ()
        told = answer.rules[1].moves
        assert {m.track for m in told if m.after is not None} == set(tracks(answer)) - set(ranking)
        assert {m.track for m in told if m.after is None} == set(ranking) - set(tracks(answer))
