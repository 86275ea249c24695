"""Tunes: notes drawn by lot over a beat of noise, as unlike each other as recordings are."""

from __future__ import annotations

import numpy as np

SR = 22_050
_NOTE = 0.2  # seconds


def tune(seed: int, *, seconds: float = 12.0) -> np.ndarray:
    """Return samples at `SR`, float32."""
    rng = np.random.default_rng(seed)
    steps = int(seconds / _NOTE)
    time = np.arange(int(SR * _NOTE)) / SR
    decay = np.exp(-6 * time)
    parts = []
    for _ in range(steps):
        notes = 110 * 2 ** (rng.integers(0, 40, 3) / 12)
        partials = [np.sin(2 * np.pi * f * k * time) / k for f in notes for k in (1, 2, 3, 4)]
        beat = rng.normal(0, rng.uniform(0, 1.0), time.size)
        parts.append((np.sum(partials, axis=0) + beat * decay) * rng.uniform(0.3, 1))
    y = np.concatenate(parts)
    return (0.5 * y / np.abs(y).max()).astype(np.float32)
