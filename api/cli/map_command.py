"""`segue map`: draws the catalogue as a map of sound."""

from __future__ import annotations

from pathlib import Path

import click
import numpy as np

from api.cli.session import Session, with_existing_home
from api.cli.values import seed_option
from data.errors import BundleError, ParameterError
from engine.maps import (
    COLOUR_BY,
    METHODS,
    SERVICE_PATH,
    check_out,
    elsewhere,
    own_files,
    project,
    write_map,
)
from engine.maps.sound import AudioUrl

_NAMES = {"pca": "PCA", "tsne": "t-SNE", "umap": "UMAP"}


@click.command(name="map")
@click.option("--method", type=click.Choice(METHODS), default="pca", show_default=True)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    required=True,
    metavar="FILE",
    help="FILE.html (interactive) or FILE.png.",
)
@click.option(
    "--colour-by",
    type=click.Choice(COLOUR_BY),
    default=None,
    show_default="genre if half of the tracks have one, else artist",
    help="A page can switch.",
)
@click.option(
    "--audio-url",
    default=None,
    metavar="URL",
    show_default="the tracks' own files, relative to the page",
    help="Where the page plays from: URL/{file}, or a URL with {file} or {track_id} in it.",
)
@click.option(
    "--service",
    default=None,
    metavar="URL",
    help="Address of a running service, for the page to play from.",
)
@seed_option()
@with_existing_home
def command(
    session: Session,
    *,
    method: str,
    out: Path,
    colour_by: str | None,
    audio_url: str | None,
    service: str | None,
    seed: int,
) -> None:
    """Draw the tracks of the current bundle so that what sounds alike lies together.

    A page is one file that needs no network: pan, zoom, hover, search, and click to play.
    """
    check_out(out)
    source = _source(out, audio_url, service)
    contents = session.registry.open_current().contents
    if contents.acoustic is None:
        raise BundleError(
            "The current bundle has no embeddings, so there is nothing to draw. Run `segue embed` "
            "or `segue import embeddings`, then `segue train`."
        )
    rows = np.flatnonzero(contents.acoustic.known)
    points = project(contents.acoustic.embeddings[rows], method=method, seed=seed)
    write_map(
        out,
        points,
        tracks=[contents.catalog.track(row) for row in rows.tolist()],
        colour_by=colour_by,
        audio_url=source,
        heading=f"{len(rows):,} tracks by sound, {_NAMES[method]}",
    )
    click.echo(f"Wrote a map of {len(rows):,} tracks to {out}.")


def _source(out: Path, audio_url: str | None, service: str | None) -> AudioUrl:
    if audio_url is not None and service is not None:
        raise ParameterError("`--audio-url` and `--service` say the same. Give one of them.")
    if service is not None:
        return elsewhere(service.rstrip("/") + SERVICE_PATH)
    return own_files(out) if audio_url is None else elsewhere(audio_url)
