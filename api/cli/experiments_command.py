"""`segue experiments`: what users listen to more."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import pandas as pd

from api.cli.output import (
    days_option,
    give_report,
    json_file_option,
    json_option,
    print_json,
    print_table,
    window_option,
)
from api.cli.session import Session, with_existing_home
from api.cli.values import WHOLE_DAYS, seed_option
from engine.experiments import Experiment
from engine.experiments.reading import Reading, report_of
from engine.experiments.words import render
from engine.impressions.writer import DAY_S


@click.group(name="experiments")
def command() -> None:
    """Compare variants of the blend by what users listen to."""


@command.command(name="list")
@json_option
@with_existing_home
def list_(session: Session, as_json: bool) -> None:
    """List the variants of all experiments, of the settings and of the log."""
    with session.store() as store:
        counts = store.impression_counts()
    rows = _known(session) + _logged_only(session, counts)
    for row in rows:
        of = counts["experiment"].eq(row["experiment"])
        apart = row["kind"] != "interleave" and row["variant"] is not None
        own = of & (counts["variant"].eq(row["variant"]) if apart else counts["variant"].isna())
        row["answers"] = int(counts.loc[own, "impressions"].sum())
        row["users"] = int(counts.loc[own, "users"].sum())
        row["last"] = _day(counts.loc[own, "last_at"])
    if as_json:
        print_json({"items": rows})
        return
    columns = ["experiment", "kind", "variant", "weight", "answers", "users", "last"]
    print_table(columns, [[row[c] for c in columns] for row in rows])


@command.command()
@click.argument("name", metavar="NAME")
@window_option
@days_option
@seed_option()
@json_file_option
@with_existing_home
def report(
    session: Session,
    *,
    name: str,
    window: float,
    days: float | None,
    seed: int,
    json_file: Path | None,
) -> None:
    """Report listens per impression of each variant, with 95% intervals.

    An impression is one track in one answer; a listen or like of the same user and track within
    the window counts for the last impression before it. Events need times.

    Where the experiment changed its kind, the answers of the other one are left out.
    """
    since = None if days is None else int(time.time() - days * DAY_S)
    known = next((e for e in session.settings.experiments if e.name == name), None)
    reading = Reading(window_hours=window, since=since, seed=seed)
    with session.store() as store:
        found = report_of(store, name, experiment=known, reading=reading)
    document = {**found.as_dict(), "window_hours": window}
    give_report(document, render(found, window_hours=window), json_file)


@command.command()
@click.option("--days", type=WHOLE_DAYS, help="By default `impressions.keep_days`.")
@with_existing_home
def prune(session: Session, days: int | None) -> None:
    """Delete impressions that are older than so many days; a running service does it, too."""
    keep = session.settings.impressions.keep_days if days is None else days
    with session.store() as store:
        deleted = store.prune_impressions(int(time.time()) - keep * DAY_S)
    click.echo(f"Deleted {deleted:,} impressions older than {keep} days.")


def _known(session: Session) -> list[dict[str, Any]]:
    return [
        _row(experiment, variant.name, variant.weight)
        for experiment in session.settings.experiments
        for variant in experiment.variants
    ]


def _row(experiment: Experiment, variant: str, weight: float) -> dict[str, Any]:
    split = experiment.kind == "split"
    return {
        "experiment": experiment.name,
        "kind": experiment.kind,
        "variant": variant,
        "weight": weight if split else None,
    }


def _logged_only(session: Session, counts: pd.DataFrame) -> list[dict[str, Any]]:
    """Return a row for each variant that was shown and is not in the settings any more."""
    known = {
        # Two that are interleaved are nobody's variant in the log.
        (row["experiment"], None if row["kind"] == "interleave" else row["variant"])
        for row in _known(session)
    }
    rows = []
    for experiment, variant in zip(counts["experiment"], counts["variant"], strict=True):
        if experiment is not None and (experiment, variant) not in known:
            row = {"experiment": experiment, "kind": "ended", "variant": variant, "weight": None}
            rows.append(row)
    return rows


def _day(times: pd.Series) -> str | None:
    if times.empty:
        return None
    return datetime.fromtimestamp(int(times.max()), UTC).date().isoformat()
