"""What commands print: tables for people, one JSON document for programs, progress for both."""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from rich import progress as bars
from rich.console import Console
from rich.table import Table

from api.cli.out_files import OutFile
from api.cli.values import DAYS, HOURS
from data.files import write_atomically

PLAIN_EVERY = 5.0  # seconds between two lines of progress where there is no terminal

Progress = Callable[[int, int, str], None]
"""Told how much is done, out of how much, of what."""

json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON document and nothing else."
)


json_file_option = click.option(
    "--json",
    "json_file",
    type=OutFile(allow_dash=True),
    metavar="FILE",
    help="Also write the report as JSON; - for standard output, and nothing else there.",
)


window_option = click.option(
    "--window",
    type=HOURS,
    default=24.0,
    show_default=True,
    metavar="HOURS",
    help="How long after an impression a listen counts for it.",
)

days_option = click.option("--days", type=DAYS, help="Only impressions of so many days.")


class _Lines(logging.Handler):
    """Says what the rooms log, in one line each."""

    def emit(self, record: logging.LogRecord) -> None:
        say(f"segue: {record.getMessage()}")


@contextmanager
def logged_lines() -> Iterator[None]:
    """Print what Segue's own loggers report, from INFO on, on standard error."""
    logger = logging.getLogger("segue")
    level, handler = logger.level, _Lines()
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)


def print_json(document: Any) -> None:
    """Print one JSON document on standard output; ValueError if it holds NaN or infinity."""
    click.echo(json.dumps(document, ensure_ascii=False, indent=2, allow_nan=False))


def give_report(document: Any, text: str, json_file: Path | None) -> None:
    """Print a report as text, and then write its JSON where `json_file_option` says."""
    as_json = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)
    if json_file is not None and str(json_file) == "-":
        click.echo(as_json)
        return
    click.echo(text)
    if json_file is not None:
        write_atomically(json_file, (as_json + "\n").encode("utf-8"))
        say(f"Wrote {json_file}.")


def say(text: str) -> None:
    """Print a line for a person on standard error, so that standard output is the result alone."""
    click.echo(text, err=True)


def print_table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Print a table on standard output; tab-separated where that is not a terminal."""
    cells = [
        ["" if v is None else f"{v:.4f}" if isinstance(v, float) else str(v) for v in row]
        for row in rows
    ]
    if not sys.stdout.isatty():
        for line in [list(columns), *cells]:
            click.echo("\t".join(c.replace("\t", " ").replace("\n", " ") for c in line))
        return
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in columns:
        table.add_column(name, justify="right" if name in {"rank", "score"} else "left")
    for line in cells:
        table.add_row(*line)
    Console(markup=False, highlight=False).print(table)


@contextmanager
def progress_bar() -> Iterator[Progress]:
    """Show the progress of long work: a bar on a terminal, plain lines elsewhere.

    Yields
    ------
    callable
        To be told how much is done, out of how much, of what.
    """
    if not sys.stderr.isatty():
        yield _plain_lines()
        return
    columns = (bars.TextColumn("{task.description}"), bars.BarColumn(), bars.MofNCompleteColumn())
    with bars.Progress(*columns, bars.TimeRemainingColumn(), console=Console(stderr=True)) as bar:
        tasks: dict[str, Any] = {}

        def update(done: int, total: int, what: str) -> None:
            stage = _stage(what)
            if stage not in tasks:
                tasks[stage] = bar.add_task(what, total=total)
            bar.update(tasks[stage], completed=done, total=total, description=what)

        yield update


def _plain_lines() -> Progress:
    last: dict[str, float] = {}

    def update(done: int, total: int, what: str) -> None:
        now, stage = time.monotonic(), _stage(what)
        if stage not in last or now - last[stage] >= PLAIN_EVERY or done == total:
            last[stage] = now
            say(f"{what}: {done:,} of {total:,}")

    return update


def under(stage: str, progress: Progress) -> Progress:
    """Make what is told of many things the progress of one stage."""
    return lambda done, total, what: progress(done, total, f"{stage}, {what}")


def _stage(what: str) -> str:
    """Return what is being done, without the figure that may stand behind a comma."""
    return what.partition(",")[0]
