"""`segue map`: draws the catalogue as a map of sound."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import click
import numpy as np

from api.cli.session import Session, with_session
from data.errors import BundleError
from engine.maps import COLOUR_BY, METHODS, project, write_map


@click.command(name="map")
@click.option("--method", type=click.Choice(METHODS), default="pca", show_default=True)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    required=True,
    metavar="FILE",
    help="FILE.html (interactive) or FILE.png.",
)
@click.option("--colour-by", type=click.Choice(COLOUR_BY), default="genre", show_default=True)
@click.option(
    "--service",
    default=None,
    metavar="URL",
    help="Address of a running service, so that a click on the page plays the track.",
)
@click.option("--seed", type=int, default=0, show_default=True)
@with_session
def command(
    session: Session, *, method: str, out: Path, colour_by: str, service: str | None, seed: int
) -> None:
    """Draw the tracks of the current bundle so that what sounds alike lies together."""
    contents = session.registry.open_current().contents
    if contents.acoustic is None:
        raise BundleError("The current bundle has no embeddings, so there is nothing to draw.")
    rows = np.flatnonzero(contents.acoustic.known)
    points = project(contents.acoustic.embeddings[rows], method=method, seed=seed)
    tracks = [contents.catalog.track(row) for row in rows.tolist()]

    def audio_url(track_id: str) -> str:
        return f"{str(service).rstrip('/')}/v1/tracks/{quote(track_id, safe='')}/audio"

    write_map(
        out,
        points,
        tracks=tracks,
        colour_by=colour_by,
        audio_url=audio_url if service else None,
    )
    click.echo(f"Wrote a map of {len(rows):,} tracks to {out}.")
