"""The search of a home: run once, kept, used again.

::

    SEGUE_HOME/
    ├── tuning.json             the last finished search, with all of its trials
    └── work/tuning.jsonl       the trials of one that is running, or was interrupted
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cf_model import CFConfig
from data.catalog import Catalog
from data.errors import DataError
from data.interactions import Interactions
from engine.home import Home
from engine.tuning.outcome import Tuning
from engine.tuning.plan import Limits, Plan
from engine.tuning.search import TIME_OVER, search
from engine.tuning.space import Space, given
from engine.tuning.telling import finding, going_on, reusing, starting
from engine.tuning.trials import Trial, TrialLog
from engine.tuning.validation import MEASURE, Progress, Validation

Say = Callable[[str], None]


@dataclass(frozen=True)
class Wish:
    """What is asked for.

    Attributes
    ----------
    limits : Limits or None
        Of a search; None where there shall be none.
    again : bool
        Whether to search even if one was done.
    """

    limits: Limits | None
    again: bool = False


@dataclass(frozen=True)
class Tuned:
    """Settings to train with, and the search that found them, if one did."""

    config: CFConfig
    tuning: Tuning | None = None


def tune(
    plays: Interactions,
    config: CFConfig,
    *,
    catalog: Catalog,
    limits: Limits,
    validation: Validation | None = None,
    home: Home | None = None,
    progress: Progress | None = None,
    say: Say = lambda _: None,
) -> Tuning:
    """Search the settings that `config` leaves at their defaults.

    Parameters
    ----------
    plays : Interactions
        All that may be looked at: for an evaluation its training part, never its test part.
    config : CFConfig
        Its `model_fields_set` are fixed.
    catalog : Catalog
        Of the same tracks.
    limits : Limits
    validation : Validation, optional
        What trials are scored on; by default `Validation.of` the plays. Not with a `home`, which
        would take the search for one on its own plays.
    home : Home, optional
        Keeps the trials, so that a search that is interrupted goes on; and trials of a finished
        search of the same plays are not run again.
    progress : callable, optional
        See `search`.
    say : callable, optional
        Told what is done, in single lines.

    Raises
    ------
    DataError
        If the plays are too few to compare settings by, or all settings are fixed.
    """
    space = Space.of(config, plays)
    if not space.distributions:
        raise DataError("Every setting of ALS is given, so there is none to search.")
    if validation is None:
        validation = Validation.of(plays, catalog)
    task = validation.task
    digest = _fingerprint(plays, space, task.protocol)
    earlier = _earlier(home, digest) if home else ()
    learnt = task.train.matrix()
    plan = Plan(space, limits, (*learnt.shape, learnt.nnz), config.seed)
    log = _log(home, digest, len(earlier)) if home else None
    say(starting(plan.limits.seconds, validation.task))
    done = [] if log is None else log.read()
    if done:
        say(going_on(len(done), plan.left(done)))
    trials, why = search(validation, plan, earlier=earlier, log=log, progress=progress)
    return Tuning(
        fingerprint=digest,
        protocol=task.protocol,
        users=len(task),
        pairs=int(plays.matrix().nnz),
        fixed=given(config),
        seconds=limits.seconds - plan.left(trials),
        stopped=why,
        trials=(*earlier, *trials),
    )


def tuned_config(
    home: Home,
    plays: Interactions,
    config: CFConfig,
    *,
    catalog: Catalog,
    wish: Wish,
    progress: Progress | None = None,
    say: Say = lambda _: None,
) -> Tuned:
    """Return settings of ALS for a home: those found before, else those that a search finds now.

    Parameters
    ----------
    home : Home
        Its lock "train" is held by the caller.
    plays : Interactions
    config : CFConfig
        What was set (`model_fields_set`) stays as it is. What a search found with other values
        set does not hold here, so there is another one.
    catalog : Catalog
        Of the same tracks.
    wish : Wish
    progress, say
        See `tune`.
    """
    kept = Tuning.load(_kept(home))
    if kept is not None and not wish.again and kept.fixed == given(config):
        say(reusing(kept, plays))
        return Tuned(kept.config(config), kept)
    if wish.limits is None:
        return Tuned(config)
    try:
        found = tune(
            plays,
            config,
            catalog=catalog,
            limits=wish.limits,
            home=home,
            progress=progress,
            say=say,
        )
    except DataError as error:
        say(f"Settings of ALS are not searched: {error}")
        return Tuned(config)
    found.save(_kept(home))
    _log(home, found.fingerprint, 0).remove()
    say(finding(found))
    return Tuned(found.config(config), found)


def _kept(home: Home) -> Path:
    return home.root / "tuning.json"


def _log(home: Home, fingerprint: str, earlier: int) -> TrialLog:
    return TrialLog(home.work / "tuning.jsonl", {"search": fingerprint, "earlier": earlier})


def _earlier(home: Home, fingerprint: str) -> tuple[Trial, ...]:
    """Return the trials of a finished search of the same; what the time cut short may run again."""
    last = Tuning.load(_kept(home))
    if last is None or last.fingerprint != fingerprint:
        return ()
    return tuple(trial for trial in last.trials if trial.fault != TIME_OVER)


def _fingerprint(plays: Interactions, space: Space, protocol: str) -> str:
    """Return a digest of all that the values of trials depend on."""
    digest = hashlib.sha256(f"{space.describe()} {protocol} {MEASURE}".encode())
    for column in (plays.user, plays.track, plays.count, plays.at):
        digest.update(np.ascontiguousarray(column).tobytes())
    return digest.hexdigest()
