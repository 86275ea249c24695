"""What a track sounds like: decoding, mel-spectrograms, and the encoder trained on them.

Importing this room is light. TensorFlow is loaded by `audio_model.network` and the modules that
build on it: `loss`, `training` and `keras_encoder` (`train_encoder`, `KerasEncoder`).
"""

from audio_model.cache import MelCache, fingerprint
from audio_model.chunks import split_chunks
from audio_model.config import AudioConfig
from audio_model.decode import load_audio
from audio_model.embed import embed_files
from audio_model.encoder import AudioEncoder, Heard, aggregate
from audio_model.mel import log_mel
from audio_model.recipes import RECIPES, Recipe

__all__ = [
    "RECIPES",
    "AudioConfig",
    "AudioEncoder",
    "Heard",
    "MelCache",
    "Recipe",
    "aggregate",
    "embed_files",
    "fingerprint",
    "load_audio",
    "log_mel",
    "split_chunks",
]
