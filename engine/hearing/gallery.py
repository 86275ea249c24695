"""The gallery: every track with usable sound, as each system hears it.

Systems have mel settings and chunk lengths of their own. So that all are asked the same, a
passage of a track is a moment in seconds, the same for all; each system answers with that of its
own chunks whose middle is nearest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from audio_model.cache import MelCache
from audio_model.chunks import chunk_starts
from audio_model.clips import Clip, read_clips
from audio_model.config import AudioConfig
from data.errors import DataError

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
MelArray = npt.NDArray[np.floating]
Progress = Callable[[int, int, str], None]
MelKey = tuple[tuple[str, object], ...]

PASSAGES = 10
"""So many passages of a track, evenly spread, are asked for and searched."""


def standard(config: AudioConfig) -> AudioConfig:
    """Return the settings of the MFCC baseline, whatever the encoders use.

    Those of `librosa.feature.mfcc`: 22,050 Hz, windows of 2,048 samples, hops of 512, 128 bands;
    passages of 3 s. Only how much of a file is read is as in `config`.
    """
    return AudioConfig(
        sr=22_050,
        n_fft=2048,
        hop_length=512,
        n_mels=128,
        chunk_frames=129,
        top_db=80.0,
        min_duration=config.min_duration,
        max_duration=config.max_duration,
    )


def mel_key(config: AudioConfig) -> MelKey:
    """Return what tells one kind of spectrogram from another."""
    return tuple(sorted(config.mel_parameters().items()))


def middles(n_frames: int, config: AudioConfig) -> FloatArray:
    """Return the middle of each chunk of a spectrogram, seconds, shape (n_chunks,)."""
    half = min(n_frames, config.chunk_frames) / 2
    middle: FloatArray = (chunk_starts(n_frames, config) + half) * config.hop_length / config.sr
    return middle


class Gallery:
    """The spectrograms of the tracks, read from the cache one at a time.

    Attributes
    ----------
    paths : list of Path
        The files.
    seconds : ndarray of float64, shape (n,)
        Their lengths.
    moments : list of ndarray of float64
        The passages of each, seconds.
    owners : ndarray of int64, shape (m,)
        Position of the track of each passage.

    Parameters
    ----------
    clips : mapping of MelKey to sequence of Clip
        The same files in the same order, by kind of spectrogram.
    directory : Path
        The cache that holds them.
    reference : AudioConfig
        Whose chunks decide where the passages are; a key of `clips`.
    """

    def __init__(
        self,
        clips: Mapping[MelKey, Sequence[Clip]],
        directory: Path,
        *,
        reference: AudioConfig,
    ) -> None:
        self._clips, self._directory = clips, directory
        of_reference = clips[mel_key(reference)]
        self.paths = [clip.path for clip in of_reference]
        self.seconds: FloatArray = np.array(
            [clip.n_frames * reference.hop_length / reference.sr for clip in of_reference]
        )
        self.moments = [_spread(middles(clip.n_frames, reference)) for clip in of_reference]
        self.owners: IntArray = np.repeat(
            np.arange(len(self.moments)), [len(moments) for moments in self.moments]
        )

    @classmethod
    def read(
        cls,
        paths: Sequence[Path],
        directory: Path,
        *,
        configs: Sequence[AudioConfig],
        workers: int = 1,
        progress: Progress | None = None,
        on_bad_file: Callable[[Path, str], None] | None = None,
    ) -> Gallery:
        """Make sure that the spectrograms that the configurations need are in a cache.

        Parameters
        ----------
        paths : sequence of Path
            Sound files.
        directory : Path
            The cache.
        configs : sequence of AudioConfig
            The first decides where the passages are.
        workers, progress
            See `audio_model.clips.read_clips`.
        on_bad_file : callable, optional
            Told (path, one-line reason), once a file. A file that one configuration cannot use is
            left out for all.

        Returns
        -------
        Gallery
            Of no track, if no file can be used.
        """
        clips: dict[MelKey, list[Clip]] = {}
        usable = list(paths)
        for config in configs:
            if mel_key(config) in clips:
                continue
            cache = MelCache(directory, config)
            read = read_clips(
                usable, cache, workers=workers, progress=progress, on_bad_file=on_bad_file
            )
            clips[mel_key(config)] = read
            usable = [clip.path for clip in read]
        kept = set(usable)
        same = {key: [c for c in read if c.path in kept] for key, read in clips.items()}
        return cls(same, directory, reference=configs[0])

    def __len__(self) -> int:
        return len(self.paths)

    def mels(self, config: AudioConfig) -> Iterator[MelArray]:
        """Yield the spectrogram of each track, shape (n_mels, n_frames), dB."""
        cache = MelCache(self._directory, config)
        for clip in self._clips[mel_key(config)]:
            mel = cache.load(clip.key)
            if mel is None:
                raise DataError(
                    f"The spectrogram of {clip.path.name!r} has gone from the cache "
                    f"{str(self._directory)!r}. Run the command again."
                )
            yield mel

    def nearest_chunks(self, config: AudioConfig) -> Iterator[npt.NDArray[np.intp]]:
        """Yield, for each track, which of its chunks stands for each of its passages."""
        for clip, moments in zip(self._clips[mel_key(config)], self.moments, strict=True):
            distance = np.abs(moments[:, np.newaxis] - middles(clip.n_frames, config))
            # Rounded, so that of two chunks as near it is always the first.
            yield np.round(distance, 6).argmin(axis=1)


def _spread(moments: FloatArray) -> FloatArray:
    """Return at most `PASSAGES` of the moments, the first and the last among them."""
    n = len(moments)
    return moments[np.unique(np.linspace(0, n - 1, min(n, PASSAGES)).round().astype(np.intp))]
