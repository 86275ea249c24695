"""The files of a training set: which can be used, and how long they are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from audio_model.cache import MelCache, fingerprint
from audio_model.pool import read_in_workers
from data.errors import AudioError

Progress = Callable[[int, int, str], None]
"""Told (done, total, what)."""


@dataclass(frozen=True)
class Clip:
    """A usable file: where it is, its key in the cache, and its length in frames."""

    path: Path
    key: str
    n_frames: int


def read_clips(
    paths: Sequence[Path],
    cache: MelCache,
    *,
    workers: int = 1,
    progress: Progress | None = None,
    on_bad_file: Callable[[Path, str], None] | None = None,
) -> list[Clip]:
    """Make sure that the spectrogram of each file is in the cache.

    Parameters
    ----------
    paths : sequence of Path
        Sound files; a file named twice counts once.
    cache : MelCache
        Filled by worker processes; files that it holds already are not decoded.
    workers : int
        Processes that decode.
    progress : callable, optional
        Told (done, total, what).
    on_bad_file : callable, optional
        Told (path, one-line reason) of each file that cannot be used.

    Returns
    -------
    list of Clip
        The usable files, in the order given.
    """
    paths = list(dict.fromkeys(paths))
    found = {index: _held(cache, path) for index, path in enumerate(paths)}
    missing = [index for index, clip in found.items() if clip is None]
    done = len(paths) - len(missing)
    read = partial(_read, cache)
    outcomes = read_in_workers(read, [paths[i] for i in missing], workers=workers)
    with closing(outcomes):
        for outcome in outcomes:
            index = missing[outcome.index]
            found[index] = outcome.value
            if outcome.error is not None and on_bad_file is not None:
                on_bad_file(paths[index], outcome.error)
            done += 1
            if progress is not None:
                progress(done, len(paths), "reading sound")
    return [clip for _, clip in sorted(found.items()) if clip is not None]


def _read(cache: MelCache, path: Path) -> Clip:
    """Compute and keep the spectrogram of a file."""
    n_frames = cache.mel(path).shape[1]
    return Clip(path, fingerprint(path, cache.config), n_frames)


def _held(cache: MelCache, path: Path) -> Clip | None:
    try:
        key = fingerprint(path, cache.config)
    except AudioError:
        return None  # the worker says what is wrong with it
    mel = cache.load(key)
    return None if mel is None else Clip(path, key, mel.shape[1])
