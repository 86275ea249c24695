"""Tiny sounds, and settings under which the network is small."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from audio_model.config import AudioConfig

SR = 22_050


def chirp(seconds: float, *, sr: int = SR, low: float = 200.0, high: float = 2000.0) -> np.ndarray:
    """A tone that rises from `low` to `high` Hz, peak 0.5."""
    time = np.arange(int(sr * seconds)) / sr
    phase = 2 * np.pi * (low * time + (high - low) / (2 * seconds) * time**2)
    return (0.5 * np.sin(phase)).astype(np.float32)


def tone(seconds: float, hertz: float, *, sr: int = SR) -> np.ndarray:
    """A sine of amplitude 0.5."""
    return (0.5 * np.sin(2 * np.pi * hertz * np.arange(int(sr * seconds)) / sr)).astype(np.float32)


@pytest.fixture
def config() -> AudioConfig:
    """The article's settings: the defaults, with its chunks of 129 frames."""
    return AudioConfig(recipe="article")


@pytest.fixture
def tiny() -> AudioConfig:
    """The article's recipe on 16 bands, chunks of 16 frames (0.37 s): a step takes milliseconds."""
    return AudioConfig(
        recipe="article", n_mels=16, chunk_frames=16, epochs=2, batch_size=4, threads=1
    )


@pytest.fixture
def tiny_crops(tiny: AudioConfig) -> AudioConfig:
    """The recipe of crops on as little."""
    return tiny.model_copy(update={"recipe": "crops", "max_steps": 6, "epochs": 6})


@pytest.fixture
def sound(tmp_path: Path) -> Callable[..., Path]:
    """Write a sound file: `sound("a.wav", samples)`; by default a chirp of 2 s."""

    def write(
        name: str = "chirp.wav", y: np.ndarray | None = None, *, sr: int = SR, **options: str
    ) -> Path:
        path = tmp_path / name
        sf.write(path, chirp(2.0) if y is None else y, sr, **options)
        return path

    return write
