"""What an audio encoder is: chunks of sound in, one unit vector a track out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from audio_model.config import AudioConfig

FloatArray = npt.NDArray[np.float32]
HalfArray = npt.NDArray[np.float16]
WordArray = npt.NDArray[np.uint32]


class AudioEncoder(Protocol):
    """Embeds sound. Every encoder passes the contract suite `tests/audio_model/contract.py`."""

    @property
    def config(self) -> AudioConfig:
        """How its chunks are made."""
        ...

    @property
    def dim(self) -> int:
        """Width of an embedding."""
        ...

    @property
    def fingerprint(self) -> str:
        """Changes whenever an embedding may: names the weights and the mel settings."""
        ...

    def embed_chunks(self, chunks: FloatArray) -> FloatArray:
        """Embed chunks, each without regard to the others.

        Parameters
        ----------
        chunks : ndarray of float32, shape (n, n_mels, chunk_frames)
            dB, see `audio_model.chunks.split_chunks`; `n` may be 0.

        Returns
        -------
        ndarray of float32, shape (n, dim)
            Rows of unit length.
        """
        ...

    def embed_mel(self, mel: npt.NDArray[np.floating]) -> FloatArray:
        """Embed a log-mel-spectrogram of any length, shape (n_mels, n_frames), as shape (dim,)."""
        ...


@dataclass(frozen=True)
class Heard:
    """What one sound file becomes.

    Attributes
    ----------
    embedding : ndarray of float32, shape (dim,)
        The track, of unit length: see `aggregate`.
    segments : ndarray of float16, shape (n_chunks, dim)
        Its chunks, unit rows (to what float16 holds), in the order of
        `audio_model.chunks.chunk_starts`.
    recording : ndarray of uint32, shape (n_words,)
        Print of the recording, by which near-duplicates are found: see
        `audio_model.recording`.
    """

    embedding: FloatArray
    segments: HalfArray
    recording: WordArray

    @classmethod
    def from_chunks(cls, embeddings: FloatArray, recording: WordArray) -> Heard:
        """Make it of the embeddings of all chunks, shape (n_chunks, dim), and the print."""
        return cls(aggregate(embeddings), embeddings.astype(np.float16), recording)


def aggregate(chunk_embeddings: FloatArray) -> FloatArray:
    """Return one embedding of a track: the mean over its chunks, scaled to unit length.

    Parameters
    ----------
    chunk_embeddings : ndarray of float32, shape (n_chunks, dim)
        At least one row.

    Returns
    -------
    ndarray of float32, shape (dim,)
        Zero only if the chunks cancel out exactly.
    """
    mean = chunk_embeddings.mean(axis=0, dtype=np.float64)
    length = np.linalg.norm(mean)
    return np.asarray(mean / length if length > 0 else mean, dtype=np.float32)
