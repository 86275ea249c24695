"""Hears one sound file in this process, which imports TensorFlow to do so."""

from __future__ import annotations

from pathlib import Path

from audio_model.encoder import Heard
from audio_model.keras_encoder import KerasEncoder


def hear_file(path: Path, encoder: Path) -> Heard:
    """Return what a sound file becomes: its embedding, its chunks, its recording's print.

    Parameters
    ----------
    path : Path
        The file.
    encoder : Path
        Directory of a saved encoder.

    Raises
    ------
    AudioError
        If the file cannot be decoded, or has nothing to hear.
    """
    return KerasEncoder.load(encoder).hear_file(path)
