"""`segue embed`: embeds the tracks that have audio, with the current encoder."""

from __future__ import annotations

import os
from pathlib import Path

import click

from api.cli.output import json_option, print_json, progress_bar, say
from api.cli.session import Session, with_session
from audio_model.cache import MelCache
from audio_model.keras_encoder import KerasEncoder
from data.errors import DataError
from engine.encoders import current_encoder
from engine.training.encoder import fitting_encoder, use_pretrained, why_to_train
from engine.training.sound import audio_files, embed_catalog

workers_option = click.option(
    "--workers",
    type=click.IntRange(min=1),
    default=os.cpu_count() or 1,
    show_default="one a core",
    help="Processes that decode sound files.",
)


def report_bad_file(track_id: str, path: Path, why: str) -> None:
    """Say on standard error which file was skipped, and why."""
    say(f"skipped {track_id} ({path.name}): {why}")


@click.command(name="embed")
@workers_option
@click.option(
    "--pretrained",
    is_flag=True,
    help="Hear with the encoder that Segue ships from now on, instead of one trained in this home.",
)
@json_option
@with_session
def command(session: Session, workers: int, pretrained: bool, as_json: bool) -> None:
    """Embed every track that has audio and is new or changed.

    The home's own encoder hears, if one was trained, else the pretrained one. Can be killed at any
    time: the next run goes on where it was. Bad files are reported and skipped. The vectors are
    used from the next `segue train` on; without a bundle, `segue similar` uses them at once.
    """
    with session.store() as store, progress_bar() as progress:
        files = audio_files(store.load_catalog())
        if not files and current_encoder(session.home) is None:
            raise DataError(
                "There is nothing to embed: no track has an `audio_path`. "
                "Import tracks with `segue import tracks FILE`."
            )
        encoder = _encoder(session, pretrained=pretrained)
        report = embed_catalog(
            files,
            encoder,
            store,
            cache=MelCache(session.home.mel_cache, encoder.config),
            workers=workers,
            progress=progress,
            on_bad_file=report_bad_file,
        )
    if as_json:
        bad = [{"track_id": t, "path": str(p), "reason": w} for t, p, w in report.bad]
        print_json({"embedded": report.embedded, "reused": report.reused, "bad": bad})
    else:
        done = f"Embedded {report.embedded:,} files; {report.reused:,} were done before"
        click.echo(f"{done}; {len(report.bad):,} could not be used.")


def _encoder(session: Session, *, pretrained: bool) -> KerasEncoder:
    home, config = session.home, session.settings.audio
    found = use_pretrained(home, config) if pretrained else fitting_encoder(home, config, say=say)
    if found is None:
        raise DataError(
            f"There is no encoder yet. {why_to_train(config)} Train one with `segue train audio`."
        )
    return found
