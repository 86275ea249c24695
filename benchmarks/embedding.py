"""Embedding a folder of MP3s.

Measured: `embed_files` without a cache on 24 MP3s of 20 s, 44.1 kHz, stereo: processes start,
decode, resample and take mel-spectrograms while the network of the recipe `article` predicts.

References: decoding the same files alone, by soundfile on as many threads, at their own rate; and
the plain loop of `librosa.load`, `librosa.feature.melspectrogram` and `model.predict` a track.

The third line leaves out the start of the processes, which a long run does not notice: it counts
from the first file on.

Limit: at most 2.5 times decoding alone, at most a third of the plain loop.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
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
from benchmarks.harness import Result, interleave

if TYPE_CHECKING:
    from audio_model.keras_encoder import KerasEncoder

_FILES, _DISTINCT, _SECONDS, _SR = 24, 6, 20, 44_100
_ROUNDS = 3
_CONFIG = AudioConfig()
_WORKERS = len(os.sched_getaffinity(0))


def run() -> list[Result]:
    """Measure one folder."""
    # Late, so that importing this module, as a test does, stays light.
    from audio_model.keras_encoder import KerasEncoder
    from audio_model.network import build_network

    encoder, model = KerasEncoder.untrained(_CONFIG), build_network("article", _CONFIG)
    with tempfile.TemporaryDirectory() as directory:
        paths = _folder(Path(directory))
        first = _embed(paths[:1], encoder)[0]["0"]
        np.testing.assert_allclose(first, _plain(paths[:1], model)[0], atol=1e-2)
        steady: list[float] = []
        embedded, decoded, plain = interleave(
            lambda: steady.append(_embed(paths, encoder)[1]),
            lambda: _decode(paths),
            lambda: _plain(paths, model),
            rounds=_ROUNDS,
            warm=False,
        )
    name = f"embedding {_FILES} MP3s"
    return [
        Result(f"{name} / decoding alone", embedded, decoded, limit="<= 2.50x"),
        Result(f"{name} / plain loop", embedded, plain, limit="<= 0.33x"),
        Result(f"{name}, once started / decoding alone", steady, decoded),
    ]


def _folder(directory: Path) -> list[Path]:
    """Write sound files; every one is there several times, since encoding takes its time."""
    t = np.arange(_SECONDS * _SR) / _SR
    for i in range(_DISTINCT):
        rng = np.random.default_rng(i)
        tones = sum(np.sin(2 * np.pi * f * t) for f in rng.uniform(80, 4000, 8))
        beat = 0.5 + 0.5 * np.sin(2 * np.pi * rng.uniform(1, 3) * t)
        noise = rng.standard_normal((len(t), 2))
        sound = (0.05 * (tones * beat)[:, np.newaxis] + 0.02 * noise).astype(np.float32)
        sf.write(directory / f"{i}.mp3", sound, _SR, format="MP3", subtype="MPEG_LAYER_III")
    for i in range(_DISTINCT, _FILES):
        shutil.copy(directory / f"{i % _DISTINCT}.mp3", directory / f"{i}.mp3")
    return [directory / f"{i}.mp3" for i in range(_FILES)]


def _embed(paths: list[Path], encoder: KerasEncoder) -> tuple[dict[str, Any], float]:
    """Return the embeddings, and the seconds from the first file on, made up to all files."""
    found: dict[str, Any] = {}
    done: list[float] = []

    def bad(_: str, path: Path, reason: str) -> None:
        raise AssertionError(f"{path}: {reason}")

    embed_files(
        [(str(i), path) for i, path in enumerate(paths)],
        encoder,
        None,
        workers=_WORKERS,
        on_result=found.__setitem__,
        on_bad_file=bad,
        progress=lambda *_: done.append(time.perf_counter()),
    )
    seconds = time.perf_counter() - done[0]
    return found, seconds * len(paths) / max(1, len(paths) - 1)


def _decode(paths: list[Path]) -> None:
    with ThreadPoolExecutor(_WORKERS) as threads:
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
