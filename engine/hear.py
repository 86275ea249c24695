"""Embeds one sound file in this process, which imports TensorFlow to do so."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from audio_model.keras_encoder import KerasEncoder


def embed_file(path: Path, encoder: Path) -> npt.NDArray[np.float32]:
    """Return the embedding of a sound file, shape (d,), normalised to length 1.

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
    return KerasEncoder.load(encoder).embed_file(path)
