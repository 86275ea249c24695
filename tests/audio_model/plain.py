"""The smallest encoder: the mean over time, centred. No TensorFlow."""

import numpy as np

from audio_model.chunks import split_chunks
from audio_model.config import AudioConfig
from audio_model.encoder import aggregate
from audio_model.mel import scale_mel


class PlainEncoder:
    def __init__(self, config: AudioConfig) -> None:
        self.config = config
        self.dim = config.n_mels
        self.fingerprint = "plain"
        self.batches: list[int] = []

    def embed_chunks(self, chunks: np.ndarray) -> np.ndarray:
        self.batches.append(len(chunks))
        means = scale_mel(chunks, self.config).mean(axis=2)
        return means / np.linalg.norm(means, axis=1, keepdims=True)

    def embed_mel(self, mel: np.ndarray) -> np.ndarray:
        return aggregate(self.embed_chunks(split_chunks(mel, self.config)))
