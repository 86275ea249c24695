"""An evaluation from plays to report."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from cf_model import CFConfig
from data.catalog import Catalog
from data.checks import check_positive
from data.errors import DataError, ParameterError
from data.interactions import Interactions
from data.vectors import unit_rows
from engine.evaluation.measuring import summarise
from engine.evaluation.models import Models
from engine.evaluation.protocols import TEMPORAL
from engine.evaluation.results import Report
from engine.evaluation.split import Plan, Settings
from engine.evaluation.summary import Sampling

FloatMatrix = npt.NDArray[np.float32]
Progress = Callable[[int, int, str], None]


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
    _check_repeats(settings, protocol)
    vectors = _check_inputs(interactions, catalog, embeddings)
    plan = Plan(interactions, catalog, vectors, protocol, cf, ks, settings)
    tell = progress or (lambda *_: None)
    found = [
        plan.run(number, progress=_numbered(tell, at, settings.repeats))
        for at, number in enumerate(range(seed, seed + settings.repeats), start=1)
    ]
    sampling = Sampling(settings.resamples, settings.level, settings.flips, seed)
    report = summarise([one.measured for one in found], ks, sampling=sampling)
    notes = _in_splits([one.notes for one in found])
    return replace(
        report,
        parameters={**report.parameters, **_parameters([one.models for one in found], settings)},
        skipped=_in_splits([one.skipped for one in found]),
        notes={name: note for name, note in notes.items() if name in report.systems},
    )


def _check_repeats(settings: Settings, protocol: str) -> None:
    check_positive("repeats", settings.repeats, integer=True)
    if settings.repeats > 1 and (protocol == TEMPORAL or settings.held_out is not None):
        how = "by time" if settings.held_out is None else "by a held-out file"
        raise ParameterError(
            f"`repeats` must be 1 where plays are parted {how}, which is one way only. "
            f"Received: {settings.repeats!r}."
        )


def _numbered(progress: Progress, at: int, repeats: int) -> Progress:
    """Say which of several splits is at work."""
    if repeats == 1:
        return progress
    return lambda done, total, what: progress(done, total, f"split {at} of {repeats}: {what}")


def _in_splits(said: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """Put together what was said of systems, and in how many of the splits, unless in all."""
    found: dict[str, str] = {}
    for name in dict.fromkeys(name for one in said for name in one):
        words = [one[name] for one in said if name in one]
        where = "" if len(words) == len(said) else f"in {len(words)} of {len(said)} splits: "
        found[name] = where + "; ".join(dict.fromkeys(words))
    return found


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


def _parameters(models: Sequence[Models], settings: Settings) -> dict[str, Any]:
    blend = settings.blend
    told = [one.as_dict() for one in models]
    alike = all(one == told[0] for one in told)
    return {
        "test_fraction": settings.fractions.test,
        "history_fraction": settings.fractions.history,
        "repeats": settings.repeats,
        "tuned": settings.choose is not None,
        **(told[0] if alike else {"splits": told}),
        "ranker": blend.ranker.model_dump(mode="json"),
        "taste": blend.taste.model_dump(mode="json"),
        "prior": blend.prior.model_dump(mode="json"),
        "learning": blend.learning.model_dump(mode="json"),
    }
