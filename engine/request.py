"""What a recommender is asked and what it answers, in the indices of its bundle."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, get_args

import numpy as np

from data.checks import check_choice, check_positive
from data.errors import ParameterError
from data.history import History
from engine.segments import Passage
from ranker.candidates import IntArray
from ranker.explain import Reason
from ranker.rules import AnyRule, Outcome
from ranker.rules.base import MAX_PLACES

Strategy = Literal["hybrid", "cf", "audio", "popular"]
Similarity = Literal["audio", "listeners", "hybrid"]
STRATEGIES: tuple[str, ...] = get_args(Strategy)
SIMILARITIES: tuple[str, ...] = get_args(Similarity)
MAX_N = MAX_PLACES
"""Most items of an answer."""


@dataclass(frozen=True)
class Scope:
    """Where and when an answer is given, and the rules that came with the request.

    Attributes
    ----------
    placement : str or None
        Where it will be shown: rules may be for some placements only.
    at : datetime or None
        When, with a zone: rules may be in force for some time only. By default now.
    rules : tuple of rules
        Applied behind those of the settings.

    Raises
    ------
    ParameterError
        If `at` has no zone.
    """

    placement: str | None = None
    at: datetime | None = None
    rules: tuple[AnyRule, ...] = ()

    def __post_init__(self) -> None:
        if self.at is not None and self.at.tzinfo is None:
            raise ParameterError(f"`at` must be a time with a zone. Received: {self.at!r}.")


@dataclass(frozen=True)
class Request:
    """One request for recommendations.

    Attributes
    ----------
    history : History
        What the user did, or the seeds of an anonymous request.
    n : int
        How many items, 1 to 1,000.
    strategy : str
        "hybrid", or one signal only: "cf", "audio", "popular".
    exclude_seen : bool
        Whether played tracks are left out. Hidden ones always are.
    genres : tuple of str
        Only tracks of any of these; case does not matter.
    artist_cap : int, optional
        At most so many tracks an artist, 1 to 1,000, as long as others are left; by default as the
        settings say.
    diversity : float, optional
        0 (by score alone) to 1 (as different in sound as can be); by default as the settings say.
    explore : float, optional
        Share of the slots for uncertain new tracks, 0 to 1; by default as the settings say. Only
        with the strategy "hybrid".
    subject : str
        Who asks, so that each user explores other tracks; "" for nobody known.
    explain : bool
        Whether each item says why.
    among : ndarray of int32, optional
        Only these tracks.
    exclude : ndarray of int32
        None of these tracks.
    scope : Scope or None
        What decides which rules are in force; None for no rules.
    dry_run : bool
        Whether the answer says what each rule did.

    Raises
    ------
    ParameterError
        If a value is out of its range.
    """

    history: History
    n: int = 20
    strategy: str = "hybrid"
    exclude_seen: bool = True
    genres: tuple[str, ...] = ()
    artist_cap: int | None = None
    diversity: float | None = None
    explore: float | None = None
    subject: str = ""
    explain: bool = False
    among: IntArray | None = None
    exclude: IntArray = field(default_factory=lambda: np.empty(0, np.int32))
    scope: Scope | None = field(default_factory=Scope)
    dry_run: bool = False

    def __post_init__(self) -> None:
        check_n(self.n)
        check_choice("strategy", self.strategy, STRATEGIES)
        if self.artist_cap is not None:
            _check_count("artist_cap", self.artist_cap)
        if self.diversity is not None and not 0 <= self.diversity <= 1:
            raise ParameterError(f"`diversity` must be 0 to 1. Received: {self.diversity!r}.")
        if self.explore is not None and not 0 <= self.explore <= 1:
            raise ParameterError(f"`explore` must be 0 to 1. Received: {self.explore!r}.")


def check_n(n: int) -> None:
    """Raise `ParameterError` unless `n` is a number of items that may be asked for."""
    _check_count("n", n)


def _check_count(name: str, count: int) -> None:
    check_positive(name, count, integer=True)
    if count > MAX_N:
        raise ParameterError(f"`{name}` must be at most {MAX_N}. Received: {count}.")


@dataclass(frozen=True)
class Item:
    """One recommended track.

    Attributes
    ----------
    track : int
    score : float
        Comparable within one answer.
    sources : tuple of str
        Which retrievers proposed it.
    reason : Reason, optional
        Why, if asked for.
    segments : tuple of Passage
        Where a similar track sounds like the one asked about, best first.
    explored : bool
        Whether it was tried in a slot of exploration.
    propensity : float or None
        Probability with which its slot would have shown it: 1 where no chance was involved, None
        where it is not known.
    team : str, optional
        Of an interleaved answer, the variant that chose it.
    """

    track: int
    score: float
    sources: tuple[str, ...]
    reason: Reason | None = None
    segments: tuple[Passage, ...] = ()
    explored: bool = False
    propensity: float | None = 1.0
    team: str | None = None


@dataclass(frozen=True)
class Answer:
    """Recommended tracks, best first.

    Attributes
    ----------
    items : tuple of Item
    fallback : str or None
        The signal that stood in, where the strategy asked for has nothing to say about this
        user: "audio", "cf" or "popular". None where it had.
    rules : tuple of Outcome, optional
        What each rule did, in the order in which they were applied, if asked for.
    """

    items: tuple[Item, ...]
    fallback: str | None = None
    rules: tuple[Outcome, ...] | None = None
