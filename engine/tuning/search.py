"""Runs trials until the plan says stop."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from data.errors import DataError
from engine.evaluation import intervals
from engine.tuning.plan import Plan, Stop
from engine.tuning.trials import Params, Trial, TrialLog, best_of
from engine.tuning.validation import MEASURE, FloatVector, Progress, Validation

TIME_OVER = "the time was over"


class _TimeOver(Exception):  # noqa: N818 - no error: the end of a trial
    pass


def search(
    validation: Validation,
    plan: Plan,
    *,
    earlier: Sequence[Trial] = (),
    log: TrialLog | None = None,
    progress: Progress | None = None,
) -> tuple[list[Trial], str]:
    """Try settings of ALS, one after the other.

    Parameters
    ----------
    validation : Validation
    plan : Plan
    earlier : sequence of Trial
        Of finished searches of the same plays.
    log : TrialLog, optional
        Keeps the trials. The search goes on from those that it holds, whose time counts.
    progress : callable, optional
        Called with (seconds used, seconds in all, "tuning, ...").

    Returns
    -------
    trials : list of Trial
        Of this search, in their order.
    why : str
        Why it ended; see `Stop`.

    Notes
    -----
    What is tried depends on the clock only through what still fits. The same trial of the same
    plays has the same value.
    """
    trials = [] if log is None else log.read()
    if log is not None:
        log.write(trials)
    run = _Search(validation, plan, list(earlier), trials, progress or _silent)
    while not isinstance(params := plan.next(run.earlier, run.trials), Stop):
        trial = run.run(params)
        run.trials.append(trial)
        if log is not None:
            log.add(trial)
    run.tell(0.0, ended=True)
    return run.trials, params.why


@dataclass
class _Search:
    validation: Validation
    plan: Plan
    earlier: list[Trial]
    trials: list[Trial]
    progress: Callable[[int, int, str], None]
    started: float = field(default_factory=time.monotonic)
    trained: float = 0.0

    def run(self, params: Params) -> Trial:
        """Try one setting; end it where the time is over."""
        self.started = time.monotonic()
        left = self.plan.left(self.trials)

        def watch(_done: int, _total: int, _what: str) -> None:
            self.trained = time.monotonic() - self.started  # so far: the last call counts
            if self.trained > left:
                raise _TimeOver
            self.tell(self.trained)

        self.tell(0.0)
        try:
            values = self.validation.score(self.plan.space.config(params), progress=watch)
        except _TimeOver:
            return self._trial(params, fault=TIME_OVER)
        except DataError as error:  # an overflow: settings that cannot be used
            return self._trial(params, fault=str(error))
        return self._scored(params, values)

    def _trial(self, params: Params, *, fault: str) -> Trial:
        return Trial(params=params, value=None, seconds=self._seconds(), fault=fault)

    def _scored(self, params: Params, values: FloatVector) -> Trial:
        values = np.round(values, 6)  # as they are kept: read again, they give the same interval
        first = next(iter([*self.earlier, *self.trials]), None)
        low = None
        if first is not None and first.per_user:
            [gain] = intervals((values - np.array(first.per_user))[:, np.newaxis])
            low = gain.low
        return Trial(
            params=params,
            value=float(values.mean()),
            low=low,
            seconds=self._seconds(),
            training=round(self.trained, 3),
            per_user=tuple(values.tolist()) if first is None else (),
        )

    def _seconds(self) -> float:
        return round(time.monotonic() - self.started, 3)

    def tell(self, used: float, *, ended: bool = False) -> None:
        """Say where the search stands, `used` seconds into a trial."""
        total = int(np.ceil(self.plan.limits.seconds))
        done = int(self.plan.limits.seconds - self.plan.left(self.trials) + used)
        known = [*self.earlier, *self.trials]
        at = best_of(known)
        best = "" if at is None else f", best {MEASURE} {known[at].value:.4f}"
        number = len(self.trials) + (not ended)
        what = f"tuning, trial {number}{best}, seconds"
        self.progress(total if ended else min(done, total - 1), total, what)


def _silent(_done: int, _total: int, _what: str) -> None:
    pass
