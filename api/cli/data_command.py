"""`segue data`: sample and public data sets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypedDict, Unpack

import click
import numpy as np
import numpy.typing as npt
import pandas as pd

from api.cli.output import json_option, print_json, progress_bar, say, under
from api.cli.session import Session, with_session
from api.cli.table_files import OutTable, check_there
from api.cli.values import seed_option
from data.debian import PACKAGES_FILE, fetch_debian, read_packages
from data.errors import DataError
from data.fma import fetch_fma
from data.lastfm import fetch_lastfm
from data.readers import read_listens, read_tracks, write_listens
from data.sample import generate_sample, simulate_listens
from engine.spaces import embeddings_in_use


class SampleOptions(TypedDict):
    """The size of a sample."""

    seed: int
    styles: int
    artists: int
    tracks: int
    seconds: float
    users: int


def sample_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of `SampleOptions`."""
    for option in (
        click.option("--users", type=int, default=400, show_default=True, help="Listeners."),
        click.option("--seconds", type=float, default=15.0, show_default=True, help="A track."),
        click.option("--tracks", type=int, default=4, show_default=True, help="An artist."),
        click.option("--artists", type=int, default=5, show_default=True, help="A style."),
        click.option("--styles", type=int, default=8, show_default=True),
        seed_option(7),
    ):
        function = option(function)
    return function


@click.group(name="data")
def command() -> None:
    """Generate the sample, fetch public data sets, simulate listeners."""


@command.command()
@click.option("--out", type=click.Path(path_type=Path), required=True, metavar="DIR")
@sample_options
@json_option
def sample(*, out: Path, as_json: bool, **options: Unpack[SampleOptions]) -> None:
    """Compose a catalogue of MP3s and simulate its listeners; nothing is imported."""
    with progress_bar() as progress:
        files = generate_sample(out, **options, progress=under("composing", progress))
    if as_json:
        print_json({"tracks": str(files.tracks), "listens": str(files.listens)})
    else:
        click.echo(f"Wrote {files.tracks} and {files.listens}.")


def _fetch_options(folder: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a command that fetches a data set `--dir` and `--no-import`."""
    directory = click.option(
        "--dir",
        "directory",
        type=click.Path(path_type=Path),
        default=None,
        show_default=f"{folder} in the home",
        help="Where what is downloaded is kept and unpacked.",
    )
    no_import = click.option("--no-import", is_flag=True, help="Only download and unpack.")
    return lambda function: directory(no_import(function))


@command.command()
@click.option(
    "--size",
    type=click.Choice(["small", "medium", "large", "full"]),
    default="small",
    show_default=True,
    help="small: 8,000 clips, 7.2 GiB.",
)
@_fetch_options("fma")
@with_session
def fma(session: Session, size: str, directory: Path | None, no_import: bool) -> None:
    """Fetch the Free Music Archive data set (FMA) and import its tracks.

    A broken download goes on where it was, and every archive's checksum is compared.
    """
    target = directory or session.home.create().root / "fma"
    with progress_bar() as progress:
        tracks = fetch_fma(target, size=size, progress=progress)
    click.echo(f"Wrote {tracks}.")
    if not no_import:
        with session.store() as store:
            counts = store.put_tracks(read_tracks(tracks))
        click.echo(f"Imported {counts.new:,} new tracks, {counts.changed:,} changed.")


@command.command()
@_fetch_options("lastfm")
@with_session
def lastfm(session: Session, directory: Path | None, no_import: bool) -> None:
    """Fetch the Last.fm data set of HetRec 2011 and import its plays (non-commercial use only).

    1,892 users and how often they played 17,632 artists, who stand for tracks here.
    """
    target = directory or session.home.create().root / "lastfm"
    with progress_bar() as progress:
        files = fetch_lastfm(target, progress=progress)
    click.echo(f"Wrote {files.tracks} and {files.listens}.")
    if not no_import:
        with session.store() as store:
            tracks = store.put_tracks(read_tracks(files.tracks))
            listens = store.put_listens(read_listens(files.listens))
        click.echo(f"Imported {tracks.new:,} new tracks and {listens.new:,} new listens.")


@command.command()
@click.option("--out", type=click.Path(path_type=Path), required=True, metavar="DIR")
@click.option(
    "--packages",
    type=click.Path(dir_okay=False, path_type=Path),
    default=PACKAGES_FILE,
    show_default="those of the pretrained encoder",
    metavar="FILE",
    help="Names of packages, one a line.",
)
@json_option
def debian(out: Path, *, packages: Path, as_json: bool) -> None:
    """Fetch free music out of Debian's packages, and write it as a tracks file.

    Needs `apt-get` and `dpkg-deb`, and nothing is installed or imported. What is there already is
    not fetched again.
    """
    check_there("--packages", packages)
    wanted = read_packages(packages)
    with progress_bar() as progress:
        music = fetch_debian(out, wanted, progress=under("fetching", progress))
    for package, reason in music.missing.items():
        say(f"Left out {package}: {reason}.")
    if music.missing:
        say("Run `apt-get update`, look whether apt's sources hold them, and run this again.")
    for package, version in music.other_versions.items():
        say(f"{package} is {version} here; the list names {wanted[package]}.")
    if as_json:
        print_json({**asdict(music), "tracks": str(music.tracks)})
    else:
        click.echo(f"Wrote {music.tracks}: {music.count:,} tracks.")


@command.command()
@click.option("--out", type=OutTable("listens"), required=True, metavar="FILE")
@click.option("--users", type=int, default=1_000, show_default=True)
@seed_option(7)
@with_session
def listeners(session: Session, out: Path, users: int, seed: int) -> None:
    """Simulate listeners of the imported tracks, for trying things out; nothing is imported.

    Their tastes follow genres and artists, and the sound of tracks where they are embedded. No
    claim of quality may rest on them.
    """
    with session.store() as store:
        tracks = pd.concat([*store.export_tracks(), pd.DataFrame(columns=["track_id"])])
        if tracks.empty:
            raise DataError("There are no tracks. Import some: `segue import tracks FILE`.")
        timbre = _timbre(session, tracks["track_id"].tolist())
    rng = np.random.default_rng(seed)
    frame = simulate_listens(tracks, users=users, timbre=timbre, rng=rng)
    write_listens(out, iter([frame]))
    say("These listeners are simulated.")
    click.echo(f"Wrote {len(frame):,} listens of {users:,} simulated users to {out}.")


def _timbre(session: Session, ids: list[str]) -> npt.NDArray[np.float32] | None:
    with session.store() as store:
        catalog = store.load_catalog()
        found = embeddings_in_use(
            store, session.home, session.settings.engine, tracks=catalog.tracks
        )
    return None if found is None else found[0][catalog.tracks.indices(ids)]
