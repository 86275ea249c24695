"""The stage of plays: the settings of ALS are chosen, and the behavioural models trained."""

from __future__ import annotations

from data.catalog import Catalog
from data.errors import DataError
from data.interactions import Interactions
from engine.behaviour import Lesson, train_behaviour
from engine.bundle import Acoustic, Behaviour, Bundle
from engine.training.run import Run
from engine.tuning import tuned_config


def learn_behaviour(
    run: Run,
    catalog: Catalog,
    plays: Interactions,
    acoustic: Acoustic | None,
    *,
    parent: Bundle | None,
) -> Behaviour | None:
    """Train on plays, from the factors of the current bundle if the start is warm.

    Parameters
    ----------
    run : Run
        Its settings of ALS become those that were trained with.
    catalog : Catalog
    plays : Interactions
        Of the same tracks.
    acoustic : Acoustic, optional
        The sound that is the prior of factors.
    parent : Bundle, optional
        The current bundle.

    Raises
    ------
    DataError
        If the start is warm and there are no factors to go on from.
    """
    start = parent if run.start.warm else None
    if run.start.warm and (parent is None or parent.contents.behaviour is None):
        raise DataError(
            "A warm start needs a current bundle with factors. Run `segue train` first."
        )
    if start is not None:  # the factors go on, so do the settings that they were trained with
        _take_over(run, start)
    else:
        _tune(run, catalog, plays)
    if len(plays):
        run.listeners.say(f"Training ALS on {len(plays):,} plays of {len(plays.users):,} users.")
    with run.timed("cf"):
        return train_behaviour(
            plays,
            catalog,
            acoustic,
            lesson=Lesson(run.sections.cf, run.sections.prior, start),
            progress=run.listeners.progress,
        )


def _take_over(run: Run, parent: Bundle) -> None:
    """Train with the settings of ALS that another bundle was trained with."""
    run.sections = run.sections.model_copy(update={"cf": parent.cf})
    run.report.tuning = parent.manifest.metrics.get("tuning")


def _tune(run: Run, catalog: Catalog, plays: Interactions) -> None:
    """Let a search choose the settings of ALS that were not set."""
    if run.start.wish is None or not len(plays):
        return
    with run.timed("tuning"):
        found = tuned_config(
            run.home,
            plays,
            run.sections.cf,
            catalog=catalog,
            wish=run.start.wish,
            progress=run.listeners.progress,
            say=run.listeners.say,
        )
    run.sections = run.sections.model_copy(update={"cf": found.config})
    run.report.tuning = None if found.tuning is None else found.tuning.summary()
