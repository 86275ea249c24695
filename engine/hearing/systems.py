"""The systems that are compared: sounds to one vector a track, and one a chunk."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from audio_model.cache import MelCache
from audio_model.chunks import chunk_starts, split_chunks
from audio_model.clips import Clip
from audio_model.encoder import AudioEncoder, aggregate
from audio_model.features import mel_mfcc_summary
from data.errors import DataError

FloatArray = npt.NDArray[np.float32]
Progress = Callable[[int, int, str], None]

BASELINE = "mfcc"
"""What every other system is compared with."""

CHUNKS = 10
"""So many chunks of a track, evenly spread, are asked for and searched."""

_BATCH = 64  # chunks gathered over tracks before the network is called


@dataclass(frozen=True)
class Vectors:
    """What a system makes of the evaluated sounds.

    Attributes
    ----------
    tracks : ndarray of float32, shape (n, d)
    chunks : ndarray of float32, shape (m, d)
        The chunks of `Sounds.owners`.
    """

    tracks: FloatArray
    chunks: FloatArray


class Sounds:
    """The evaluated tracks, their spectrograms read from the cache one at a time.

    Parameters
    ----------
    clips : sequence of Clip
        One a track.
    cache : MelCache
        Holds the spectrogram of each.
    """

    def __init__(self, clips: Sequence[Clip], cache: MelCache) -> None:
        self._clips, self._cache = clips, cache

    def __len__(self) -> int:
        return len(self._clips)

    def mels(self) -> Iterator[tuple[npt.NDArray[np.floating], FloatArray, npt.NDArray[np.intp]]]:
        """Yield of each track its spectrogram, all its chunks, and which of them are searched."""
        for clip in self._clips:
            mel = self._cache.load(clip.key)
            if mel is None:
                raise DataError(
                    f"The spectrogram of {clip.path.name!r} has gone from the cache "
                    f"{str(self._cache.directory)!r}. Run the command again."
                )
            chunks = split_chunks(mel, self._cache.config)
            yield mel, chunks, _spread(len(chunks))

    @cached_property
    def owners(self) -> npt.NDArray[np.int64]:
        """Position of the track of each searched chunk, shape (m,)."""
        config = self._cache.config
        counts = [len(_spread(len(chunk_starts(c.n_frames, config)))) for c in self._clips]
        return np.repeat(np.arange(len(counts)), counts)


def _spread(n: int) -> npt.NDArray[np.intp]:
    return np.unique(np.linspace(0, n - 1, min(n, CHUNKS)).round().astype(np.intp))


def mfcc_vectors(sounds: Sounds) -> Vectors:
    """Return mean and deviation of the MFCCs, each dimension standardised over the sounds."""
    tracks, chunks = [], []
    for mel, parts, picked in sounds.mels():
        tracks.append(mel_mfcc_summary(mel))
        chunks += [mel_mfcc_summary(parts[i]) for i in picked]
    return Vectors(standardised(np.stack(tracks)), standardised(np.stack(chunks)))


def standardised(values: FloatArray) -> FloatArray:
    """Return columns of mean 0 and standard deviation 1; a constant column becomes 0."""
    centred = values - values.mean(axis=0, dtype=np.float64)
    spread = centred.std(axis=0)
    # Rounding leaves a constant column a trace of spread, which must not be blown up.
    varies = spread > 1e-6 * np.abs(values).max(axis=0, initial=1e-30)
    return np.asarray(np.where(varies, centred / np.where(varies, spread, 1), 0), np.float32)


def encoder_vectors(
    sounds: Sounds, encoder: AudioEncoder, progress: Progress | None = None, *, name: str
) -> Vectors:
    """Embed the sounds; `progress` is told of tracks, under the `name` of the system."""
    tracks: list[FloatArray] = []
    chunks: list[FloatArray] = []
    waiting: list[tuple[FloatArray, npt.NDArray[np.intp]]] = []
    for done, (_, parts, picked) in enumerate(sounds.mels(), start=1):
        waiting.append((parts, picked))
        if sum(len(p) for p, _ in waiting) < _BATCH and done < len(sounds):
            continue
        bounds = np.cumsum([len(p) for p, _ in waiting])[:-1].tolist()
        embedded = np.split(encoder.embed_chunks(np.concatenate([p for p, _ in waiting])), bounds)
        tracks += [aggregate(e) for e in embedded]
        chunks += [e[p] for e, (_, p) in zip(embedded, waiting, strict=True)]
        waiting.clear()
        if progress is not None:
            progress(done, len(sounds), f"{name}: embedding")
    return Vectors(np.stack(tracks), np.concatenate(chunks))
