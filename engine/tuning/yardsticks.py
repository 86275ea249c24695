"""The same chance for all: ALS and what it is compared with, each at its best on validation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np

from cf_model import CFConfig
from cf_model.linear import LARGEST, PENALTIES, LinearModel, linear_by_penalty
from cf_model.neighbours import POWERS, train_neighbours
from data.catalog import Catalog
from data.interactions import Interactions
from engine.evaluation.models import Models
from engine.evaluation.systems import ByHistory
from engine.tuning.plan import Limits
from engine.tuning.stored import tune
from engine.tuning.validation import Progress, Validation

Value = TypeVar("Value")


def choose_models(
    plays: Interactions,
    config: CFConfig,
    *,
    catalog: Catalog,
    seconds: float,
    held_out: Interactions | None = None,
    progress: Progress | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> Models:
    """Tune ALS, ALS of one penalty for all, EASE and item neighbours.

    Parameters
    ----------
    plays : Interactions
        The training part of an evaluation; a validation part is held out of it.
    config : CFConfig
        Its `model_fields_set` stay as they are.
    catalog : Catalog
        Of the same tracks.
    seconds : float
        For each of the two kinds of ALS. The other two try a few values each.
    held_out : Interactions, optional
        A validation part that is not among the plays.
    progress : callable, optional
        Told (done, total, what).
    say : callable, optional
        Told what is done, in single lines.

    Returns
    -------
    Models
        Without EASE where it would be too large.

    Raises
    ------
    DataError
        If the plays are too few to compare settings by, or all settings are given.
    """
    validation = Validation.of(plays, catalog, held_out=held_out)
    found = []
    for one in (config, config.model_copy(update={"frequency_power": 0.0})):
        tuning = tune(
            plays,
            one,
            catalog=catalog,
            limits=Limits(seconds=seconds),
            validation=validation,
            progress=progress,
            say=say,
        )
        found.append(tuning.config(one))
    learnt = validation.task.train.matrix()
    penalty = None
    if min(learnt.shape) <= LARGEST:
        penalty = _best(PENALTIES, linear_by_penalty(learnt), validation)
        say(f"EASE: penalty {penalty:g}.")
    walk = _best(
        POWERS,
        lambda v: train_neighbours(learnt, user_power=v[0], popularity=v[1]),
        validation,
    )
    say(f"Item neighbours: powers {walk[0]:g} of users, {walk[1]:g} of popularity.")
    return Models(cf=found[0], plain=found[1], penalty=penalty, walk=walk)


def _best(
    values: Sequence[Value], train: Callable[[Value], LinearModel], validation: Validation
) -> Value:
    """Return the value whose model has the best mean nDCG on the validation part."""
    scores = [_score(train(value), validation) for value in values]
    return values[int(np.argmax(scores))]


def _score(model: LinearModel, validation: Validation) -> float:
    return float(validation.value(ByHistory("one", model, validation.task)).mean())
