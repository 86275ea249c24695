"""Makes an encoder the pretrained one: for those who release Segue, not for those who use it.

Run as ``python -m audio_model.ship ENCODER``, where ENCODER is the directory of a trained encoder
(`encoders/FINGERPRINT` of a home) that says in `heard.json` whose music it heard. Then bring
`card.md` up to date, and the golden embeddings: ``python -m tests.audio_model.golden``.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from audio_model.heard_names import HEARD, HeardNames, read_heard, write_heard
from audio_model.keras_encoder import KerasEncoder
from audio_model.pretrained import pretrained_directory
from data.errors import BundleError


def rounded(encoder: KerasEncoder) -> KerasEncoder:
    """Return the encoder with its weights rounded to float16: another one, of half the size."""
    weights = [w.astype(np.float16).astype(np.float32) for w in encoder.weights]
    return KerasEncoder(encoder.config, encoder.recipe, weights)


def ship(encoder: KerasEncoder, names: HeardNames, directory: Path) -> str:
    """Write an encoder, rounded, and whose music it heard; return its new fingerprint.

    Parameters
    ----------
    encoder : KerasEncoder
    names : HeardNames
    directory : Path
        See `pretrained_directory`.
    """
    small = rounded(encoder)
    small.save(directory)
    write_heard(directory, names.artists, names.albums)
    return small.fingerprint


def main() -> None:
    """Ship the encoder that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("encoder", type=Path)
    parser.add_argument("--out", type=Path, default=pretrained_directory())
    arguments = parser.parse_args()
    names = read_heard(arguments.encoder)
    if names is None:
        raise BundleError(f"There is no {HEARD} in {str(arguments.encoder)!r}.")
    print(ship(KerasEncoder.load(arguments.encoder), names, arguments.out))


if __name__ == "__main__":
    main()
