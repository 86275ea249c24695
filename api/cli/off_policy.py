"""`segue evaluate --off-policy`: what other settings would have earned, from what was shown."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from api.cli.output import give_report, progress_bar
from api.cli.session import Session
from api.wording import sentence
from data.errors import ParameterError
from engine.config import Sections
from engine.experiments import Variant
from engine.impressions.writer import DAY_S
from engine.offpolicy.report import Scope, off_policy, render
from ranker.config import RankerConfig

OPTIONS = ("ranker", "variant", "experiment", "window", "days", "clip", "most")
"""Options of `segue evaluate` that only go with `--off-policy`."""


def run(session: Session, asked: Mapping[str, Any], *, seed: int, json_file: Path | None) -> None:
    """Estimate and print."""
    settings = session.settings
    days, variant, changes = asked["days"], asked["variant"], asked["ranker"]
    target = target_of(settings, variant=variant, changes=changes)
    explores = "explore" in own_settings(settings, variant=variant, changes=changes)
    with session.store() as store, progress_bar() as progress:
        report = off_policy(
            store,
            session.registry,
            settings,
            target=target,
            scope=Scope(
                window_hours=asked["window"],
                experiment=asked["experiment"],
                since=None if days is None else int(time.time() - days * DAY_S),
                clip=asked["clip"],
                most=asked["most"],
                seed=seed,
                explore=target.explore if explores else None,
            ),
            progress=progress,
        )
    give_report(report.as_dict(), render(report), json_file)


def target_of(settings: Sections, *, variant: str | None, changes: Sequence[str]) -> RankerConfig:
    """Return the settings of the target: those of a variant, and then single changes.

    Parameters
    ----------
    settings : Sections
    variant : str or None
        EXPERIMENT/VARIANT.
    changes : sequence of str
        KEY=VALUE each, of `[ranker]`.

    Raises
    ------
    ParameterError
        If there is no such variant, setting or value.
    """
    own = own_settings(settings, variant=variant, changes=changes)
    base = settings.ranker.model_dump(exclude_unset=True)
    try:
        return RankerConfig.model_validate({**base, **own})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise ParameterError(f"`--ranker`: {sentence(first)}") from None


def own_settings(
    settings: Sections, *, variant: str | None, changes: Sequence[str]
) -> dict[str, Any]:
    """Return what of `[ranker]` the target sets itself, by a variant or a change.

    Parameters
    ----------
    settings, variant, changes
        As `target_of`, which also says whether values are right.

    Raises
    ------
    ParameterError
        If there is no such variant, or a change is not KEY=VALUE.
    """
    own: dict[str, Any] = {}
    if variant is not None:
        own.update(_variant(settings, variant).ranker.model_dump(exclude_unset=True))
    for change in changes:
        key, equals, value = change.partition("=")
        if not equals:
            raise ParameterError(f"`--ranker` must be KEY=VALUE. Received: {change!r}.")
        own[key.strip()] = value.strip()
    return own


def _variant(settings: Sections, named: str) -> Variant:
    known = {
        f"{experiment.name}/{variant.name}": variant
        for experiment in settings.experiments
        for variant in experiment.variants
    }
    if named not in known:
        there = ", ".join(known) or "none"
        raise ParameterError(
            f"`--variant` must be EXPERIMENT/VARIANT of the settings ({there}). "
            f"Received: {named!r}."
        )
    return known[named]
