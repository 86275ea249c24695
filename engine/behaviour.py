"""The behavioural half of training: ALS factors, what sound adds, or those of the bundle before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cf_model import CFConfig, gram_matrix, train_als
from cf_model.prior import PriorConfig
from data.catalog import Catalog
from data.errors import DataError
from data.interactions import Interactions
from data.vocabulary import Vocabulary
from engine.bundle import Acoustic, Behaviour, Bundle
from engine.sound_prior import with_sound

FloatMatrix = npt.NDArray[np.float32]
Progress = Callable[[int, int, str], None]

WARM_ITERATIONS = 4
"""Sweeps that go on from the factors of a bundle; what they lose stands in docs/behaviour.md."""


@dataclass(frozen=True)
class Lesson:
    """How behaviour is learnt.

    Attributes
    ----------
    cf : CFConfig
    prior : PriorConfig
    start : Bundle, optional
        Whose factors training goes on from, for a few iterations; None to begin anew.
    """

    cf: CFConfig
    prior: PriorConfig
    start: Bundle | None = None


def train_behaviour(
    plays: Interactions,
    catalog: Catalog,
    acoustic: Acoustic | None,
    *,
    lesson: Lesson,
    progress: Progress | None = None,
) -> Behaviour | None:
    """Train ALS, and let sound speak for tracks of few plays or none.

    Parameters
    ----------
    plays : Interactions
        Over the tracks of the catalogue.
    catalog : Catalog
    acoustic : Acoustic, optional
        What the tracks sound like.
    lesson : Lesson
    progress : callable, optional
        Told (iterations done, iterations in all, "als").

    Returns
    -------
    Behaviour or None
        None where there is not one play to learn from.

    Raises
    ------
    DataError
        If the factors to start from are of another width, or the numbers overflow.
    """
    if not len(plays):
        return None
    config = lesson.cf
    start = None
    if lesson.start is not None:
        start = _start(lesson.start, catalog, plays.users, config)
        config = config.model_copy(update={"iterations": WARM_ITERATIONS})
    rng = np.random.default_rng(config.seed)
    model = train_als(plays, config, rng=rng, start=start, progress=progress)
    gram = gram_matrix(model.item_factors)
    heard = None
    if acoustic is not None:
        heard = with_sound(
            model,
            plays,
            acoustic.embeddings,
            artists=catalog.artists,
            config=lesson.prior,
            seed=config.seed,
        )
    if heard is None:
        return Behaviour(model.user_factors, model.item_factors, gram)
    return Behaviour(model.user_factors, heard.item_factors, gram, heard.prior, heard.uncertainty)


def inherit_behaviour(
    parent: Bundle, catalog: Catalog, users: Vocabulary, *, space: str | None
) -> Behaviour | None:
    """Take the factors of another bundle over to other vocabularies; zeros for what is new.

    What it learnt of sound goes along if the embeddings are of the same `space`.
    """
    old = parent.contents.behaviour
    if old is None:
        return None
    factors = _realigned(parent, catalog, users)
    acoustic = parent.contents.acoustic
    if old.prior is None or old.uncertainty is None or not acoustic or acoustic.space != space:
        return Behaviour(*factors, old.gram)
    unsure = np.full((len(catalog), 1), old.prior.unknown[0], np.float32)
    told = _realign(old.uncertainty[:, np.newaxis], parent.contents.catalog.tracks, catalog.tracks)
    known = parent.contents.catalog.tracks.indices(catalog.tracks.arrow) >= 0
    return Behaviour(
        *factors, old.gram, old.prior, np.where(known[:, np.newaxis], told, unsure)[:, 0]
    )


def _start(
    bundle: Bundle, catalog: Catalog, users: Vocabulary, config: CFConfig
) -> tuple[FloatMatrix, FloatMatrix]:
    old = bundle.contents.behaviour
    width = 0 if old is None else old.item_factors.shape[1]
    if width != config.factors:
        raise DataError(
            f"A warm start needs a bundle with factors of width {config.factors}; the current one "
            f"has width {width}. Train without --warm-start."
        )
    return _realigned(bundle, catalog, users)


def _realigned(
    bundle: Bundle, catalog: Catalog, users: Vocabulary
) -> tuple[FloatMatrix, FloatMatrix]:
    contents = bundle.contents
    assert contents.behaviour is not None, "the caller has looked"
    return (
        _realign(contents.behaviour.user_factors, contents.users, users),
        _realign(contents.behaviour.item_factors, contents.catalog.tracks, catalog.tracks),
    )


def _realign(values: FloatMatrix, old: Vocabulary, new: Vocabulary) -> FloatMatrix:
    rows = old.indices(new.arrow)
    taken = np.zeros((len(new), values.shape[1]), np.float32)
    taken[rows >= 0] = values[rows[rows >= 0]]
    return taken
