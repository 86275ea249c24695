"""`segue demo`: sample catalogue, training, service."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Unpack

import click

from api.cli.data_command import SampleOptions, sample_options
from api.cli.output import progress_bar, under
from api.cli.session import Session, with_session
from api.server import serve
from data.errors import SegueError
from data.readers import read_listens, read_tracks
from data.sample import Parameters, SampleFiles, generate_sample, other_options, sample_tracks

_NEXT = """
Segue serves the sample on http://{host}:{port} (Ctrl-C ends it).

  The page             http://{host}:{port}/
  A user's answer      curl 'http://{host}:{port}/v1/users/{user}/recommendations?n=5&explain=true'
  Similar tracks       curl 'http://{host}:{port}/v1/tracks/{track}/similar?n=5'
  A track nobody knows curl -F file=@{audio} http://{host}:{port}/v1/lookup
  A play               curl http://{host}:{port}/v1/events --json \\
                         '{{"events": [{{"user_id": "{user}", "track_id": "{track}"}}]}}'
  The command line     {segue} --home {home} recommend {user} --explain
                       {segue} --home {home} evaluate
                       {segue} --home {home} map --out map.html
  Fit it to this sound {segue} --home {home} train audio
"""


@click.command(name="demo")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True)
@click.option("--serve/--no-serve", "go_on", default=True, help="Whether to serve in the end.")
@sample_options
@with_session
def command(
    session: Session, *, host: str, port: int, go_on: bool, **sample: Unpack[SampleOptions]
) -> None:
    """Compose a sample catalogue with simulated listeners, train on it, and serve it.

    Everything is kept in the home, which must hold nothing else; a second run starts at once.
    """
    home = session.home.create()
    _check_home(session, home.root / "sample", sample)
    with progress_bar() as progress:
        files = generate_sample(
            home.root / "sample", **sample, progress=under("composing", progress)
        )
    with session.store() as store:
        store.put_tracks(read_tracks(files.tracks))
        added = store.put_listens(read_listens(files.listens))
    if added.new or session.registry.current_id() is None:
        # In a process of its own, so that TensorFlow does not stay in the server's memory.
        words = ["--home", str(home.root), "train", "--no-tune"]
        if session.config is not None:
            words = ["--config", str(session.config), *words]
        train = [sys.executable, "-P", "-m", "api", *words]
        if subprocess.run(train, check=False).returncode:
            raise SegueError("The training failed; see above.")
    if go_on:
        serve(
            home,
            session.settings,
            host=host,
            port=port,
            workers=session.settings.api.workers,
            ready=lambda bound: click.echo(_next_steps(home.root, files, host=host, port=bound)),
        )


def _check_home(session: Session, folder: Path, sample: SampleOptions) -> None:
    """Refuse a home of other data: the sample would be mixed with it, and replace its bundle.

    What was played since the sample was imported is at home there, whoever played it.
    """
    another = "Name another --home for the demo"
    others = other_options(folder, Parameters(**sample))
    if others:
        raise SegueError(
            f"The sample in {folder} was made with other options ({', '.join(others)}). {another}, "
            "or give these options again."
        )
    own = {
        track.track_id
        for track in sample_tracks(
            seed=sample["seed"],
            styles=sample["styles"],
            artists=sample["artists"],
            tracks=sample["tracks"],
        )
    }
    with session.store() as store:
        users = store.counts()["users"]
        held = {track for frame in store.export_tracks() for track in frame["track_id"]}
    begun = (folder / "sample.json").exists() and own <= held
    trained = session.registry.current_id() is not None
    if held - own or ((users or trained) and not begun):
        raise SegueError(
            f"The home {str(session.home.root)!r} holds other data than the sample: "
            f"{len(held - own):,} tracks, {users:,} users{', a bundle' if trained else ''}. "
            f"{another}."
        )


def _next_steps(home: Path, files: SampleFiles, *, host: str, port: int) -> str:
    track = next(read_tracks(files.tracks)).iloc[0]
    play = next(read_listens(files.listens)).iloc[0]
    return _NEXT.format(
        host=host,
        port=port,
        user=play["user_id"],
        track=track["track_id"],
        audio=track["audio_path"],
        home=home,
        segue=sys.argv[0],
    )
