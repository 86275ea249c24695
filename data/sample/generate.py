"""The sample: a small catalogue of real MP3 files, and listeners with known tastes.

::

    directory/
    ├── sample.json     parameters, and whether all is there; written first and last
    ├── audio/*.mp3
    ├── tracks.csv
    └── listens.csv
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path

import pandas as pd

from data.checks import check_positive
from data.errors import DataError, SegueError
from data.files import atomic_path
from data.sample.artists import sample_timbre, stream
from data.sample.catalogue import sample_tracks, tracks_frame
from data.sample.listeners import simulate_listens
from data.sample.mp3 import TrackJob, make_track
from data.sample.state import Parameters, SampleFiles, mark, prepare

Progress = Callable[[int, int, str], None]


def generate_sample(
    directory: Path,
    *,
    seed: int = 7,
    styles: int = 8,
    artists: int = 5,
    tracks: int = 4,
    seconds: float = 15.0,
    users: int = 400,
    workers: int = 2,
    progress: Progress | None = None,
) -> SampleFiles:
    """Make a sample in a directory, or complete it, or find it complete.

    The same parameters make the same files, whatever the number of workers. A sample of other
    parameters in the directory is replaced.

    Parameters
    ----------
    directory : Path
        Made if missing.
    seed : int
        Zero or above; another seed is another catalogue.
    styles, artists, tracks : int
        Styles (at most 12), artists of a style and tracks of an artist (at most 99 each).
    seconds : float
        Length of a track, 1 to 600.
    users : int
        How many listeners.
    workers : int
        Processes, which start anew and import the caller's main module: a script calls this
        under `if __name__ == "__main__":`. With 1, everything is done in this process.
    progress : callable, optional
        Called with tracks done, tracks in all, and the title last done.

    Returns
    -------
    SampleFiles

    Raises
    ------
    ParameterError
        If a parameter is out of range.
    DataError
        If the directory holds a `tracks.csv` that is not a sample's, or cannot be written to.
    SegueError
        If a worker process dies.
    """
    check_positive("workers", workers, integer=True)
    parameters = Parameters(seed, styles, artists, tracks, float(seconds), users)
    directory = Path(directory)
    files = SampleFiles(directory / "tracks.csv", directory / "listens.csv")
    rows = sample_tracks(seed=seed, styles=styles, artists=artists, tracks=tracks)
    with _writable(directory):
        if prepare(directory, parameters, audio=[row.audio_path for row in rows]):
            return files
    jobs = [TrackJob(row, seed, parameters.seconds, directory / row.audio_path) for row in rows]
    _make(jobs, workers, progress)
    with _writable(directory):
        frame = tracks_frame(rows)
        _write_csv(frame, files.tracks)
        _write_csv(_listens(frame, parameters), files.listens)
        mark(directory, parameters, complete=True)
    return files


@contextmanager
def _writable(directory: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise DataError(f"The sample cannot be written to {directory}: {reason}.") from error


def _listens(frame: pd.DataFrame, parameters: Parameters) -> pd.DataFrame:
    timbre = sample_timbre(
        seed=parameters.seed,
        styles=parameters.styles,
        artists=parameters.artists,
        tracks=parameters.tracks,
    )
    return simulate_listens(
        frame,
        users=parameters.users,
        timbre=timbre,
        rng=stream(parameters.seed, "listens"),
        duration_ms=round(parameters.seconds * 1000),
    )


def _make(jobs: list[TrackJob], workers: int, progress: Progress | None) -> None:
    missing = [job for job in jobs if not job.path.exists()]
    done = len(jobs) - len(missing)
    for title in _finished(missing, workers):
        done += 1
        if progress is not None:
            progress(done, len(jobs), title)


def _finished(jobs: list[TrackJob], workers: int) -> Iterator[str]:
    if min(workers, len(jobs)) <= 1:
        for job in jobs:
            with _writable(job.path.parent):
                make_track(job)
            yield job.track.title
        return
    # Spawned, not forked: a lock that another thread of the caller holds would stay held for ever.
    context = get_context("spawn")
    with ProcessPoolExecutor(min(workers, len(jobs)), mp_context=context) as pool:
        titles = {pool.submit(make_track, job): job.track.title for job in jobs}
        try:
            for future in as_completed(titles):
                with _writable(jobs[0].path.parent):
                    future.result()
                yield titles[future]
        except BrokenProcessPool as error:
            raise SegueError(
                "A process of the sample generator died; run it again: finished tracks are kept."
            ) from error
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _write_csv(frame: pd.DataFrame, path: Path) -> None:
    with atomic_path(path) as temporary:
        frame.to_csv(temporary, index=False, lineterminator="\n")
