"""What a directory holds of a sample, and what of it can be kept."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from data.checks import check_positive
from data.errors import DataError, ParameterError
from data.files import atomic_path
from data.sample.names import MOST
from data.sample.styles import first_styles

VERSION = 1
"""Raised whenever the same parameters make another sample."""

MAX_SECONDS = 600.0


@dataclass(frozen=True)
class SampleFiles:
    """Where a sample lies.

    Attributes
    ----------
    tracks, listens : Path
        The tracks file and the listens file, for `segue import`.
    """

    tracks: Path
    listens: Path


@dataclass(frozen=True)
class Parameters:
    """What decides all bytes of a sample; see `generate_sample`.

    Raises
    ------
    ParameterError
        If one is out of range.
    """

    seed: int
    styles: int
    artists: int
    tracks: int
    seconds: float
    users: int
    version: int = VERSION

    def __post_init__(self) -> None:
        for name in ("styles", "artists", "tracks", "users"):
            check_positive(name, getattr(self, name), integer=True)
        first_styles(self.styles)
        for name in ("artists", "tracks"):
            if getattr(self, name) > MOST:
                raise ParameterError(
                    f"`{name}` must be at most {MOST}. Received: {getattr(self, name)}."
                )
        if isinstance(self.seed, bool) or not isinstance(self.seed, int) or self.seed < 0:
            raise ParameterError(f"`seed` must be an integer from 0 on. Received: {self.seed!r}.")
        if not 1.0 <= self.seconds <= MAX_SECONDS:
            raise ParameterError(
                f"`seconds` must be from 1 to {MAX_SECONDS:g}. Received: {self.seconds!r}."
            )

    @property
    def sound(self) -> dict[str, Any]:
        """Those that decide what a track of a given id sounds like."""
        return {"version": self.version, "seed": self.seed, "seconds": self.seconds}


def other_options(directory: Path, parameters: Parameters) -> list[str]:
    """Return what a directory's sample was made with instead: ["styles 8", "users 400"].

    Parameters
    ----------
    directory : Path
        May be missing, or hold no sample: then nothing differs.
    parameters : Parameters

    Raises
    ------
    DataError
        If the directory holds a `tracks.csv` but no sample.
    """
    held = _read(directory).get("parameters") or {}
    if not held:
        return []
    wanted = asdict(parameters)
    return [f"{name} {held.get(name)}" for name in wanted if held.get(name) != wanted[name]]


def prepare(directory: Path, parameters: Parameters, *, audio: Collection[str]) -> bool:
    """Make a directory ready for a sample.

    Parameters
    ----------
    directory : Path
        Made if missing. MP3 files in it of another sample are deleted, those of this one kept.
    parameters : Parameters
    audio : collection of str
        All files that the sample needs, relative to the directory.

    Returns
    -------
    bool
        Whether the whole sample is there already.

    Raises
    ------
    DataError
        If the directory holds a `tracks.csv` but no sample.
    """
    state = _read(directory)
    held = state.get("parameters") or {}
    there = {f"audio/{path.name}" for path in (directory / "audio").glob("sample-*.mp3")}
    tables = all((directory / name).exists() for name in ("tracks.csv", "listens.csv"))
    if state.get("complete") and held == asdict(parameters) and tables and set(audio) <= there:
        return True
    directory.mkdir(parents=True, exist_ok=True)
    same = all(held.get(name) == value for name, value in parameters.sound.items())
    # Until they are gone, no parameters stand in the state: an interruption discards all again.
    mark(directory, None)
    for path in there - set(audio) if same else there:
        (directory / path).unlink()
    mark(directory, parameters)
    return False


def mark(directory: Path, parameters: Parameters | None, *, complete: bool = False) -> None:
    """Write down which sample a directory holds, and whether all of it is there."""
    state = {"parameters": parameters and asdict(parameters), "complete": complete}
    with atomic_path(directory / "sample.json") as temporary:
        temporary.write_text(json.dumps(state, indent=2) + "\n", "utf-8")


def _read(directory: Path) -> dict[str, Any]:
    path = directory / "sample.json"
    if not path.exists():
        if (directory / "tracks.csv").exists():
            raise DataError(
                f"{directory} holds a tracks.csv that is not the sample's; name another directory."
            )
        return {}
    try:
        state = json.loads(path.read_text("utf-8"))
    except ValueError:
        state = None
    if not isinstance(state, dict) or not isinstance(state.get("parameters") or {}, dict):
        raise DataError(f"{path} cannot be read; delete the directory or name another.")
    return state
