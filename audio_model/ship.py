"""Makes an encoder the pretrained one: for those who release Segue, not for those who use it.

Run as ``python -m audio_model.ship ENCODER --tracks TRACKS.csv``, where ENCODER is the directory of
a trained encoder (`encoders/FINGERPRINT` of a home) and TRACKS the tracks file that it was trained
on, whose columns `artist` and `album` say whose music it heard. Then bring `card.md` up to date,
and the golden embeddings: ``python -m tests.audio_model.golden``.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from audio_model.heard_names import write_heard
from audio_model.keras_encoder import KerasEncoder
from audio_model.pretrained import pretrained_directory
from data.readers import read_tracks


def rounded(encoder: KerasEncoder) -> KerasEncoder:
    """Return the encoder with its weights rounded to float16: another one, of half the size."""
    weights = [w.astype(np.float16).astype(np.float32) for w in encoder.weights]
    return KerasEncoder(encoder.config, encoder.recipe, weights)


def ship(encoder: KerasEncoder, tracks: Sequence[pd.DataFrame], directory: Path) -> str:
    """Write an encoder, rounded, and the names that it heard; return its new fingerprint.

    Parameters
    ----------
    encoder : KerasEncoder
    tracks : sequence of DataFrame
        What it was trained on: columns `artist` and `album`, either of which may be missing.
    directory : Path
        See `pretrained_directory`.
    """
    small = rounded(encoder)
    small.save(directory)
    write_heard(directory, _names(tracks, "artist"), _names(tracks, "album"))
    return small.fingerprint


def _names(tracks: Sequence[pd.DataFrame], column: str) -> list[str]:
    columns = [frame[column].dropna() for frame in tracks if column in frame]
    return [str(name) for values in columns for name in values]


def main() -> None:
    """Ship the encoder that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("encoder", type=Path)
    parser.add_argument("--tracks", type=Path, required=True, action="append")
    parser.add_argument("--out", type=Path, default=pretrained_directory())
    arguments = parser.parse_args()
    frames = [frame for path in arguments.tracks for frame in read_tracks(path)]
    print(ship(KerasEncoder.load(arguments.encoder), frames, arguments.out))


if __name__ == "__main__":
    main()
