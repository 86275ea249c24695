"""Scores of all systems to figures with intervals, and their ratios to the baseline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.bootstrap import Estimate, clustered_intervals, clustered_ratios
from engine.hearing.report import Bounds, Figure, Section
from engine.hearing.systems import BASELINE, RANDOM

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

MIN_ARTISTS = 6
"""Fewer artists get no interval over artists: five all lean one way by chance in 2 / 2^5 = 6% of
cases, yet every resample of them leans that way too."""


@dataclass(frozen=True)
class Resampling:
    """How intervals are made.

    Attributes
    ----------
    seed : int
    resamples : int
    """

    seed: int = 0
    resamples: int = 1000


def make_section(
    name: str,
    values: Mapping[str, FloatArray],
    measures: tuple[str, ...],
    *,
    tracks: IntArray,
    artists: IntArray,
    resampling: Resampling,
) -> Section:
    """Put intervals to scores.

    Parameters
    ----------
    name : str
        Of the question.
    values : mapping of str to ndarray of float64, shape (q, m)
        The scores of each system, `BASELINE` among them: the same queries in the same order.
    measures : tuple of str, length m
    tracks, artists : ndarray of int64, shape (q,)
        Whose each query is: drawn together by either bootstrap.
    resampling : Resampling

    Returns
    -------
    Section
    """
    compared = [system for system in values if system not in (BASELINE, RANDOM)]
    everyone = np.hstack(list(values.values()))
    above = np.hstack([values[system] for system in compared] or [np.empty((len(tracks), 0))])
    below = np.hstack([values[BASELINE]] * len(compared) or [np.empty((len(tracks), 0))])
    means, ratios = [], []
    for clusters in (tracks, artists):
        draws = {"seed": resampling.seed, "resamples": resampling.resamples}
        means.append(clustered_intervals(everyone, clusters, **draws))
        ratios.append(clustered_ratios(above, below, clusters, **draws))
    bounded = len(np.unique(artists)) >= MIN_ARTISTS
    return Section(
        name=name,
        queries=len(tracks),
        tracks=len(np.unique(tracks)),
        artists=len(np.unique(artists)),
        systems=_by_system(list(values), measures, _figures(*means, bounded=bounded)),
        ratios=_by_system(compared, measures, _figures(*ratios, bounded=bounded)),
    )


def _figures(
    by_track: Sequence[Estimate | None], by_artist: Sequence[Estimate | None], *, bounded: bool
) -> list[Figure]:
    """Return figures of the same estimates under two bootstraps; `bounded`: both count."""
    return [
        Figure(None if t is None else t.mean, _bounds(t), _bounds(a) if bounded else None)
        for t, a in zip(by_track, by_artist, strict=True)
    ]


def _bounds(estimate: Estimate | None) -> Bounds | None:
    if estimate is None or estimate.low is None or estimate.high is None:
        return None
    return estimate.low, estimate.high


def _by_system(
    systems: list[str], measures: tuple[str, ...], figures: list[Figure]
) -> dict[str, dict[str, Figure]]:
    width = len(measures)
    return {
        system: dict(zip(measures, figures[i * width : (i + 1) * width], strict=True))
        for i, system in enumerate(systems)
    }
