"""What a bundle is made with, so that it can be made again of fewer plays."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from pydantic import ValidationError

from cf_model.prior import PriorConfig
from data.catalog import Catalog
from data.interactions import Interactions
from engine.bundle import Acoustic, Bundle, BundleContents
from engine.duplicates import Duplicates
from engine.ranking.trial import Recipe, fit_signals
from engine.signals import Signals
from engine.spaces import IMPORTED
from ranker.lambdamart import LambdaMART

_COUNTED = ("behaviour", "neighbours", "recent")  # parts that an older bundle may lack


@dataclass(frozen=True, eq=False)
class Making:
    """What a bundle is made with, besides plays.

    Attributes
    ----------
    acoustic : Acoustic or None
        Its sound, over the tracks of the new bundle.
    recipe : Recipe
        Its settings.
    ranker : LambdaMART or None
    lacks : frozenset of str
        Names of parts of `BundleContents` that it does not have.
    """

    acoustic: Acoustic | None
    recipe: Recipe
    ranker: LambdaMART | None
    lacks: frozenset[str]

    @classmethod
    def of_new(cls, contents: BundleContents, recipe: Recipe) -> Making:
        """Say what a bundle was made with that was made just now."""
        return cls(contents.acoustic, recipe, contents.ranker, _lacking(contents))

    @classmethod
    def of_old(cls, bundle: Bundle, contents: BundleContents, recipe: Recipe) -> Making:
        """Say what an earlier bundle was made with.

        What is set for answers, not for training, is that of today whichever bundle serves: quotas,
        the weights of rank fusion, centres of taste.

        Parameters
        ----------
        bundle : Bundle
        contents : BundleContents
            Of the new bundle, whose tracks count.
        recipe : Recipe
            Of the new bundle.
        """
        recipe = _with_factors_of(bundle, recipe)
        old = bundle.contents
        acoustic = taken_over(old, contents.catalog, like=contents.acoustic)
        ranker = old.ranker if recipe.ranker.blend == "learned" else None
        return cls(acoustic, recipe, ranker, _lacking(old))

    def same_as(self, other: Making) -> bool:
        """Whether both make the same bundle of the same plays."""
        recipes = self.recipe, other.recipe
        return (
            recipes[0] == recipes[1]
            and self.lacks == other.lacks
            and _same_ranker(self.ranker, other.ranker)
            and _same_sound(self.acoustic, other.acoustic)
            and _same_sound(recipes[0].heard, recipes[1].heard)
        )

    @property
    def unjudged(self) -> bool:
        """Whether it is blended by trees that have learnt from all users alike."""
        return self.ranker is not None and self.ranker.as_judged is None

    def fitted(
        self, plays: Interactions, catalog: Catalog, duplicates: Duplicates | None
    ) -> Signals:
        """Fit the models to some plays."""
        recipe = self.recipe
        found = fit_signals(
            plays, catalog, acoustic=self.acoustic, duplicates=duplicates, recipe=recipe
        )
        lacking: dict[str, None] = dict.fromkeys(self.lacks)
        contents = replace(found.contents, **lacking)  # type: ignore[arg-type] # optional parts
        return Signals.of(contents, recipe.cf, taste=recipe.taste) if lacking else found


def taken_over(
    contents: BundleContents, catalog: Catalog, *, like: Acoustic | None
) -> Acoustic | None:
    """Return the sound of a bundle over the tracks of another catalogue.

    Tracks that it does not know have none, except where the same encoder heard them later: then
    they have what this encoder says.

    Parameters
    ----------
    contents : BundleContents
    catalog : Catalog
    like : Acoustic, optional
        Later sound of the same tracks as `catalog`.
    """
    old = contents.acoustic
    if old is None:
        return None
    rows = contents.catalog.tracks.indices(catalog.tracks.arrow)
    known = (rows >= 0) & old.known[rows]
    embeddings = np.zeros((len(catalog), old.embeddings.shape[1]), np.float32)
    embeddings[known] = old.embeddings[rows[known]]
    if like is not None and _same_source(old, like, known, embeddings):
        later = like.known & ~known
        embeddings[later] = like.embeddings[later]
        known = known | later
    return Acoustic(old.space, embeddings, known)


def keeping_factors(bundle: Bundle, contents: BundleContents, recipe: Recipe) -> Recipe:
    """Return the recipe of a bundle that keeps the factors of another one.

    Parameters
    ----------
    bundle : Bundle
        The other one.
    contents : BundleContents
        Of the bundle that keeps them.
    recipe : Recipe
        Of everything else.
    """
    kept = _with_factors_of(bundle, recipe)
    old, new = bundle.contents.acoustic, contents.acoustic
    if old is None:
        return replace(kept, hears=False)
    if not kept.hears or (new is not None and new.space == old.space):
        return kept
    return replace(kept, heard=taken_over(bundle.contents, contents.catalog, like=new))


def _with_factors_of(bundle: Bundle, recipe: Recipe) -> Recipe:
    """Return a recipe with the settings that the factors of a bundle were learnt with."""
    config = bundle.manifest.config
    return replace(
        recipe,
        cf=bundle.cf.model_copy(update={"threads": recipe.cf.threads}),
        prior=_prior(config.get("prior", {})) or recipe.prior,
        hears="prior" in config,  # factors of an older version knew nothing of sound
        heard=None,
    )


def _same_source(
    old: Acoustic, new: Acoustic, known: npt.NDArray[np.bool_], embeddings: npt.NDArray[np.float32]
) -> bool:
    """Whether old and new vectors are of one space, as far as the tracks of both can tell."""
    if old.space != new.space or old.embeddings.shape[1] != new.embeddings.shape[1]:
        return False
    if old.space != IMPORTED:  # the fingerprint of an encoder
        return True
    both = known & new.known
    return bool(both.any()) and np.array_equal(embeddings[both], new.embeddings[both])


def _lacking(contents: BundleContents) -> frozenset[str]:
    return frozenset(name for name in _COUNTED if getattr(contents, name) is None)


def _prior(settings: object) -> PriorConfig | None:
    """Return settings of the prior; None where they are those of another version."""
    try:
        return PriorConfig.model_validate(settings)
    except ValidationError:
        return None


def _same_ranker(one: LambdaMART | None, other: LambdaMART | None) -> bool:
    if one is None or other is None:
        return one is other
    return all(
        getattr(one, name) == getattr(other, name) for name in ("line", "trees", "of_unplayed")
    )


def _same_sound(one: Acoustic | None, other: Acoustic | None) -> bool:
    if one is None or other is None:
        return one is other
    return np.array_equal(one.embeddings, other.embeddings)
