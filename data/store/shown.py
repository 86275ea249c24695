"""An answer as it was computed, and each time it was shown."""

from __future__ import annotations

import math
from dataclasses import dataclass
from hashlib import blake2b

from data.checks import check_id
from data.errors import ParameterError
from data.store.users import NO_VERSION

REPEATED_WITHIN_S = 1_800
"""The same answer at the same placement is one impression in each such span, aligned to the clock:
a page that is reloaded shows nothing new."""


@dataclass(frozen=True)
class ShownItem:
    """One track of an answer.

    Attributes
    ----------
    track_id : str
    score : float
        As answered.
    propensity : float or None
        Probability with which this slot would have shown this track; 1 where no chance was
        involved, None where it is not known (interleaved answers).
    explored : bool
        Whether the slot was given to exploration.
    team : str, optional
        Of an interleaved answer, the variant that chose the track.

    Raises
    ------
    ParameterError
        If a value is out of its range.
    """

    track_id: str
    score: float
    propensity: float | None = 1.0
    explored: bool = False
    team: str | None = None

    def __post_init__(self) -> None:
        check_id("track_id", self.track_id)
        if not math.isfinite(self.score):
            raise ParameterError(f"`score` must be a finite number. Received: {self.score!r}.")
        if self.propensity is not None and not 0 < self.propensity <= 1:
            raise ParameterError(
                f"`propensity` must be above 0, up to 1. Received: {self.propensity!r}."
            )


@dataclass(frozen=True)
class Recommendation:
    """An answer as it was computed.

    Attributes
    ----------
    bundle : str
    query : str
        What was asked, as one JSON object.
    items : tuple of ShownItem
        In the order of their slots.
    experiment, variant : str, optional
    """

    bundle: str
    query: str
    items: tuple[ShownItem, ...]
    experiment: str | None = None
    variant: str | None = None


@dataclass(frozen=True)
class Impression:
    """An answer that was served.

    Attributes
    ----------
    recommendation_id : str
        Stands for bundle, user, history and query: the same for the same answer.
    user_id : str or None
        None for an anonymous request.
    served_at : int
        Unix seconds.
    placement : str, optional
        Where it was shown.
    version : str
        `user_version` when it was computed. Of a user who had one, and has none now, nothing is
        stored: the user was erased in between.
    recommendation : Recommendation, optional
        The answer itself; None where it came from the cache, and was logged when it was computed.
    """

    recommendation_id: str
    user_id: str | None
    served_at: int
    placement: str | None = None
    version: str = NO_VERSION
    recommendation: Recommendation | None = None

    def __post_init__(self) -> None:
        check_id("recommendation_id", self.recommendation_id)
        if self.user_id is not None:
            check_id("user_id", self.user_id)

    @property
    def impression_id(self) -> str:
        """A digest of answer, placement and span of time (`REPEATED_WITHIN_S`)."""
        span = str(self.served_at // REPEATED_WITHIN_S)
        parts = (self.recommendation_id, self.placement or "", span)
        return blake2b("\0".join(parts).encode("utf-8"), digest_size=16).hexdigest()
