"""How surely the same recording is found, measured on re-encodings made for the purpose."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal, TypeVar

import numpy as np
import numpy.typing as npt

from audio_model.config import AudioConfig
from audio_model.mel import sound_mel
from audio_model.pool import Outcome, read_in_workers
from audio_model.recording import recording_print
from data.errors import DataError
from engine.duplicates.changes import KINDS, changed_prints
from engine.duplicates.find import Pair, find_pairs
from engine.duplicates.groups import group_recordings
from engine.duplicates.index import RecordingIndex, build_index
from engine.duplicates.match import MAX_ERROR, MIN_SECONDS, MIN_SHARE
from engine.duplicates.recordings import Recordings, Words
from engine.duplicates.report import DuplicatesReport, Score

T = TypeVar("T")
Progress = Callable[[int, int, str], None]
BadFile = Callable[[str, Path, str], None]
IntArray = npt.NDArray[np.int32]
HALVES = ("first", "second")

TOGETHER = "all together"
"""Name of the score of all changed selves at once."""

Half = Literal["first", "second"]


def evaluate_duplicates(
    files: Sequence[tuple[str, Path]],
    config: AudioConfig,
    *,
    sample: int = 200,
    half: Half | None = None,
    seed: int = 0,
    workers: int = 1,
    progress: Progress | None = None,
    on_bad_file: BadFile | None = None,
) -> DuplicatesReport:
    """Change recordings, and count which are found again and which are mistaken for others.

    Each kind of change is tried on its own against the whole catalogue, grouping included; then
    all that leave a recording the same at once.

    Parameters
    ----------
    files : sequence of (str, Path)
        Track ids and their sound.
    config : AudioConfig
        Settings of the spectrograms.
    sample : int
        How many files to change.
    half : {"first", "second"}, optional
        Take them from one half of the files only, halved by lot: what is chosen on one half can
        then be measured on the other.
    seed : int
        Of the halves, the sample, and where files are cut.
    workers : int
        Processes that decode and encode.
    progress : callable, optional
        Told (done, total, what).
    on_bad_file : callable, optional
        Told (id, path, one-line reason).

    Returns
    -------
    DuplicatesReport

    Raises
    ------
    DataError
        If fewer than two files can be used.
    """
    tell = progress or (lambda *_: None)
    read = partial(_print, config)
    heard: dict[int, Words] = {}
    for outcome in _outcomes(read, [path for _, path in files], workers, tell, "reading sound"):
        if outcome.value is not None:
            heard[outcome.index] = outcome.value
        elif on_bad_file is not None:
            on_bad_file(*files[outcome.index], outcome.error or "")
    rows = sorted(heard)
    chosen = _chosen(len(rows), sample=sample, half=half, seed=seed)
    paths = [files[rows[i]][1] for i in chosen]
    others = dict(zip(paths, [*paths[-1:], *paths[:-1]], strict=True))
    change = partial(_change, config, others, seed)
    made: dict[int, dict[str, Words]] = {}
    for result in _outcomes(change, paths, workers, tell, "changing sound"):
        made[chosen[result.index]] = result.value or {}
    trial = _Trial([heard[row] for row in rows], made)
    ids = [files[row][0] for row in rows]
    return DuplicatesReport(
        tracks=len(rows),
        sampled=len(chosen),
        own=tuple((ids[p.first], ids[p.second], p.match.error) for p in trial.own),
        scores=trial.scores(),
        parameters={
            "seed": seed,
            "half": half,
            "max_error": MAX_ERROR,
            "min_share": MIN_SHARE,
            "min_seconds": MIN_SECONDS,
            "audio": config.mel_parameters(),
        },
    )


def _chosen(size: int, *, sample: int, half: Half | None, seed: int) -> list[int]:
    if size < 2:
        raise DataError(
            f"Two usable sound files are needed to tell recordings apart. Received: {size}. "
            "Import tracks that have `audio_path`."
        )
    rows = np.random.default_rng(seed).permutation(size)
    parts = {None: rows, "first": rows[: size // 2], "second": rows[size // 2 :]}
    chosen: list[int] = parts[half][:sample].tolist()
    return chosen


def _outcomes(
    read: Callable[[Path], T], paths: Sequence[Path], workers: int, tell: Progress, what: str
) -> Iterator[Outcome[T]]:
    with closing(read_in_workers(read, paths, workers=workers)) as outcomes:
        for done, outcome in enumerate(outcomes, start=1):
            yield outcome
            tell(done, len(paths), what)


def _print(config: AudioConfig, path: Path) -> Words:
    return recording_print(sound_mel(path, config), config)


def _change(
    config: AudioConfig, others: Mapping[Path, Path], seed: int, path: Path
) -> dict[str, Words]:
    number, jingle = list(others).index(path), next(iter(others))
    return changed_prints(path, config, jingle=jingle, other=others[path], seed=(seed, number))


@dataclass(frozen=True)
class _Found:
    """The groups among the originals and some changed selves, which lie behind them."""

    sources: npt.NDArray[np.int64]
    groups: IntArray
    pairs: list[Pair]


class _Trial:
    """Originals, and what kinds of change made of some of them."""

    def __init__(self, originals: list[Words], made: Mapping[int, Mapping[str, Words]]) -> None:
        self._originals, self._made = originals, made
        alone = self._find([])
        self.own, self._own_groups = alone.pairs, alone.groups

    def _find(self, changed: list[tuple[int, Words]]) -> _Found:
        recordings = Recordings.of([*self._originals, *(words for _, words in changed)])
        pairs = find_pairs(RecordingIndex(recordings, build_index(recordings)))
        sources = np.array([*range(len(self._originals)), *(source for source, _ in changed)])
        return _Found(sources, group_recordings(recordings, pairs), pairs)

    def scores(self) -> tuple[Score, ...]:
        """Return the score of each kind, then of all that leave a recording the same."""
        together = [name for name, kind in KINDS.items() if kind.same]
        return (*(self._score(name, [name]) for name in KINDS), self._score(TOGETHER, together))

    def _score(self, name: str, kinds: Sequence[str]) -> Score:
        changed = [
            (source, prints[kind])
            for source, prints in sorted(self._made.items())
            for kind in kinds
            if kind in prints
        ]
        result = self._find(changed)
        sources = Counter(source for source, _ in changed)
        worst = [
            pair.match.error
            for pair in result.pairs
            if result.sources[pair.first] == result.sources[pair.second]
        ]
        return Score(
            kind=name,
            same=name not in KINDS or KINDS[name].same,
            pairs=sum(n * (n + 1) // 2 for n in sources.values()),
            found=_pairs_in(result.groups, result.sources),
            mistaken=_pairs_in(result.groups)
            - _pairs_in(result.groups, self._own_groups[result.sources]),
            worst=max(worst, default=None),
        )


def _pairs_in(*labels: npt.NDArray[np.integer]) -> int:
    """Return how many pairs agree in all of some labels, each of shape (n,)."""
    _, counts = np.unique(np.stack(labels), axis=1, return_counts=True)
    return int((counts * (counts - 1) // 2).sum())
