"""`segue duplicates`: lists the tracks that are the same recording."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import click

from api.cli.out_files import OutFile
from api.cli.output import json_option, print_json, print_table
from api.cli.session import Session, with_existing_home
from data.errors import BundleError
from data.files import write_atomically
from engine.bundle import BundleContents

_COLUMNS = ["group", "track_id", "title", "artist", "album", "representative"]


@click.command(name="duplicates")
@click.option(
    "--out",
    type=OutFile(suffixes=("", ".csv")),
    metavar="FILE",
    help="Write the list to FILE.csv instead.",
)
@json_option
@with_existing_home
def command(session: Session, out: Path | None, as_json: bool) -> None:
    """List the groups of tracks that are the same recording in the current bundle.

    A group is excluded as a whole from answers that exclude one of its tracks, and has at most one
    track in any answer.
    """
    bundle = session.registry.open_current()
    rows = _rows(bundle.contents)
    if out is not None:
        write_atomically(out, _csv(rows))
    if as_json:
        print_json({"bundle": bundle.id, "items": _grouped(rows)})
    elif out is None:
        print_table(_COLUMNS, [list(row.values()) for row in rows])
    else:
        click.echo(f"Wrote {len(rows):,} tracks to {out}.")


def _rows(contents: BundleContents) -> list[dict[str, Any]]:
    if contents.duplicates is None:
        raise BundleError(
            "The current bundle has no prints of recordings. Tracks with audio, embedded by an "
            "encoder and not imported, get them at the next `segue train`."
        )
    rows = []
    for number, tracks in enumerate(contents.duplicates.groups(), start=1):
        for position, index in enumerate(tracks):
            track = contents.catalog.track(index)
            names = (track.track_id, track.title, track.artist, track.album)
            values = (number, *names, position == 0)
            rows.append(dict(zip(_COLUMNS, values, strict=True)))
    return rows


def _grouped(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    groups: dict[int, list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault(row["group"], []).append(row)
    keys = ("track_id", "title", "artist", "album")
    return [
        {"tracks": [{key: row[key] for key in keys} for row in group]} for group in groups.values()
    ]


def _csv(rows: list[dict[str, Any]]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(_COLUMNS)
    writer.writerows([int(v) if isinstance(v, bool) else v for v in row.values()] for row in rows)
    return text.getvalue().encode("utf-8")
