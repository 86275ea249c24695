"""Bundles that serve some users, or some tracks, worse than the one before.

Two bundles cannot be asked about plays that both learnt from, and of what one of them learnt from,
the other must not know more. So it is not the bundles that are compared, but what they are made
with: both are made again of the same earlier part of the plays, and asked for the same later part
of users from whom no ranker learnt (`engine.ranking.holdout.deal`). In the end the trees that serve
learn from these, too, so a bundle holds both (`LambdaMART.as_judged`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from data.errors import DataError
from data.interactions import Interactions
from engine.bootstrap import Estimate
from engine.bundle import Bundle, BundleContents
from engine.gate.making import Making
from engine.gate.sides import Side
from engine.ranking.answers import K
from engine.ranking.holdout import JUDGED, Kind
from engine.ranking.trial import Recipe, Trial, hold_out
from engine.ranking.verdict import by_slice, gain, ndcg

LEVEL = 0.99
"""Coverage of the intervals. There are five slices, each of which can be found worse by chance:
at 0.99 one of 40 trainings that change nothing is refused at most, at 0.95 one of 8."""

LEAST = 20
"""Users without whom a slice says nothing."""

_WORDS = {
    "overall": "for all users",
    "warm": "for users with plays",
    "new": "for new users",
    "tail": "on tracks of few listeners",
    "cold": "on tracks that nobody has played",
}


@dataclass(frozen=True)
class Loss:
    """One slice of the comparison.

    Attributes
    ----------
    old, new : float
        Mean nDCG@10 of both.
    difference : Estimate
        What the new one gains, with a paired bootstrap interval over users at `LEVEL`.
    users : int
    """

    old: float
    new: float
    difference: Estimate
    users: int

    @property
    def significant(self) -> bool:
        """Whether the new one is worse, and not by chance."""
        return self.difference.high is not None and self.difference.high < 0

    def __str__(self) -> str:
        """Say it in numbers."""
        e = self.difference
        assert e.low is not None, "there is an interval"
        assert e.high is not None, "there is an interval"
        return (
            f"nDCG@{K} {self.new:.4f} instead of {self.old:.4f} ({e.mean:+.4f}, {LEVEL:.0%} "
            f"interval {e.low:+.4f} to {e.high:+.4f}, {self.users:,} users)"
        )


@dataclass(frozen=True)
class Comparison:
    """What a new bundle is worth, next to the one that it replaces.

    Attributes
    ----------
    replaces : str
        Id of the other bundle.
    slices : dict of str to Loss
        By the name of the slice; those of fewer than `LEAST` users are left out.
    skipped : str
        Why nothing was compared; empty where something was.
    """

    replaces: str
    slices: Mapping[str, Loss] = field(default_factory=dict)
    skipped: str = ""

    @property
    def objections(self) -> list[str]:
        """Why the new bundle must not be published, one clause a slice; none where it may be."""
        return [
            f"it is worse {_WORDS[name]} (slice {name}): {found}"
            for name, found in self.slices.items()
            if found.significant
        ]

    def document(self) -> dict[str, Any]:
        """Return everything as JSON values."""
        return {
            "replaces": self.replaces,
            "skipped": self.skipped,
            "level": LEVEL,
            "slices": {
                name: {
                    "old": found.old,
                    "new": found.new,
                    "difference": found.difference.as_dict(),
                    "users": found.users,
                    "verdict": "worse" if found.significant else "not worse",
                }
                for name, found in self.slices.items()
            },
        }


def compare(
    contents: BundleContents,
    bundle: Bundle,
    plays: Interactions,
    *,
    recipe: Recipe,
    trial: Trial | None = None,
) -> Comparison:
    """Compare a new bundle with the one that it replaces, slice by slice.

    Parameters
    ----------
    contents : BundleContents
        Of the new bundle.
    bundle : Bundle
        The one that it replaces.
    plays : Interactions
        What the new one was made of.
    recipe : Recipe
        How it was made.
    trial : Trial, optional
        By this recipe, of these plays: where the ranker of the new bundle was trained by one.
    """
    new = Making.of_new(contents, recipe)
    old = Making.of_old(bundle, contents, recipe)
    if new.same_as(old):
        return Comparison(bundle.id, skipped="Both are made alike, if of other plays.")
    if old.unjudged or new.unjudged:
        reason = "A ranker that has learnt from all users cannot be judged by some of them."
        return Comparison(bundle.id, skipped=reason)
    try:
        trial = _trial(contents, plays, new, given=trial)
        signals = old.fitted(trial.holdout.train, contents.catalog, contents.duplicates)
    except DataError as error:  # too few plays, or an old recipe that fails with them
        return Comparison(bundle.id, skipped=str(error))
    sides = Side.of(signals, old), Side.of(trial.signals, new)
    return Comparison(bundle.id, _slices(trial, sides, recipe))


def _trial(
    contents: BundleContents, plays: Interactions, new: Making, *, given: Trial | None
) -> Trial:
    """Return a trial of the new bundle, of which there may be one already."""
    rng = np.random.default_rng([new.recipe.seed, 5, 0])
    catalog = contents.catalog
    holdout = given.holdout if given else hold_out(plays, catalog, recipe=new.recipe, rng=rng)
    users = holdout.askable(JUDGED).size
    if users < LEAST:
        raise DataError(f"It takes {LEAST} users to compare by. Received: {users}.")
    return given or Trial(holdout, new.fitted(holdout.train, catalog, contents.duplicates))


def _slices(trial: Trial, sides: tuple[Side, Side], recipe: Recipe) -> dict[str, Loss]:
    kinds: list[Kind] = []
    values: list[list[float]] = []
    rng = np.random.default_rng([recipe.seed, 6])
    # One question after the other: its mask of eligible tracks is as long as the catalogue.
    for question in trial.questions(JUDGED, most=recipe.learning.users, rng=rng):
        kinds.append(question.kind)
        values.append([ndcg(side.best(question, K), question.targets) for side in sides])
    found = by_slice(kinds, np.array(values).reshape(-1, 2), least=LEAST)
    return {name: _loss(pairs, recipe.seed) for name, pairs in found.items()}


def _loss(pairs: npt.NDArray[np.float64], seed: int) -> Loss:
    old, new = pairs.T
    difference = gain(new, old, level=LEVEL, seed=seed)
    return Loss(float(old.mean()), float(new.mean()), difference, len(pairs))
