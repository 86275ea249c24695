"""Off-policy estimates of one target, from the log, in words and as JSON."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from data.errors import BundleError, DataError
from data.store import Store
from engine.bootstrap import Estimate
from engine.bundle import Bundle, BundleRegistry
from engine.config import Sections
from engine.impressions.credit import credited_slots
from engine.offpolicy.estimators import PolicyValue, policy_value
from engine.offpolicy.replay import Progress, replay
from engine.recommender import Recommender
from ranker.config import RankerConfig

LOW_SUPPORT = 0.5
"""Below this share of supported slots, what is estimated is mostly what the reward model says."""


@dataclass(frozen=True)
class OffPolicyReport:
    """What a target would have earned.

    Attributes
    ----------
    value : PolicyValue
    agreed : float
        Share of the slots in which the target shows the logged track for certain.
    window_hours : float
    impressions : int
        Answers served that were used.
    unknown_bundles, unanswered : int
        Impressions left out; see `engine.offpolicy.replay.Replay`.
    changed : dict of str to object
        Settings of the blend in which the target differs from those of the home.
    """

    value: PolicyValue
    agreed: float
    window_hours: float
    impressions: int
    unknown_bundles: int
    unanswered: int
    changed: dict[str, object]

    def as_dict(self) -> dict[str, object]:
        """Return the report as JSON has it."""
        own = {name: getattr(self, name) for name in self.__dataclass_fields__ if name != "value"}
        return {**own, "value": self.value.as_dict(), "low_support": self.low_support}

    @property
    def low_support(self) -> bool:
        """Whether less than half of the target's slots are supported by the log."""
        return self.value.supported.mean < LOW_SUPPORT


@dataclass(frozen=True)
class Scope:
    """What of the log is used, and how.

    Attributes
    ----------
    window_hours : float
        How long after an impression a listen counts for it.
    experiment : str, optional
        Only impressions of this one.
    since : int, optional
        Only impressions from this time on, in Unix seconds.
    clip : float
        Greatest weight.
    most : int
        Answers to replay; of more, so many are drawn.
    seed : int
        Of that, and of the intervals.
    explore : float, optional
        Share of the slots that the target explores, whatever a request asked for.
    """

    window_hours: float = 24.0
    experiment: str | None = None
    since: int | None = None
    clip: float = 50.0
    most: int = 20_000
    seed: int = 0
    explore: float | None = None


def off_policy(
    store: Store,
    registry: BundleRegistry,
    sections: Sections,
    *,
    target: RankerConfig,
    scope: Scope,
    progress: Progress | None = None,
) -> OffPolicyReport:
    """Estimate what other settings of the blend would have earned.

    Parameters
    ----------
    store : Store
    registry : BundleRegistry
        Where the logged bundles are.
    sections : Sections
        The other settings.
    target : RankerConfig
        Those of the target.
    scope : Scope
    progress : callable, optional

    Raises
    ------
    DataError
        If there is nothing to estimate from.
    """
    slots = _slots(store, scope)
    found = replay(
        slots,
        store,
        _targets(registry, sections, target),
        explore=scope.explore,
        progress=progress,
    )
    left_out = found.unknown_bundles + found.unanswered
    if not found.samples.rewards.size:
        raise DataError(
            f"None of {left_out} impressions can be replayed: {found.unknown_bundles} are of "
            "bundles that are not kept (`engine.keep_bundles`), the others have no known chances."
        )
    base, changed = sections.ranker.model_dump(), target.model_dump()
    return OffPolicyReport(
        value=policy_value(found.samples, clip=scope.clip, seed=scope.seed),
        agreed=found.agreed,
        window_hours=scope.window_hours,
        impressions=int(slots["impression_id"].nunique()) - left_out,
        unknown_bundles=found.unknown_bundles,
        unanswered=found.unanswered,
        changed={name: value for name, value in changed.items() if value != base[name]},
    )


def _slots(store: Store, scope: Scope) -> pd.DataFrame:
    slots = credited_slots(
        store,
        window_hours=scope.window_hours,
        experiment=scope.experiment,
        since=scope.since,
    )
    if slots.empty:
        raise DataError(
            "There are no impressions of known users. Set `impressions.log` or `ranker.explore`, "
            "and serve."
        )
    names = slots["recommendation_id"].unique().to_numpy(dtype=str)
    if len(names) <= scope.most:
        return slots
    rng = np.random.default_rng(scope.seed)
    drawn = names[rng.choice(len(names), scope.most, replace=False)]
    return slots[slots["recommendation_id"].isin(drawn)]


def _targets(
    registry: BundleRegistry, sections: Sections, config: RankerConfig
) -> Callable[[str], Recommender | None]:
    def of(bundle_id: str) -> Recommender | None:
        try:
            bundle = Bundle.open(registry.root / bundle_id)
        except BundleError:
            return None
        return Recommender(bundle, config, taste=sections.taste, rules=sections.rules)

    return of


def render(report: OffPolicyReport) -> str:
    """Return the report as text for a terminal."""
    value = report.value
    changed = (
        ", ".join(f"{k} = {v}" for k, v in report.changed.items()) or "the settings as they are"
    )
    lines = [
        f"{report.impressions:,} answers to {value.users:,} users, {value.slots:,} slots; a listen "
        f"counts within {report.window_hours:g} h.",
        f"Target: {changed}.",
        "",
        f"{'listens per slot':<20}{'mean':>10}   95% interval",
        _line("logged", value.logged),
        _line("target, IPS", value.ips),
        _line("target, SNIPS", value.snips),
        _line("target, DR", value.dr),
        _line("DR - logged", value.gain),
        "",
        f"supported  {value.supported.mean:.3f} of the target's slots; the same track for certain "
        f"in {report.agreed:.3f}",
        f"weights    effective sample {value.effective:,.0f} of {value.slots:,}; heaviest "
        f"{value.heaviest:.1f}; {value.clipped:.2%} clipped to {value.clip:g}",
    ]
    if report.unknown_bundles or report.unanswered:
        lines.append(
            f"left out   {report.unknown_bundles:,} impressions of bundles that are gone, "
            f"{report.unanswered:,} that cannot be replayed"
        )
    if report.low_support:
        lines.append(
            "Less than half of the target's slots are supported: DR rests on its reward model, and "
            "IPS counts the rest as unheard. Run an experiment instead."
        )
    return "\n".join(lines)


def _line(name: str, estimate: Estimate | None) -> str:
    if estimate is None:
        return f"{name:<20}{'none':>10}"
    bounds = "" if estimate.low is None else f"   {estimate.low:.4f} to {estimate.high:.4f}"
    return f"{name:<20}{estimate.mean:>10.4f}{bounds}"
