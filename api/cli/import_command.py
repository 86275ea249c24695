"""`segue import`: tracks, listens and embeddings of a team's own."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
import numpy as np

from api.cli.out_files import OutFile
from api.cli.output import json_option, print_json, say
from api.cli.session import Session, with_session
from data.errors import DataError, RowError
from data.readers import RejectSink, read_embeddings, read_listens, read_tracks
from data.readers.formats import JSON_LINES
from engine.spaces import IMPORTED

_FILE = click.argument("file", type=click.Path(path_type=Path))
_SKIP = click.option(
    "--skip-bad-rows",
    type=OutFile(suffixes=("", ".csv", *JSON_LINES)),
    metavar="FILE",
    help="Go on at bad rows and write them to FILE: CSV, or JSON lines by its suffix. Without it, "
    "one bad row stops the import and nothing is imported.",
)


@click.group(name="import")
def command() -> None:
    """Read tracks, listens or embeddings (CSV, TSV, Parquet, JSON lines)."""


@contextlib.contextmanager
def _rejects(path: Path | None) -> Iterator[RejectSink | None]:
    if path is None:
        try:
            yield None
        except RowError as error:
            remedy = "or leave out bad rows with --skip-bad-rows FILE."
            raise DataError(f"{str(error).rstrip('.')}, {remedy}") from None
        return
    with RejectSink(path) as sink:
        yield sink


def _report(counts: dict[str, Any], sink: RejectSink | None, as_json: bool) -> None:
    if sink is not None:
        counts["rejected"] = sink.count
    if as_json:
        print_json(counts)
    else:
        words = ", ".join(f"{v:,} {k.replace('_', ' ')}" for k, v in counts.items())
        click.echo(f"Imported: {words}.")
    if sink is not None and sink.count:
        rows = "1 bad row is" if sink.count == 1 else f"{sink.count:,} bad rows are"
        say(f"{rows} in {sink.path}.")


@command.command()
@_FILE
@_SKIP
@json_option
@with_session
def tracks(session: Session, file: Path, skip_bad_rows: Path | None, as_json: bool) -> None:
    """Read a file of tracks; known ones are updated."""
    with _rejects(skip_bad_rows) as sink, session.store() as store:
        counts = asdict(store.put_tracks(read_tracks(file, rejects=sink)))
    del counts["new_tracks"]  # all of them are tracks
    _report(counts, sink, as_json)


@command.command()
@_FILE
@_SKIP
@click.option(
    "--unknown-tracks",
    type=click.Choice(["add", "reject"]),
    default="add",
    show_default=True,
    help="Whether tracks that are not in the catalogue are added by their id, or are an error.",
)
@json_option
@with_session
def listens(
    session: Session, file: Path, skip_bad_rows: Path | None, unknown_tracks: str, as_json: bool
) -> None:
    """Read a file of listens.

    Rows with `listened_at` are events, and importing them again changes nothing. Rows without are
    totals of a user and a track: equal pairs in a file add up, and a later import replaces them.
    """
    with _rejects(skip_bad_rows) as sink, session.store() as store:
        counts = store.put_listens(
            read_listens(file, rejects=sink), add_unknown_tracks=unknown_tracks == "add"
        )
    _report(asdict(counts), sink, as_json)


@command.command()
@_FILE
@_SKIP
@click.option("--replace", is_flag=True, help="Forget all embeddings that were imported before.")
@json_option
@with_session
def embeddings(
    session: Session, file: Path, skip_bad_rows: Path | None, replace: bool, as_json: bool
) -> None:
    """Read embeddings of tracks (Parquet or JSON lines: `track_id`, `embedding`).

    Those of known tracks are replaced. All embeddings in use have one width.
    """
    with _rejects(skip_bad_rows) as sink, session.store() as store:
        blocks = list(read_embeddings(file, rejects=sink))
        ids = [track_id for block, _ in blocks for track_id in block]
        if not ids:
            raise DataError(f"{file} holds no embedding that can be used; nothing was changed.")
        vectors = np.concatenate([block for _, block in blocks])
        store.put_embeddings(IMPORTED, ids, vectors, add_unknown_tracks=True, replace=replace)
    _report({"embeddings": len(ids)}, sink, as_json)
