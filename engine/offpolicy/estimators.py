"""What another ranking would have earned, from what this one showed.

For each slot i of the log: its reward r, the probability mu with which the log's policy showed its
track there, and the probability pi with which the target's would. The weight is w = pi / mu.

=======  ======================================================================
IPS      mean of w r (Horvitz, Thompson 1952)
SNIPS    sum of w r / sum of w (Swaminathan, Joachims, NIPS 2015)
DR       mean of q(target's track) + w (r - q(shown track)), with a model q of
         the reward (Dudik, Langford, Li, ICML 2011)
=======  ======================================================================

Weights are of single slots (the item-position model of Li et al., "Offline Evaluation of Ranking
Policies with Click Models", KDD 2018): the reward of a slot is taken to depend on its track and
position, not on the other tracks of the answer. The mean of w is the share of the target's slots
that the log supports, mu being above 0 for them. The target's other slots count as unheard in IPS,
not at all in SNIPS, and as the model says in DR.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

from data.checks import check_positive
from data.errors import DataError
from engine.bootstrap import Estimate, clustered_intervals, clustered_ratios

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class SlotSamples:
    """Logged slots, as off-policy estimates see them.

    Attributes
    ----------
    rewards : ndarray of float64, shape (m,)
        1 where the track was listened to, else 0.
    logged, target : ndarray of float64, shape (m,)
        Probability of the slot's track under the log's policy (above 0) and the target's.
    modelled, expected : ndarray of float64, shape (m,)
        What the reward model says of the slot's track, and of the target's track in this slot.
    users : ndarray of int64, shape (m,)
        Whose slot it is.

    Raises
    ------
    DataError
        If lengths differ, or a probability is out of its range.
    """

    rewards: FloatArray
    logged: FloatArray
    target: FloatArray
    modelled: FloatArray
    expected: FloatArray
    users: npt.NDArray[np.int64]

    def __post_init__(self) -> None:
        parts = (self.rewards, self.target, self.modelled, self.expected, self.users)
        if any(part.shape != self.logged.shape for part in parts):
            raise DataError("Slots of a log: rewards, probabilities and users differ in length.")
        if not ((self.logged > 0) & (self.logged <= 1)).all():
            raise DataError("A logged propensity must be above 0, up to 1. Prune the log.")
        if not ((self.target >= 0) & (self.target <= 1 + 1e-9)).all():
            raise DataError("A target's probability must be from 0 to 1.")


@dataclass(frozen=True)
class PolicyValue:
    """Listens per slot, of the log and of a target, with 95% intervals over users.

    Attributes
    ----------
    slots, users : int
    logged : Estimate
        Listens per slot that the log's policy earned.
    ips, snips, dr : Estimate or None
        Of the target; `snips` is None where no slot supports it.
    gain : Estimate
        `dr` less `logged`, paired.
    supported : Estimate
        Share of the target's slots that the log supports (mean of the weights as they are).
    effective : float
        Effective sample size: (sum of w)^2 / sum of w^2, of the clipped weights.
    clip : float
        Weights above it were set to it.
    clipped : float
        Share of the slots whose weight was.
    heaviest : float
        The greatest weight before that.
    """

    slots: int
    users: int
    logged: Estimate
    ips: Estimate
    snips: Estimate | None
    dr: Estimate
    gain: Estimate
    supported: Estimate
    effective: float
    clip: float
    clipped: float
    heaviest: float

    def as_dict(self) -> dict[str, object]:
        """Return the fields by name."""
        return asdict(self)


def policy_value(
    samples: SlotSamples, *, clip: float = 50.0, resamples: int = 1000, seed: int = 0
) -> PolicyValue:
    """Estimate what the target earns in each slot.

    Parameters
    ----------
    samples : SlotSamples
        At least one.
    clip : float
        Greatest weight. Clipping trades variance for bias: IPS, and DR where the model is wrong,
        come out lower; infinity clips nothing.
    resamples, seed
        Of the intervals.

    Raises
    ------
    DataError
        If there is no slot.
    ParameterError
        If `clip` is not above zero.
    """
    check_positive("clip", clip)
    if not samples.rewards.size:
        raise DataError("Off-policy estimates need logged slots. Received: none.")
    raw = samples.target / samples.logged
    weights = np.minimum(raw, clip)
    earned = weights * samples.rewards
    doubly = samples.expected + weights * (samples.rewards - samples.modelled)
    columns = np.stack([samples.rewards, earned, doubly, doubly - samples.rewards, raw], axis=1)
    options = {"resamples": resamples, "seed": seed}
    logged, ips, dr, gain, supported = clustered_intervals(columns, samples.users, **options)
    snips = clustered_ratios(earned[:, None], weights[:, None], samples.users, **options)[0]
    squares = float((weights**2).sum())
    return PolicyValue(
        slots=int(raw.size),
        users=int(np.unique(samples.users).size),
        logged=logged,
        ips=ips,
        snips=snips,
        dr=dr,
        gain=gain,
        supported=supported,
        effective=float(weights.sum()) ** 2 / squares if squares else 0.0,
        clip=clip,
        clipped=float((raw > clip).mean()),
        heaviest=float(raw.max()),
    )
