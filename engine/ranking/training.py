"""Training a ranker on models that do not know the answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np

from cf_model import CFConfig
from cf_model.prior import PriorConfig
from data.catalog import Catalog
from data.errors import DataError
from data.interactions import Interactions
from engine.behaviour import Lesson, train_behaviour
from engine.bundle.contents import Acoustic
from engine.duplicates import Duplicates
from engine.modelling import assemble
from engine.ranking.answers import Answers, collect
from engine.ranking.holdout import PARTS, Holdout, Kind, deal, make_holdout
from engine.ranking.verdict import Verdict, judge
from engine.signals import Signals
from engine.taste import TasteConfig
from ranker.config import RankerConfig
from ranker.fusion import ReciprocalRankFusion
from ranker.lambdamart import LambdaMART, RankingData, importances, train_lambdamart
from ranker.learning import LearningConfig

Progress = Callable[[int, int, str], None]

KINDS: tuple[Kind, ...] = ("warm", "new", "tail", "cold")

_LEAST = 30  # questions without which no part is worth anything
_SHOWN = 2_000  # candidates by which the weight of features is told


@dataclass(frozen=True)
class Recipe:
    """How the models of a bundle are made, and its ranker.

    Attributes
    ----------
    cf, prior, taste, ranker, learning
        Settings of the parts.
    seed : int
        Of what is held out, and of the trees.
    """

    cf: CFConfig = field(default_factory=CFConfig)
    prior: PriorConfig = field(default_factory=PriorConfig)
    taste: TasteConfig = field(default_factory=TasteConfig)
    ranker: RankerConfig = field(default_factory=RankerConfig)
    learning: LearningConfig = field(default_factory=LearningConfig)
    seed: int = 0


@dataclass(frozen=True, eq=False)
class Learnt:
    """A trained ranker, and what it is worth.

    Attributes
    ----------
    model : LambdaMART
    verdict : Verdict
    """

    model: LambdaMART
    verdict: Verdict


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
    by, one to judge by. What is returned is trained anew with those who judged; they are a good
    fourth of what there is to learn from.

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
    parts = deal(len(plays.users), np.random.default_rng([recipe.seed, 4]))
    rounds = 1 if plays.has_times else recipe.learning.rounds
    asked: list[list[Answers]] = [[] for _ in PARTS]
    for lap in range(rounds):
        rng = np.random.default_rng([recipe.seed, 5, lap])
        holdout = make_holdout(
            plays, catalog, held_out=recipe.learning.held_out, parts=parts, rng=rng
        )
        signals = fit_signals(
            holdout.train, catalog, acoustic=acoustic, duplicates=duplicates, recipe=recipe
        )
        # One round is enough to judge by.
        for part in range(len(PARTS) if lap == 0 else len(PARTS) - 1):
            asked[part] += _ask(holdout, part, signals, recipe=recipe, rng=rng)
        if progress is not None:
            progress(lap + 1, rounds, "ranking")
    train, stop, judged = asked
    if min(sum(map(len, part)) for part in (train, stop, judged)) < _LEAST:
        raise DataError(
            f"A learned ranker needs at least {3 * _LEAST} users with plays to foretell."
        )
    grow = partial(
        train_lambdamart,
        stop=_joined(stop),
        config=recipe.learning,
        seed=recipe.seed,
        threads=recipe.cf.threads,
    )
    verdict = judge(
        grow(_joined(train)),
        _all(judged),
        fusion=ReciprocalRankFusion(recipe.ranker),
        seed=recipe.seed,
    )
    # What judged may be learnt from, too, once it has judged.
    model = grow(_joined([*train, *judged]))
    weights = importances(model, _joined(judged).table[:_SHOWN])
    about = {**model.about, "weights": dict(weights), "verdict": verdict.document()}
    return Learnt(replace(model, about=about), verdict)


def fit_signals(
    plays: Interactions,
    catalog: Catalog,
    *,
    acoustic: Acoustic | None,
    duplicates: Duplicates | None = None,
    recipe: Recipe,
    progress: Progress | None = None,
) -> Signals:
    """Fit the models of a bundle on some plays, without writing one."""
    lesson = Lesson(recipe.cf, recipe.prior)
    behaviour = train_behaviour(plays, catalog, acoustic, lesson=lesson, progress=progress)
    contents = assemble(
        plays, catalog, acoustic=acoustic, behaviour=behaviour, duplicates=duplicates
    )
    return Signals.of(contents, recipe.cf, taste=recipe.taste)


def _ask(
    holdout: Holdout,
    part: int,
    signals: Signals,
    *,
    recipe: Recipe,
    rng: np.random.Generator,
) -> list[Answers]:
    """Ask about some users of a part, each kind of question."""
    most = max(1, round(recipe.learning.users * PARTS[part]))
    users = np.sort(rng.permutation(holdout.askable(part))[:most])
    return [
        collect(holdout.questions(users, kind, part=part), signals, recipe.ranker) for kind in KINDS
    ]


def _joined(parts: Sequence[Answers]) -> RankingData:
    data = [part.data() for part in parts]
    return RankingData(
        np.concatenate([d.table for d in data]),
        np.concatenate([d.labels for d in data]),
        np.concatenate([d.sizes for d in data]),
    )


def _all(parts: Sequence[Answers]) -> Answers:
    return Answers(
        [q for part in parts for q in part.questions],
        [p for part in parts for p in part.pools],
        [t for part in parts for t in part.tables],
    )
