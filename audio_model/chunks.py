"""Mel-spectrograms to chunks of one length, the network's input."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from audio_model.config import AudioConfig

FloatArray = npt.NDArray[np.float32]


def chunk_starts(n_frames: int, config: AudioConfig) -> npt.NDArray[np.int64]:
    """Return the frames at which the chunks of a spectrogram begin.

    Chunks follow one another without overlap. Of the frames left over at the end, at least half a
    chunk makes one more, moved back so that it ends with the last frame; fewer are left out.
    A spectrogram shorter than a chunk makes one chunk, see `cut_chunk`.

    Parameters
    ----------
    n_frames : int
        Length of the spectrogram.
    config : AudioConfig
        `chunk_frames`.

    Returns
    -------
    ndarray of int64, shape (n_chunks,)
        Ascending, at least one.
    """
    width = config.chunk_frames
    whole, rest = divmod(n_frames, width)
    starts = np.arange(whole) * width
    if whole == 0:
        return np.zeros(1, np.int64)
    if 2 * rest >= width:
        starts = np.append(starts, n_frames - width)
    return starts.astype(np.int64)


def chunk_seconds(config: AudioConfig) -> float:
    """Return the length of a chunk in seconds."""
    return config.chunk_frames * config.hop_length / config.sr


def cut_chunk(mel: npt.NDArray[np.floating], start: int, config: AudioConfig) -> FloatArray:
    """Return the chunk of shape (n_mels, chunk_frames) at a frame; a short spectrogram loops."""
    chunk = mel[:, start : start + config.chunk_frames]
    if chunk.shape[1] < config.chunk_frames:
        # From the beginning, over and over: padding with silence would be heard as a sound.
        chunk = np.take(mel, range(start, start + config.chunk_frames), axis=1, mode="wrap")
    return np.asarray(chunk, dtype=np.float32)


def chunk_blocks(
    mel: npt.NDArray[np.floating], config: AudioConfig, size: int
) -> Iterator[FloatArray]:
    """Yield the chunks of a spectrogram, see `split_chunks`, at most `size` at a time."""
    starts = chunk_starts(mel.shape[1], config)
    for at in range(0, len(starts), size):
        block = starts[at : at + size]
        chunks = np.empty((len(block), mel.shape[0], config.chunk_frames), np.float32)
        for row, start in zip(chunks, block, strict=True):
            row[:] = cut_chunk(mel, start, config)
        yield chunks


def split_chunks(mel: npt.NDArray[np.floating], config: AudioConfig) -> FloatArray:
    """Return the chunks of a spectrogram.

    Parameters
    ----------
    mel : ndarray of shape (n_mels, n_frames)
        dB, at least one frame.
    config : AudioConfig
        `chunk_frames`.

    Returns
    -------
    ndarray of float32, shape (n_chunks, n_mels, chunk_frames)
        At least one, see `chunk_starts`.
    """
    (chunks,) = chunk_blocks(mel, config, mel.shape[1])
    return chunks
