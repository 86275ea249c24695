"""Mel-spectrograms on disk, so that no epoch decodes again."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

import numpy as np
import numpy.typing as npt
from numpy.lib.format import open_memmap

from audio_model.config import AudioConfig
from audio_model.containers import check_file
from audio_model.mel import sound_mel
from data.errors import DataError, ParameterError
from data.files import atomic_path

HalfArray = npt.NDArray[np.float16]

_VERSION = 2  # to be raised when the same settings give other spectrograms


def fingerprint(path: Path, config: AudioConfig) -> str:
    """Return a key that changes whenever the spectrogram of a file may.

    It is made of the absolute path, size and time of modification of the file, and of the
    settings that a spectrogram depends on. The file is not read.

    Parameters
    ----------
    path : Path
        A sound file.
    config : AudioConfig
        See `AudioConfig.mel_parameters`.

    Returns
    -------
    str
        64 hexadecimal digits (SHA-256).

    Raises
    ------
    AudioError
        If the file is missing, not a regular file, or empty.
    """
    status = check_file(path)
    where = [str(path.absolute()), status.st_size, status.st_mtime_ns]
    content = json.dumps([_VERSION, where, config.mel_parameters()], sort_keys=True)
    return sha256(content.encode()).hexdigest()


class MelCache:
    """A directory of log-mel-spectrograms, one `.npy` file of float16 each.

    Several processes may share it: files are written atomically, and two that compute the same
    spectrogram write the same bytes. A file that is not readable as a spectrogram is computed
    anew. The directory may be deleted at any time.

    Parameters
    ----------
    directory : Path
        Made when first written to.
    config : AudioConfig
        The settings of the spectrograms; caches of other settings may share the directory.
    """

    def __init__(self, directory: Path, config: AudioConfig) -> None:
        self.directory = directory
        self.config = config

    def mel(self, path: Path) -> HalfArray:
        """Return the log-mel-spectrogram of a file, from the cache or else computed and kept.

        Parameters
        ----------
        path : Path
            A sound file.

        Returns
        -------
        memory-mapped ndarray of float16, shape (n_mels, n_frames)
            dB, read-only; see `audio_model.mel.log_mel`.

        Raises
        ------
        AudioError
            If the file cannot be used, see `audio_model.decode.open_sound`.
        DataError
            If the cache cannot be written.
        """
        key = fingerprint(path, self.config)
        mel = self.load(key)
        return self._store(key, path) if mel is None else mel

    def check(self, config: AudioConfig) -> None:
        """Raise `ParameterError` if the spectrograms of `config` are not those of this cache."""
        if self.config.mel_parameters() != config.mel_parameters():
            raise ParameterError(
                f"The spectrogram cache has other mel settings ({self.config.mel_parameters()}) "
                f"than are asked of it ({config.mel_parameters()}); use one `config` for both."
            )

    def load(self, key: str) -> HalfArray | None:
        """Return the spectrogram kept under a `fingerprint`, or None if there is no sound one."""
        try:
            mel = open_memmap(self._file(key), mode="r")
        except (OSError, ValueError, EOFError):
            return None
        shaped = mel.ndim == 2 and mel.shape[0] == self.config.n_mels and mel.shape[1] > 0
        return mel if shaped and mel.dtype == np.float16 else None

    def _file(self, key: str) -> Path:
        return self.directory / key[:2] / f"{key}.npy"

    def _store(self, key: str, path: Path) -> HalfArray:
        mel = sound_mel(path, self.config)
        try:
            with (
                atomic_path(self._file(key), durable=False) as temporary,
                temporary.open("wb") as file,
            ):
                np.save(file, mel, allow_pickle=False)
        except DataError as error:
            raise DataError(f"The spectrogram cache fails: {error}") from error
        stored = self.load(key)
        return mel if stored is None else stored
