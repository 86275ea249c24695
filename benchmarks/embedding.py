"""Embedding a folder of MP3s.

Measured: `embed_files` without a cache on 120 MP3s of 30 s, 44.1 kHz, stereo: a process a core
starts, decodes and takes mel-spectrograms at the files' own rate while the network of the default
recipe predicts in this one.

References: decoding the same files alone, by soundfile on a thread a core; the plain loop of
`librosa.load`, `librosa.feature.melspectrogram` and `model.predict` a track, timed on 8 of the
files and made up to all; and, for how it scales, the same where all threads and processes are
confined to one core: with n cores, 1 / n would be perfect.

The second line leaves out the start of the processes, which a long run does not notice: it counts
from the first file on.

Limit: at most 2.5 times decoding alone, at most a third of the plain loop.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import librosa
import numpy as np
import soundfile as sf

from audio_model.chunks import split_chunks
from audio_model.config import AudioConfig
from audio_model.embed import embed_files
from audio_model.encoder import aggregate
from audio_model.mel import scale_mel
from audio_model.recipes import resolve_recipe
from benchmarks.harness import Result, interleave
from benchmarks.sounds import mp3_files

if TYPE_CHECKING:
    from audio_model.keras_encoder import KerasEncoder

_FILES, _SECONDS, _PLAIN = 120, 30, 8
_ROUNDS = 3
_CONFIG = AudioConfig()
_CORES = len(os.sched_getaffinity(0))


def run() -> list[Result]:
    """Measure one folder."""
    # Late, so that importing this module, as a test does, stays light.
    from audio_model.keras_encoder import KerasEncoder
    from audio_model.network import build_network

    encoder = KerasEncoder.untrained(_CONFIG)
    model = build_network(resolve_recipe(_CONFIG).architecture, _CONFIG)
    with tempfile.TemporaryDirectory() as directory:
        paths = mp3_files(Path(directory), n=_FILES, seconds=_SECONDS)
        first = _embed(paths[:1], encoder, workers=1)[0]["0"]
        assert first @ _plain(paths[:1], model)[0] > 0.99, "both must hear the same"
        steady: list[float] = []
        embedded, decoded, plain, alone = interleave(
            lambda: steady.append(_embed(paths, encoder, workers=_CORES)[1]),
            lambda: _decode(paths),
            lambda: _plain(paths[:_PLAIN], model),
            lambda: _on_one_core(lambda: _embed(paths, encoder, workers=1)),
            rounds=_ROUNDS,
            warm=False,
        )
    plain = [seconds * _FILES / _PLAIN for seconds in plain]
    name = f"embedding {_FILES} MP3s"
    return [
        Result(f"{name} / decoding alone", embedded, decoded, limit="<= 2.50x"),
        Result(f"{name}, once started / decoding alone", steady, decoded),
        Result(f"{name} / plain loop", embedded, plain, limit="<= 0.33x"),
        Result(f"{name}, {_CORES} cores / 1 core", embedded, alone),
    ]


def _embed(
    paths: list[Path], encoder: KerasEncoder, *, workers: int
) -> tuple[dict[str, Any], float]:
    """Return the embeddings, and the seconds from the first file on, made up to all files."""
    found: dict[str, Any] = {}
    done: list[float] = []

    def bad(_: str, path: Path, reason: str) -> None:
        raise AssertionError(f"{path}: {reason}")

    embed_files(
        [(str(i), path) for i, path in enumerate(paths)],
        encoder,
        None,
        workers=workers,
        on_result=lambda track, heard: found.__setitem__(track, heard.embedding),
        on_bad_file=bad,
        progress=lambda *_: done.append(time.perf_counter()),
    )
    seconds = time.perf_counter() - done[0]
    return found, seconds * len(paths) / max(1, len(paths) - 1)


def _on_one_core(call: Callable[[], object]) -> None:
    """Call with all threads of this process, and of the processes under it, on its first core."""
    cores = os.sched_getaffinity(0)
    _confine({min(cores)})
    try:
        call()
    finally:
        _confine(cores)


def _confine(cores: set[int]) -> None:
    parents = {
        int(stat.parent.name): int(stat.read_text().rpartition(")")[2].split()[1])
        for stat in Path("/proc").glob("[0-9]*/stat")
    }
    family = {os.getpid()}
    while more := {pid for pid, parent in parents.items() if parent in family} - family:
        family |= more
    for task in (task for pid in family for task in Path(f"/proc/{pid}/task").iterdir()):
        os.sched_setaffinity(int(task.name), cores)


def _decode(paths: list[Path]) -> None:
    with ThreadPoolExecutor(_CORES) as threads:
        list(threads.map(lambda path: sf.read(path, dtype="float32")[0].size, paths))


def _plain(paths: list[Path], model: Any) -> list[Any]:
    c, embeddings = _CONFIG, []
    for path in paths:
        y, _ = librosa.load(path, sr=c.sr)
        power = librosa.feature.melspectrogram(
            y=y, sr=c.sr, n_fft=c.n_fft, hop_length=c.hop_length, n_mels=c.n_mels
        )
        mel = librosa.power_to_db(power, ref=np.max, top_db=c.top_db)
        chunks = scale_mel(split_chunks(mel, c), c)[..., np.newaxis]
        embeddings.append(aggregate(model.predict(chunks, verbose=0)))
    return embeddings
