"""Every model of plays gets its best settings before it is compared."""

from __future__ import annotations

from cf_model import CFConfig
from cf_model.linear import PENALTIES
from cf_model.neighbours import POWERS
from engine.tuning import Validation, choose_models
from tests.engine.tuning_world import equal_counts


def test_each_model_is_tuned_and_what_is_given_stays() -> None:
    catalog, plays = equal_counts()
    said: list[str] = []
    found = choose_models(plays, CFConfig(factors=5), catalog=catalog, seconds=0.5, say=said.append)
    assert found.cf.factors == 5
    assert found.plain is not None
    assert found.plain.factors == 5
    assert found.plain.frequency_power == 0
    assert found.penalty in PENALTIES
    assert found.walk in POWERS
    assert said[-2:] == [
        f"EASE: penalty {found.penalty:g}.",
        f"Item neighbours: powers {found.walk[0]:g} of users, {found.walk[1]:g} of popularity.",
    ]


def test_a_validation_part_may_be_given() -> None:
    catalog, plays = equal_counts()
    last = plays.track >= 30
    held_out = plays.select(last)
    validation = Validation.of(plays.select(~last), catalog, held_out=held_out)
    assert validation.task.protocol == "given"
    assert validation.task.held_out.nnz == len(held_out)
    found = choose_models(
        plays.select(~last), CFConfig(factors=3), catalog=catalog, seconds=0.3, held_out=held_out
    )
    assert found.cf.factors == 3
