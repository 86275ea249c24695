"""Short sound files for tests: chords whose register says which of two artists plays."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import soundfile as sf

from audio_model.config import AudioConfig

SR = 22_050
# A tiny mel, so that the network is small and a test takes seconds.
TINY = AudioConfig(n_mels=32, chunk_frames=32, epochs=1, max_steps=3, batch_size=4, threads=1)


def chord(path: Path, *, base: float, seconds: float = 2.0, seed: int = 0) -> Path:
    rng = np.random.default_rng(seed)
    time = np.arange(int(SR * seconds)) / SR
    partials = [np.sin(2 * np.pi * base * k * time) / k for k in (1, 1.26, 1.5, 2, 3)]
    sf.write(path, 0.1 * np.sum(partials, axis=0) + rng.normal(0, 0.01, time.size), SR)
    return path


def make_tracks(directory: Path, count: int = 6) -> pd.DataFrame:
    """Write `count` files, even ones low and odd ones high, and describe them as tracks."""
    rows = []
    for i in range(count):
        path = chord(directory / f"s{i}.wav", base=(110, 880)[i % 2] * (1 + i / 50), seed=i)
        rows.append((f"s{i}", f"Sound {i}", f"Artist {i % 2}", str(path)))
    return pd.DataFrame(rows, columns=["track_id", "title", "artist", "audio_path"])
