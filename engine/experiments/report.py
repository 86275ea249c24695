"""What an experiment found: listens per impression of each variant, and how sure that is.

An impression here is one track shown in one slot of one answer; a listen is one that followed it
(`engine.impressions.credit`). Users are the independent units, so all intervals are from
resampling users (`engine.bootstrap`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import chisquare

from engine.bootstrap import Estimate, clustered_sums
from engine.experiments.config import Experiment

FloatArray = npt.NDArray[np.float64]

MISMATCH = 0.001
"""Below this p-value, the variants' numbers of users do not fit their weights."""

_BOUNDS = (0.025, 0.975)


@dataclass(frozen=True)
class VariantResult:
    """What one variant showed, and what of it was listened to.

    Attributes
    ----------
    name : str
    users, answers, impressions, listens : int
    rate : Estimate or None
        Listens per impression, with its 95% interval; without bounds where too few users are
        there to resample. None without impressions.
    difference : Estimate or None
        `rate` less that of the first variant; None for the first one.
    explored : float
        Share of the impressions in slots of exploration.
    """

    name: str
    users: int
    answers: int
    impressions: int
    listens: int
    rate: Estimate | None
    difference: Estimate | None
    explored: float


@dataclass(frozen=True)
class SplitReport:
    """Variants that were dealt to users.

    Attributes
    ----------
    experiment : str
    variants : tuple of VariantResult
        The first one is the control.
    crossed : int
        Users who were shown more than one variant, after a change of weights or salt; they count
        for each.
    mismatch : float or None
        P-value of the numbers of users, were they dealt by the weights (chi-square); below
        `MISMATCH` something is wrong with the assignment or the log. None where weights are not
        known.
    left_out : int
        Interleaved answers of the same name, which no part of this counts.
    """

    experiment: str
    variants: tuple[VariantResult, ...]
    crossed: int
    mismatch: float | None
    left_out: int = 0

    @property
    def mismatched(self) -> bool:
        """Whether the numbers of users do not fit the weights."""
        return self.mismatch is not None and self.mismatch < MISMATCH

    def as_dict(self) -> dict[str, object]:
        """Return the report as JSON has it."""
        return {"kind": "split", **asdict(self), "mismatched": self.mismatched}


def split_report(
    slots: pd.DataFrame, name: str, *, experiment: Experiment | None = None, seed: int = 0
) -> SplitReport:
    """Compare the variants of an experiment that dealt users to them.

    Parameters
    ----------
    slots : DataFrame
        `user_id`, `impression_id`, `variant`, `explored`, `heard`; at least one row.
    name : str
    experiment : Experiment, optional
        Its settings: the order and weights of the variants. Without, they are sorted by name.
    seed : int
        Of the resampling.
    """
    names = _names(slots["variant"], experiment)
    users, who = np.unique(slots["user_id"].to_numpy(str), return_inverse=True)
    shown = np.stack([(slots["variant"] == v).to_numpy(bool) for v in names], axis=1)  # (m, v)
    heard = shown & slots["heard"].to_numpy(bool)[:, None]
    rates, differences = _estimates(heard.astype(float), shown.astype(float), who, seed=seed)
    seen = np.zeros((len(users), len(names)), bool)
    rows, columns = np.nonzero(shown)
    seen[who[rows], columns] = True
    results = [
        VariantResult(
            name=variant,
            users=int(seen[:, at].sum()),
            answers=int(slots.loc[shown[:, at], "impression_id"].nunique()),
            impressions=int(shown[:, at].sum()),
            listens=int(heard[:, at].sum()),
            rate=rates[at],
            difference=differences[at] if at else None,
            explored=_share(slots["explored"].to_numpy(bool)[shown[:, at]]),
        )
        for at, variant in enumerate(names)
    ]
    crossed = int((seen.sum(axis=1) > 1).sum())
    return SplitReport(name, tuple(results), crossed, _mismatch(results, experiment))


def _names(found: pd.Series, experiment: Experiment | None) -> list[str]:
    logged = sorted(set(found.dropna()))
    known = [] if experiment is None else [variant.name for variant in experiment.variants]
    return known + [name for name in logged if name not in known]


def _share(values: npt.NDArray[np.bool_]) -> float:
    return float(values.mean()) if values.size else 0.0


def _estimates(
    heard: FloatArray, shown: FloatArray, who: npt.NDArray[np.integer], *, seed: int
) -> tuple[list[Estimate | None], list[Estimate | None]]:
    """Return the rate of each variant, and its difference to that of the first."""
    count = shown.shape[1]
    drawn = clustered_sums(np.hstack([heard, shown]), who, seed=seed)
    rates = _ratio(drawn[:, :count], drawn[:, count:])  # (resamples, variants)
    values = _ratio(heard.sum(axis=0), shown.sum(axis=0))
    return _with_bounds(values, rates), _with_bounds(values - values[0], rates - rates[:, :1])


def _ratio(above: FloatArray, below: FloatArray) -> FloatArray:
    ratio: FloatArray = np.divide(above, below, out=np.full_like(above, np.nan), where=below > 0)
    return ratio


def _with_bounds(values: FloatArray, drawn: FloatArray) -> list[Estimate | None]:
    bounds = np.quantile(drawn, _BOUNDS, axis=0)  # NaN where nobody was drawn in some resample
    found: list[Estimate | None] = []
    for value, low, high in zip(values.tolist(), *bounds.tolist(), strict=True):
        bounded = Estimate(value) if np.isnan(low) or np.isnan(high) else Estimate(value, low, high)
        found.append(None if np.isnan(value) else bounded)
    return found


def _mismatch(results: Sequence[VariantResult], experiment: Experiment | None) -> float | None:
    if experiment is None:
        return None
    weights = {variant.name: variant.weight for variant in experiment.variants}
    counts = np.array([r.users for r in results if r.name in weights], float)
    shares = np.array([weights[r.name] for r in results if r.name in weights])
    if not counts.sum():
        return None
    return float(chisquare(counts, shares / shares.sum() * counts.sum()).pvalue)
