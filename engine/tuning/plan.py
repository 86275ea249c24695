"""What to try next, and when to stop: decided by the trials so far, and by nothing else.

1. The settings as they are, then a few that were found good elsewhere.
2. **Explore** with few factors, where a trial is cheap, by the tree-structured Parzen estimator of
   Optuna (Bergstra et al., "Algorithms for Hyper-Parameter Optimization", NIPS 2011).
3. **Widen**: double the factors of the best, as long as that helps. Other settings need little
   change then (Rendle et al., "Revisiting the Performance of iALS on Item Recommendation
   Benchmarks", RecSys 2022, tune with few factors for that reason).
4. **Refine** by the estimator again, up to twice the factors of the best.

A trial that would outlast the time is tried with fewer factors, or not at all. How long one takes
is judged by the one most like it in the number of operations.

The estimator is made anew for each trial, of all trials before and of a seed that counts them. A
search that was interrupted and goes on thus tries what it would have tried.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from optuna.distributions import IntDistribution

from data.checks import check_positive
from data.errors import ParameterError
from engine.tuning.estimator import ask
from engine.tuning.space import Space
from engine.tuning.trials import Params, Trial, best_of

_EXPLORE = 0.5  # of the time, and of the trials
_CHEAP = 1 / 40  # of the time: a trial while exploring
_AGAIN = 5  # draws, where the estimator comes back to what was tried


@dataclass(frozen=True)
class Limits:
    """When a search ends.

    Attributes
    ----------
    seconds : float
        No trial is started that would not end within, and one that does not is cut off.
    trials : int
        Most trials.
    stale : int
        Most trials since the best.
    """

    seconds: float = 120.0
    trials: int = 60
    stale: int = 25

    def __post_init__(self) -> None:
        check_positive("seconds", self.seconds)
        if math.isinf(self.seconds):
            raise ParameterError(f"`seconds` must be finite. Received: {self.seconds}.")
        check_positive("trials", self.trials, integer=True)
        check_positive("stale", self.stale, integer=True)


@dataclass(frozen=True)
class Stop:
    """There is nothing more to try.

    Attributes
    ----------
    why : str
        "time", "trials", "no gain", "all tried", or what kept the first trial from a value.
    """

    why: str


@dataclass(frozen=True)
class Plan:
    """Decides on trials.

    Attributes
    ----------
    space : Space
    limits : Limits
    size : tuple of int
        Users, tracks and pairs of the matrix that is factorised.
    seed : int
    """

    space: Space
    limits: Limits
    size: tuple[int, int, int]
    seed: int = 0

    def next(self, earlier: Sequence[Trial], trials: Sequence[Trial]) -> Params | Stop:
        """Return the settings of the next trial.

        Parameters
        ----------
        earlier : sequence of Trial
            Of finished searches of the same plays: known, but not counted.
        trials : sequence of Trial
            Of this search.
        """
        known = [*earlier, *trials]
        if not known:
            return self.space.first
        why = self._over(known, trials)
        if why:
            return Stop(why)
        params = self._wanted(known, trials)
        return Stop("all tried") if params is None else self._fitting(params, known, trials)

    def left(self, trials: Sequence[Trial]) -> float:
        """Return the seconds that are left."""
        return self.limits.seconds - sum(trial.seconds for trial in trials)

    def expected(self, params: Params, known: Sequence[Trial]) -> float:
        """Return how many seconds a trial is likely to take; 0 where nothing is known."""
        work = self._work(params)
        done = [(self._work(trial.params), trial) for trial in known if trial.value is not None]
        if not done:
            return 0.0
        like, trial = min(done, key=lambda pair: abs(math.log(pair[0] / work)))
        return trial.seconds + trial.training * (work / like - 1)

    def _over(self, known: Sequence[Trial], trials: Sequence[Trial]) -> str:
        if best_of(known) is None:
            return known[0].fault
        if self.left(trials) <= 0:
            return "time"
        if len(trials) >= self.limits.trials:
            return "trials"
        return "no gain" if _since_best(known, trials) >= self.limits.stale else ""

    def _wanted(self, known: Sequence[Trial], trials: Sequence[Trial]) -> Params | None:
        tried = [trial.params for trial in known]
        start = next((start for start in self.space.starts() if start not in tried), None)
        if start is not None:
            return start
        if self._exploring(known, trials):
            return self._asked(self._cheap(known), known)
        wide = self._wider(known)
        if wide and wide not in tried and self.expected(wide, known) <= self.left(trials):
            return wide
        return self._asked(2 * self.space.config(self._best(known)).factors, known)

    def _exploring(self, known: Sequence[Trial], trials: Sequence[Trial]) -> bool:
        return (
            self.left(trials) > (1 - _EXPLORE) * self.limits.seconds
            and len(trials) < _EXPLORE * self.limits.trials
            and _since_best(known, trials) < _EXPLORE * self.limits.stale
        )

    def _cheap(self, known: Sequence[Trial]) -> int:
        """Return with how many factors a trial still is a small part of the time."""
        factors = self.space.base.factors
        while factors < _widest(self.space):
            params = {**self.space.first, "factors": 2 * factors}
            if self.expected(params, known) > _CHEAP * self.limits.seconds:
                break
            factors *= 2
        return factors

    def _wider(self, known: Sequence[Trial]) -> Params | None:
        """Return the best with twice the factors; None where it has as many as there may be."""
        best, widest = self._best(known), _widest(self.space)
        factors = int(best.get("factors", widest))
        return {**best, "factors": min(2 * factors, widest)} if factors < widest else None

    def _best(self, known: Sequence[Trial]) -> Params:
        at = best_of(known)
        return self.space.first if at is None else known[at].params

    def _asked(self, factors: int, known: Sequence[Trial]) -> Params | None:
        tried = [trial.params for trial in known]
        for attempt in range(_AGAIN):
            seed = (self.seed * 1_000 + len(known)) * _AGAIN + attempt
            params = ask(self.space.up_to(factors), known, seed=seed)
            if params not in tried:
                return params
        return None

    def _fitting(
        self, params: Params, known: Sequence[Trial], trials: Sequence[Trial]
    ) -> Params | Stop:
        """Return the same, with as few factors as the time that is left asks for."""
        bounds = self.space.distributions.get("factors")
        while self.expected(params, known) > self.left(trials):
            factors = int(params.get("factors", 0)) // 2
            if not isinstance(bounds, IntDistribution) or factors < bounds.low:
                return Stop("time")
            params = {**params, "factors": factors}
            if any(params == trial.params for trial in known):
                return Stop("time")
        return params

    def _work(self, params: Params) -> float:
        """Return the operations of training, but for a constant factor that all share.

        A sweep by conjugate gradients of three steps takes eight operations a row and pair of
        factors, two for their products, and some 32 a stored pair and factor.
        """
        config = self.space.config(params)
        users, tracks, pairs = self.size
        rows = (users + tracks) * 10 * config.factors**2
        return float(config.iterations * (rows + 32 * pairs * config.factors))


def _since_best(known: Sequence[Trial], trials: Sequence[Trial]) -> int:
    """Return how many trials of this search came after the best of all."""
    at = best_of(known)
    return 0 if at is None else min(len(known) - 1 - at, len(trials))


def _widest(space: Space) -> int:
    bounds = space.distributions.get("factors")
    return bounds.high if isinstance(bounds, IntDistribution) else space.base.factors
