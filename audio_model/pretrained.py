"""The encoder that Segue ships: trained once on free-licensed music, at hand without training.

Importing this does not load TensorFlow; `load_pretrained` does. Its files are in
`audio_model/weights/`: `encoder.npz` (float16), `encoder.json`, `heard.json` and the model card
`card.md`; `audio_model.ship` writes them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from audio_model.config import AudioConfig

if TYPE_CHECKING:
    from audio_model.keras_encoder import KerasEncoder


@dataclass(frozen=True)
class HeardNames:
    """Whose music the pretrained encoder was trained on; names are case-folded.

    Attributes
    ----------
    artists, albums : frozenset of str
    """

    artists: frozenset[str]
    albums: frozenset[str]


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
    """
    names = json.loads((pretrained_directory() / "heard.json").read_text("utf-8"))
    return HeardNames(**{kind: frozenset(map(str.casefold, names[kind])) for kind in names})
