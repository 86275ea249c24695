"""Sound files to decode: 44.1 kHz, stereo, MP3."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import soundfile as sf

SR = 44_100
_DISTINCT = 6


def mp3_files(directory: Path, *, n: int, seconds: int) -> list[Path]:
    """Write sound files; every one is there several times, since encoding takes its time."""
    for i in range(min(n, _DISTINCT)):
        path, sound = directory / f"{i}.mp3", _sound(i, seconds)
        sf.write(path, sound, SR, format="MP3", bitrate_mode="CONSTANT", compression_level=0.5)
    for i in range(_DISTINCT, n):
        shutil.copy(directory / f"{i % _DISTINCT}.mp3", directory / f"{i}.mp3")
    return [directory / f"{i}.mp3" for i in range(n)]


def repeat_mp3(source: Path, target: Path, *, times: int) -> None:
    """Write the frames of an MP3 over and over, but for the first: it says how many there are."""
    content = source.read_bytes()
    second = content.index(content[:2], 4)
    assert b"Info" in content[:second] or b"Xing" in content[:second]
    with target.open("wb") as file:
        for _ in range(times):
            file.write(content[second:])


def _sound(seed: int, seconds: int) -> np.ndarray:
    """Return eight tones with a beat, and noise, shape (n, 2)."""
    rng, t = np.random.default_rng(seed), np.arange(seconds * SR) / SR
    tones = sum(np.sin(2 * np.pi * f * t) for f in rng.uniform(80, 4000, 8))
    beat = 0.5 + 0.5 * np.sin(2 * np.pi * rng.uniform(1, 3) * t)
    noise = rng.standard_normal((len(t), 2))
    return (0.05 * (tones * beat)[:, np.newaxis] + 0.02 * noise).astype(np.float32)
