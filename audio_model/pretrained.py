"""The encoder that Segue ships: trained once on free-licensed music, at hand without training.

Importing this does not load TensorFlow; `load_pretrained` does. Its files are in
`audio_model/weights/`: `encoder.npz` (float16), `encoder.json`, `heard.json` and the model card
`card.md`; `audio_model.ship` writes them.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from audio_model.config import AudioConfig
from audio_model.heard_names import HeardNames, read_heard
from data.errors import BundleError

if TYPE_CHECKING:
    from audio_model.keras_encoder import KerasEncoder


def pretrained_directory() -> Path:
    """Return the directory of the pretrained encoder, for `KerasEncoder.load`."""
    return Path(__file__).parent / "weights"


def load_pretrained(config: AudioConfig | None = None) -> KerasEncoder:
    """Return the pretrained encoder; `config` as for `KerasEncoder.load`.

    Raises
    ------
    BundleError
        If the installation is damaged.
    """
    # Imported here, since it brings TensorFlow along, which the names need not.
    from audio_model.keras_encoder import KerasEncoder

    return KerasEncoder.load(pretrained_directory(), config)


def heard() -> HeardNames:
    """Return whose music the pretrained encoder was trained on.

    An evaluation on music of theirs says nothing about how it hears the music of others.

    Raises
    ------
    BundleError
        If the installation is damaged.
    """
    names = read_heard(pretrained_directory())
    if names is None:
        raise BundleError("The installation is damaged: the pretrained encoder has no heard.json.")
    return names
