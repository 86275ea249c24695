"""`segue evaluate duplicates`: measures how surely the same recording is found."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import click

from api.cli.embed_command import report_bad_file, workers_option
from api.cli.output import give_report, json_file_option, progress_bar
from api.cli.session import Session, with_existing_home
from api.cli.values import seed_option
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
@seed_option()
@workers_option
@json_file_option
@with_existing_home
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
    give_report(report.as_dict(), render_duplicates(report), json_file)
