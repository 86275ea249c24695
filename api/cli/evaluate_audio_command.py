"""`segue evaluate audio`: measures the encoder on artists that its training never heard."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from api.cli.embed_command import report_bad_file, workers_option
from api.cli.output import give_report, json_file_option, progress_bar, say
from api.cli.session import Session, with_existing_home
from api.cli.values import FiniteRange, seed_option
from audio_model.recipes import RECIPES
from data.errors import ParameterError
from engine.hearing import render_hearing
from engine.hearing.lineup import SYSTEMS, HearingSettings
from engine.hearing.run import evaluate_audio
from engine.hearing.trained import TUNED
from engine.training.kin import listened_together
from engine.training.sound import audio_files


@click.command(name="audio")
@click.option(
    "--system",
    "systems",
    type=click.Choice(SYSTEMS),
    multiple=True,
    show_default="all",
    help="What to compare with mfcc; may be repeated.",
)
@click.option(
    "--encoder",
    "encoders",
    type=click.Path(path_type=Path),
    metavar="DIR",
    multiple=True,
    help="A trained encoder to compare too, as in encoders/ of a home; may be repeated.",
)
@click.option(
    "--train",
    type=click.Choice([TUNED, *RECIPES]),
    multiple=True,
    help="What to train on other artists and compare too: the pretrained encoder from its weights "
    "(tuned), or a recipe from scratch; may be repeated.",
)
@click.option(
    "--from",
    "start",
    type=click.Path(path_type=Path),
    metavar="DIR",
    show_default="the pretrained one",
    help="With --train tuned: the encoder that it starts from.",
)
@click.option(
    "--folds",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="With --train: train so many times, so that each artist is asked about once; 1 holds "
    "out --test-fraction of them.",
)
@click.option(
    "--test-fraction",
    type=FiniteRange(0, 1, min_open=True, max_open=True),
    default=0.4,
    show_default=True,
    help="With --train in one fold: share of the artists that are asked about.",
)
@click.option(
    "--max-seconds",
    type=FiniteRange(min=0, min_open=True),
    default=None,
    show_default="audio.max_seconds of the settings",
    help="Time box of each training.",
)
@click.option(
    "--changed",
    type=click.IntRange(min=0),
    default=60,
    show_default=True,
    help="Tracks that are re-encoded, cut and so on to measure robustness; 0 for none.",
)
@seed_option()
@workers_option
@json_file_option
@with_existing_home
def command(
    session: Session,
    *,
    start: Path | None,
    max_seconds: float | None,
    workers: int,
    json_file: Path | None,
    **settings: Any,
) -> None:
    """Compare encoders with MFCCs at finding the same artist, of artists that they never heard.

    Nothing is trained unless --train says so: then an encoder is trained on some of the artists
    and asked about the others. Can be killed at any time: the same command goes on where it was.
    Nothing that is served changes.
    """
    if start is not None and TUNED not in settings["train"]:
        raise ParameterError("`--from` is where `--train tuned` starts from: say that too.")
    audio = session.settings.audio
    if max_seconds is not None:
        audio = audio.model_copy(update={"max_seconds": max_seconds})
    with session.store() as store:
        catalog = store.load_catalog()
        together = listened_together(store, catalog, audio, say=say) if settings["train"] else None
    with session.home.lock("evaluate audio"), progress_bar() as progress:
        report = evaluate_audio(
            audio_files(catalog),
            catalog,
            audio,
            cache=session.home.mel_cache,
            work=session.home.work / "evaluate-audio",
            settings=HearingSettings(**settings, start=start, together=together),
            workers=workers,
            progress=progress,
            on_bad_file=report_bad_file,
        )
    give_report(report.as_dict(), render_hearing(report), json_file)
