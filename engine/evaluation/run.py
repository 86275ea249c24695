"""An evaluation from plays to report."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from cf_model import CFConfig
from data.catalog import Catalog
from data.checks import check_positive
from data.errors import DataError, ParameterError
from data.interactions import Interactions
from data.vectors import unit_rows
from engine.evaluation.learned import Served
from engine.evaluation.lineup import Blend, line_up
from engine.evaluation.measuring import measure
from engine.evaluation.models import Choose, Models
from engine.evaluation.protocols import GIVEN, Fractions, given_task, make_task
from engine.evaluation.results import Report
from engine.evaluation.summary import Sampling

FloatMatrix = npt.NDArray[np.float32]
Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Settings:
    """What an evaluation may vary, beside its protocol.

    Attributes
    ----------
    fractions : Fractions
        How much is held out.
    blend : Blend
        Settings of fusion, taste centres and content prior.
    held_out : Interactions, optional
        What is asked for, in the place of a part of the plays; the protocol is then "given".
    choose : callable, optional
        Chooses the settings of the models by the training part, which it is given; by default ALS
        is trained with those of the home.
    resamples : int
        Bootstrap resamples.
    level : float
        Coverage of the intervals; 1 minus the level of the tests.
    flips : int
        Random flips of signs, for the p-values.
    """

    fractions: Fractions = field(default_factory=Fractions)
    blend: Blend = field(default_factory=Blend)
    held_out: Interactions | None = None
    choose: Choose | None = None
    resamples: int = 1000
    level: float = 0.95
    flips: int = 10_000


def evaluate(
    interactions: Interactions,
    *,
    catalog: Catalog,
    embeddings: FloatMatrix | None,
    protocol: str,
    cf: CFConfig,
    ks: Sequence[int] = (10, 20),
    seed: int = 0,
    progress: Progress | None = None,
    settings: Settings | None = None,
) -> Report:
    """Measure the systems of `lineup`, among them their baselines and controls.

    Every tested user is answered from a full ranking of all eligible tracks, the user's known
    tracks excluded. The same arguments give the same report.

    Parameters
    ----------
    interactions : Interactions
    catalog : Catalog
        Of the same tracks.
    embeddings : ndarray of float32, shape (t, d), optional
        A zero row for a track without one. Rows are scaled to length 1 here.
    protocol : str
        "temporal", "random", "cold-artist" or "new-user"; see `protocols`.
    cf : CFConfig
        Of the ALS, unless `settings.choose` chooses.
    ks : sequence of int
        Lengths of lists.
    seed : int
        Of the split, the first factors, ties, shuffles, resamples and tests.
    progress : callable, optional
        Called with (done, total, what), a new `what` for each part of the work.
    settings : Settings, optional

    Returns
    -------
    Report

    Raises
    ------
    ParameterError
        If a number or the protocol is wrong.
    DataError
        If the parts do not fit together, or cannot serve the protocol.
    """
    settings = settings or Settings()
    ks = _check_ks(ks)
    vectors = _check_inputs(interactions, catalog, embeddings)
    if settings.held_out is not None:
        protocol, task = GIVEN, given_task(interactions, settings.held_out, seed=seed)
    else:
        fractions = settings.fractions
        task = make_task(interactions, catalog, protocol=protocol, fractions=fractions, seed=seed)
    models = Models(cf) if settings.choose is None else settings.choose(task.train)
    learnt, skipped = line_up(
        task,
        vectors,
        catalog=catalog,
        models=models,
        blend=settings.blend,
        seed=seed,
        progress=progress,
    )
    report = measure(
        learnt,
        task,
        artists=catalog.artists,
        vectors=vectors,
        ks=ks,
        sampling=Sampling(settings.resamples, settings.level, settings.flips, seed),
        progress=progress,
    )
    return replace(
        report,
        parameters={**report.parameters, **_parameters(models, settings)},
        skipped=skipped,
        notes={s.name: s.note for s in learnt if isinstance(s, Served) and s.note},
    )


def _check_ks(ks: Sequence[int]) -> tuple[int, ...]:
    if not ks:
        raise ParameterError("`ks` must name at least one length of list. Received: none.")
    for k in ks:
        check_positive("k", k, integer=True)
    return tuple(sorted(set(ks)))


def _check_inputs(
    interactions: Interactions, catalog: Catalog, embeddings: FloatMatrix | None
) -> FloatMatrix | None:
    """Return the embeddings at length 1, or None if there is none."""
    if interactions.tracks != catalog.tracks:
        raise DataError("The interactions and the catalogue must have the same tracks.")
    if embeddings is None:
        return None
    if embeddings.ndim != 2 or len(embeddings) != len(catalog):
        raise DataError(
            f"Embeddings must have one row for each of the {len(catalog)} tracks. "
            f"Received: shape {embeddings.shape}."
        )
    if not np.isfinite(embeddings).all():
        raise DataError("Embeddings must be finite. Import or compute them again.")
    return unit_rows(np.asarray(embeddings, np.float32)) if embeddings.any() else None


def _parameters(models: Models, settings: Settings) -> dict[str, Any]:
    blend = settings.blend
    return {
        "test_fraction": settings.fractions.test,
        "history_fraction": settings.fractions.history,
        "tuned": settings.choose is not None,
        **models.as_dict(),
        "ranker": blend.ranker.model_dump(mode="json"),
        "taste": blend.taste.model_dump(mode="json"),
        "prior": blend.prior.model_dump(mode="json"),
        "learning": blend.learning.model_dump(mode="json"),
    }
