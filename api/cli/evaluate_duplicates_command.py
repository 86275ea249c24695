"""`segue evaluate duplicates`: measures how surely the same recording is found."""

from __future__ import annotations

import json
from pathlib import Path
from typing import cast

import click

from api.cli.embed_command import report_bad_file, workers_option
from api.cli.output import progress_bar, say
from api.cli.session import Session, with_session
from data.files import write_atomically
from engine.duplicates.evaluation import HALVES, Half, evaluate_duplicates
from engine.duplicates.report import render_duplicates
from engine.training.sound import audio_files


@click.command(name="duplicates")
@click.option(
    "--sample",
    type=click.IntRange(min=1),
    default=200,
    show_default=True,
    help="How many tracks to re-encode, cut and mix.",
)
@click.option(
    "--half",
    type=click.Choice(HALVES),
    default=None,
    show_default="all",
    help="Take them from one half of the tracks, halved by lot.",
)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@workers_option
@click.option(
    "--json",
    "json_file",
    type=click.Path(path_type=Path, allow_dash=True),
    metavar="FILE",
    help="Also write the report as JSON; - for standard output, and nothing else there.",
)
@with_session
def command(
    session: Session,
    *,
    sample: int,
    half: str | None,
    seed: int,
    workers: int,
    json_file: Path | None,
) -> None:
    """Re-encode, cut and mix tracks of the catalogue, and count how many are found again.

    Also counted: tracks mistaken for another. Nothing that is served changes.
    """
    with session.store() as store:
        files = audio_files(store.load_catalog())
    with progress_bar() as progress:
        report = evaluate_duplicates(
            files,
            session.settings.audio,
            sample=sample,
            half=cast(Half | None, half),
            seed=seed,
            workers=workers,
            progress=progress,
            on_bad_file=report_bad_file,
        )
    text = json.dumps(report.as_dict(), indent=2, ensure_ascii=False, allow_nan=False)
    if json_file is not None and str(json_file) == "-":
        click.echo(text)
        return
    if json_file is not None:
        write_atomically(json_file, (text + "\n").encode("utf-8"))
        say(f"Wrote {json_file}.")
    click.echo(render_duplicates(report))
