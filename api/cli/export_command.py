"""`segue export`: what the store holds, in the files that `segue import` reads."""

from __future__ import annotations

from pathlib import Path

import click

from api.cli.session import Session, with_existing_home
from api.cli.table_files import OutTable
from data.errors import DataError
from data.readers import write_embeddings, write_listens, write_tracks
from data.store import Store

_SPACE = click.option("--space", default=None, help="Embedding space; by default the one in use.")


@click.command(name="export")
@click.argument("what", type=click.Choice(["tracks", "listens", "embeddings"]))
@click.option(
    "--out",
    type=OutTable("table"),
    required=True,
    metavar="FILE",
    help="CSV, TSV, Parquet or JSON lines, by suffix.",
)
@_SPACE
@with_existing_home
def command(session: Session, what: str, out: Path, space: str | None) -> None:
    """Write tracks, listens or embeddings to a file."""
    with session.store() as store:
        if what == "tracks":
            write_tracks(out, store.export_tracks())
        elif what == "listens":
            write_listens(out, store.export_listens())
        else:
            _embeddings(session, store, out, space)
    click.echo(f"Wrote {out}.")


def _embeddings(session: Session, store: Store, out: Path, space: str | None) -> None:
    spaces = store.spaces()
    if space is None and session.registry.current_id() is not None:
        space = session.registry.open_current(verify=False).manifest.acoustic_space
    if space is None and len(spaces) == 1:
        space = next(iter(spaces))
    if space not in spaces:
        known = ", ".join(spaces) or "none"
        raise DataError(f"There is no embedding space {space!r}. Known: {known}.")
    catalog = store.load_catalog()
    vectors, known_rows = store.load_embeddings(space, catalog.tracks)
    ids = catalog.tracks.ids(known_rows.nonzero()[0])
    write_embeddings(out, [(ids, vectors[known_rows])])
