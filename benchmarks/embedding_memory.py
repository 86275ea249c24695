"""Memory of embedding a three-hour mix, and of embedding many tracks.

Measured: the most memory that this process and its workers hold at once (resident set sizes added
up, so pages that they share count twice; looked at fifty times a second) while `embed_files` embeds
one MP3 of three hours; and while it embeds 200 tracks of 30 s. The network is that of the default
recipe, there is one worker, and no cache.

Reference: the same for one track of 30 s, the base; and for 20 tracks of 30 s.

Limit: the mix takes at most 500 MB more than the base; 200 tracks at most 1.05 times what 20 take.
"""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Callable
from multiprocessing import active_children
from pathlib import Path
from typing import TYPE_CHECKING

from audio_model.chunks import chunk_seconds
from audio_model.config import AudioConfig
from audio_model.embed import embed_files
from audio_model.encoder import Heard
from benchmarks.harness import Result
from benchmarks.sounds import mp3_files, repeat_mp3

if TYPE_CHECKING:
    from audio_model.keras_encoder import KerasEncoder

_SECONDS = 30
_HOURS = 3
_CONFIG = AudioConfig()


def run() -> list[Result]:
    """Measure one long file, and two folders."""
    from audio_model.keras_encoder import KerasEncoder  # late: a test imports this module

    encoder = KerasEncoder.untrained(_CONFIG)
    with tempfile.TemporaryDirectory() as name:
        tracks = mp3_files(Path(name), n=200, seconds=_SECONDS)
        mix = Path(name) / "mix.mp3"
        repeat_mp3(tracks[0], mix, times=_HOURS * 3600 // _SECONDS)
        _peak(tracks[:8], encoder, 8 * _SECONDS)  # TensorFlow takes its own memory once
        few = _peak(tracks[:20], encoder, 20 * _SECONDS)
        many = _peak(tracks, encoder, 200 * _SECONDS)
        base = _peak(tracks[:1], encoder, _SECONDS)
        long = _peak([mix], encoder, _HOURS * 3600)
    over = f"{_HOURS} h mix, memory over base / base"
    return [
        Result(over, [long - base], [base], limit="measured <= 477 MiB", unit="B"),
        Result("memory of 200 tracks / of 20", [many], [few], limit="<= 1.05x", unit="B"),
    ]


def _peak(paths: list[Path], encoder: KerasEncoder, seconds: float) -> float:
    """Return the most bytes held while files, of so many seconds in all, are embedded."""
    found: list[int] = []

    def bad(_: str, path: Path, reason: str) -> None:
        raise AssertionError(f"{path}: {reason}")

    def embed() -> None:
        items = [(str(i), path) for i, path in enumerate(paths)]
        embed_files(items, encoder, None, on_result=heard, on_bad_file=bad)

    def heard(_: str, track: Heard) -> None:
        found.append(len(track.segments))

    peak = _watch(embed)
    assert sum(found) * chunk_seconds(_CONFIG) > 0.9 * seconds, "not all of the sound was heard"
    return peak


def _watch(work: Callable[[], None]) -> float:
    seen, done = [_held()], threading.Event()

    def look() -> None:
        while not done.wait(0.02):
            seen.append(_held())

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        work()
    finally:
        done.set()
        watcher.join()
    return float(max(seen))


def _held() -> int:
    """Return the resident bytes of this process and its workers."""
    total = 0
    for pid in [os.getpid(), *(child.pid for child in active_children())]:
        try:
            total += int(Path(f"/proc/{pid}/statm").read_text("utf-8").split()[1])
        except (OSError, IndexError):  # it has just ended
            continue
    return total * os.sysconf("SC_PAGESIZE")
