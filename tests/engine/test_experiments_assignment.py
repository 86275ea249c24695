"""Which user gets which variant: stable, uniform, independent of other experiments."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy.stats import chi2_contingency, chisquare, kstest

from engine.config import Sections
from engine.experiments.assignment import assign, experiment_for, place_of
from engine.experiments.config import Experiment, Variant
from ranker.config import RankerConfig

USERS = [f"user-{n}" for n in range(100_000)]


def experiment(*weights: float, name: str = "exp", **more: object) -> Experiment:
    variants = [Variant(name=f"v{n}", weight=w) for n, w in enumerate(weights)]
    return Experiment(name=name, variants=tuple(variants), **more)  # type: ignore[arg-type]


def counts(of: Experiment) -> np.ndarray:
    names = [variant.name for variant in of.variants]
    return np.bincount([names.index(assign(of, u).name) for u in USERS], minlength=len(names))


@pytest.mark.parametrize("weights", [(1, 1), (1, 2, 7), (0.05, 0.95)])
def test_variants_get_their_shares(weights: tuple[float, ...]) -> None:
    expected = np.array(weights) / sum(weights) * len(USERS)
    assert chisquare(counts(experiment(*weights)), expected).pvalue > 1e-3


def test_places_are_uniform() -> None:
    places = np.array([place_of(user, "exp") for user in USERS])
    assert kstest(places, "uniform").pvalue > 1e-3
    assert 0 <= places.min() < places.max() < 1


def test_two_experiments_deal_independently() -> None:
    one, two = experiment(1, 1, name="one"), experiment(1, 1, name="two")
    table = np.zeros((2, 2))
    for user in USERS:
        table[int(assign(one, user).name[1]), int(assign(two, user).name[1])] += 1
    assert chi2_contingency(table).pvalue > 1e-3


def test_a_place_is_the_same_everywhere() -> None:
    # blake2b-64 of b"exp\x00ann", its first 53 bits, over 2**53: computed by coreutils' b2sum.
    assert place_of("ann", "exp") == 0x1314C248925F67 / (1 << 53)
    code = "from engine.experiments.assignment import place_of; print(place_of('ann', 'exp'))"
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        done = subprocess.run(
            [sys.executable, "-c", code], env=environment, capture_output=True, check=True
        )
        assert float(done.stdout) == place_of("ann", "exp")


def test_another_salt_deals_anew() -> None:
    first, second = experiment(1, 1), experiment(1, 1, salt="again")
    moved = sum(assign(first, u).name != assign(second, u).name for u in USERS[:10_000])
    assert abs(moved - 5_000) < 4 * 50


def test_more_weight_takes_nobody_away() -> None:
    before, after = experiment(9, 1), experiment(5, 5)
    kept = [u for u in USERS[:5_000] if assign(before, u).name == "v1"]
    assert {assign(after, u).name for u in kept} == {"v1"}


@given(st.text(min_size=1, max_size=20), st.lists(st.floats(1e-6, 1e6), min_size=2, max_size=5))
def test_everybody_gets_one(user: str, weights: list[float]) -> None:
    user = user.encode("utf-8", "replace").decode()
    of = experiment(*weights)
    assert assign(of, user) in of.variants


def test_the_first_experiment_of_the_placement_applies() -> None:
    home, every = experiment(1, 1, name="home", placements=("home",)), experiment(1, 1)
    assert experiment_for([home, every], "home") is home
    assert experiment_for([home, every], "player") is every
    assert experiment_for([home, every], None) is every
    assert experiment_for([home], None) is None
    assert experiment_for([], "home") is None


class TestSettings:
    def test_a_variant_changes_what_it_names(self) -> None:
        variant = Variant.model_validate({"name": "a", "ranker": {"weight_audio": 0.7}})
        found = variant.settings(RankerConfig(quota=50, weight_audio=0.1))
        assert (found.quota, found.weight_audio) == (50, 0.7)

    def test_what_was_set_survives_being_written(self) -> None:
        default = RankerConfig().weight_audio
        given = {"experiments": [{"name": "e", "variants": [
            {"name": "a"}, {"name": "b", "ranker": {"weight_audio": default}},
        ]}]}  # fmt: skip
        sections = Sections.model_validate(given)
        again = Sections.model_validate_json(sections.model_dump_json())
        base = RankerConfig(weight_audio=9.0)
        settings = [v.settings(base).weight_audio for v in again.experiments[0].variants]
        assert settings == [9.0, default]

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"name": "a b"}, "name"),
            ({"kind": "bandit"}, "kind"),
            ({"variants": [{"name": "a"}]}, "at least 2"),
            ({"variants": [{"name": "a"}, {"name": "a"}]}, "two variants of one name"),
            ({"variants": [{"name": "a"}, {"name": "b", "weight": 0}]}, "greater than 0"),
            ({"variants": [{"name": "a"}, {"name": "b", "weight": 1e308}]}, "equal to 1000000"),
            ({"variants": [{"name": "a"}, {"name": "b", "ranker": {"x": 1}}]}, "ranker.x"),
            ({"variants": [{"name": "a"}, {"name": "b", "ranker": {"rrf_k": 0}}]}, "rrf_k"),
            ({"kind": "interleave", "variants": [{"name": n} for n in "abc"]}, "it has 3"),
            (
                {"kind": "interleave", "variants": [{"name": "a"}, {"name": "b", "weight": 2}]},
                "leave `weight` out",
            ),
        ],
    )
    def test_wrong_ones_are_refused(self, change: dict[str, object], message: str) -> None:
        good = {"name": "e", "variants": [{"name": "a"}, {"name": "b"}]}
        assert Experiment.model_validate(good).kind == "split"
        with pytest.raises(ValidationError, match=message):
            Sections.model_validate({"experiments": [good | change]})

    def test_names_are_distinct(self) -> None:
        with pytest.raises(ValidationError, match="two experiments of one name"):
            Sections(experiments=(experiment(1, 1), experiment(1, 1)))
