"""Training a ranker on models that do not know the answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from data.catalog import Catalog
from data.errors import DataError
from data.interactions import Interactions
from engine.bundle.contents import Acoustic
from engine.duplicates import Duplicates
from engine.ranking.answers import Answers, collect
from engine.ranking.holdout import PARTS, Holdout
from engine.ranking.trial import Recipe, Trial, fit_signals, hold_out
from engine.ranking.verdict import Verdict, judge
from ranker.calibration import calibrate
from ranker.lambdamart import LambdaMART, RankingData, importances, train_lambdamart

Progress = Callable[[int, int, str], None]

_LEAST = 20  # users without whom no part is worth anything
_SHOWN = 2_000  # candidates by which the weight of features is told


@dataclass(frozen=True, eq=False)
class Learnt:
    """A trained ranker, and what it is worth.

    Attributes
    ----------
    model : LambdaMART
    verdict : Verdict
    trial : Trial
        What it is worth that by.
    """

    model: LambdaMART
    verdict: Verdict
    trial: Trial


def learn_ranker(
    plays: Interactions,
    catalog: Catalog,
    *,
    acoustic: Acoustic | None,
    duplicates: Duplicates | None = None,
    recipe: Recipe,
    progress: Progress | None = None,
) -> Learnt:
    """Learn to rank from plays.

    Models are fitted on the earlier part of the plays alone, and asked for the later part. Users
    are dealt to three parts: one to train trees on, one to choose their number and the calibration
    by, one to judge by. The first and the last then change places, so that most users judge. What
    is returned is trained on both.

    Parameters
    ----------
    plays : Interactions
    catalog : Catalog
        Of the same tracks.
    acoustic : Acoustic, optional
    duplicates : Duplicates, optional
    recipe : Recipe
    progress : callable, optional
        Called with (done, total, what).

    Raises
    ------
    DataError
        If there are too few plays to hold anything out, or to learn from what is.
    """
    rounds = 1 if plays.has_times else recipe.learning.rounds
    asked: list[list[Answers]] = [[] for _ in PARTS]
    first: Trial | None = None
    for lap in range(rounds):
        rng = np.random.default_rng([recipe.seed, 5, lap])
        holdout = hold_out(plays, catalog, recipe=recipe, rng=rng)
        _check_users(holdout)
        signals = fit_signals(
            holdout.train, catalog, acoustic=acoustic, duplicates=duplicates, recipe=recipe
        )
        trial = Trial(holdout, signals)
        first = first or trial
        for part, answers in enumerate(asked):
            questions = trial.questions(part, most=recipe.learning.users, rng=rng)
            answers.append(collect(questions, signals, recipe.ranker))
        if progress is not None:
            progress(lap + 1, rounds, "ranking")
    assert first is not None, "there is a round at least"
    one, stop, other = asked
    grow = partial(
        train_lambdamart,
        stop=_joined(stop),
        config=recipe.learning,
        seed=recipe.seed,
        threads=recipe.cf.threads,
    )
    tried = grow(_joined(one))
    verdict = judge(
        [(tried, other[0]), (grow(_joined(other)), one[0])],
        seed=recipe.seed,
    )
    # What judged may be learnt from, too, once it has judged.
    model = _calibrated(grow(_joined([*one, *other])), stop)
    weights = importances(model, _joined(other).table[:_SHOWN])
    about = {**model.about, "weights": dict(weights), "verdict": verdict.document()}
    return Learnt(replace(model, about=about, as_judged=tried), verdict, first)


def _calibrated(model: LambdaMART, stop: Sequence[Answers]) -> LambdaMART:
    """Calibrate a ranker by what is usually asked, where it was right as where it was not."""
    data = [part.usual() for part in stop]
    labels = np.concatenate([d.labels for d in data])
    if not labels.any():
        return model
    scores = np.concatenate([model.scores(d.table) for d in data])
    return replace(model, calibration=calibrate(scores, labels.astype(np.float64)))


def _check_users(holdout: Holdout) -> None:
    """Raise `DataError` if too few users can be asked about, before anything is fitted."""
    fewest = min(holdout.askable(part).size for part in range(len(PARTS)))
    if fewest < _LEAST:
        raise DataError(
            f"A learned ranker needs at least {len(PARTS) * _LEAST} users with plays to foretell, "
            f"{_LEAST} in each part. Received: {fewest} in one."
        )


def _joined(parts: Sequence[Answers]) -> RankingData:
    data = [part.data() for part in parts]
    return RankingData(
        np.concatenate([d.table for d in data]),
        np.concatenate([d.labels for d in data]),
        np.concatenate([d.sizes for d in data]),
    )
