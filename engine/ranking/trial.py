"""Models fitted on the earlier part of the plays alone, to be asked for the later part."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from cf_model import CFConfig
from cf_model.prior import PriorConfig
from data.catalog import Catalog
from data.interactions import Interactions
from engine.behaviour import Lesson, train_behaviour
from engine.bundle.contents import Acoustic, Behaviour
from engine.duplicates import Duplicates
from engine.modelling import assemble
from engine.ranking.holdout import KINDS, PARTS, Holdout, Question, deal, make_holdout
from engine.signals import Signals
from engine.taste import TasteConfig
from ranker.config import RankerConfig
from ranker.learning import LearningConfig

Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Recipe:
    """How the models of a bundle are made, and its ranker.

    Attributes
    ----------
    cf, prior, taste, ranker, learning
        Settings of the parts.
    seed : int
        Of what is held out, and of the trees.
    hears : bool
        Whether the factors know what tracks sound like.
    heard : Acoustic, optional
        What they know it by, where that is not the sound of the bundle: factors that are kept while
        an encoder is trained were learnt with the sound of the one before.
    """

    cf: CFConfig = field(default_factory=CFConfig)
    prior: PriorConfig = field(default_factory=PriorConfig)
    taste: TasteConfig = field(default_factory=TasteConfig)
    ranker: RankerConfig = field(default_factory=RankerConfig)
    learning: LearningConfig = field(default_factory=LearningConfig)
    seed: int = 0
    hears: bool = True
    heard: Acoustic | None = field(default=None, compare=False)


@dataclass(frozen=True, eq=False)
class Trial:
    """A part of the plays that is held out, and models that do not know it.

    Attributes
    ----------
    holdout : Holdout
    signals : Signals
        Fitted on `holdout.train`.
    """

    holdout: Holdout
    signals: Signals

    def questions(self, part: int, *, most: int, rng: np.random.Generator) -> Iterator[Question]:
        """Yield every kind of question about users of a part.

        Parameters
        ----------
        part : int
        most : int
            Most users of all parts together; of this one, its share.
        rng : Generator
            Chooses them, where there are more.
        """
        share = max(1, round(most * PARTS[part]))
        users = np.sort(rng.permutation(self.holdout.askable(part))[:share])
        for kind in KINDS:
            yield from self.holdout.questions(users, kind, part=part)


def hold_out(
    plays: Interactions, catalog: Catalog, *, recipe: Recipe, rng: np.random.Generator
) -> Holdout:
    """Hold out what the models of a recipe are to foretell.

    Raises
    ------
    DataError
        If there are too few plays.
    """
    parts = deal(list(plays.users))
    return make_holdout(plays, catalog, held_out=recipe.learning.held_out, parts=parts, rng=rng)


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
    behaviour = _behaviour(plays, catalog, acoustic, recipe=recipe, progress=progress)
    contents = assemble(
        plays, catalog, acoustic=acoustic, behaviour=behaviour, duplicates=duplicates
    )
    return Signals.of(contents, recipe.cf, taste=recipe.taste)


def _behaviour(
    plays: Interactions,
    catalog: Catalog,
    acoustic: Acoustic | None,
    *,
    recipe: Recipe,
    progress: Progress | None,
) -> Behaviour | None:
    heard = (recipe.heard or acoustic) if recipe.hears else None
    lesson = Lesson(recipe.cf, recipe.prior)
    found = train_behaviour(plays, catalog, heard, lesson=lesson, progress=progress)
    if found is None or recipe.heard is None:
        return found
    # A prior of other sound is of no use to the sound of this bundle: `inherit_behaviour`.
    return replace(found, prior=None, uncertainty=None)
