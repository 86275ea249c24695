"""Sound files to samples: mono float32.

libsndfile decodes (MP3 through mpg123), a block at a time, so that a file may be of any length.
"""

from __future__ import annotations

import logging
import math
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
import soundfile as sf
import soxr

from audio_model.config import AudioConfig
from audio_model.quiet import quiet_stderr
from data.errors import AudioError

FloatArray = npt.NDArray[np.float32]

FORMATS = ("WAV", "WAVEX", "RF64", "W64", "FLAC", "OGG", "MP3", "AIFF", "AU", "CAF")
"""Containers that are read, by libsndfile's names; OGG holds Vorbis, Opus or FLAC."""

SILENCE_DBFS = -80.0
"""Sound whose peak is below this level, dB relative to full scale, is silent."""

_BLOCK_FRAMES = 8192  # small: a damaged FLAC block is lost whole
_PIECE = 32 * _BLOCK_FRAMES  # decoding and transforming in longer turns saves an eighth of the time
_MIN_RATE = 1000  # Hz; below, what is read is no music but a broken header
_LARGEST = 1e6  # a float file may exceed full scale (1.0), but not by 120 dB
_NOT_RECOGNISED = 1  # SF_ERR_UNRECOGNISED_FORMAT

_log = logging.getLogger("segue.audio")


class Sound:
    """An open sound file: iterate over it, once, for its samples.

    Attributes
    ----------
    sr : int
        Its sampling rate, Hz.
    """

    def __init__(self, stream: _Stream, name: str, config: AudioConfig) -> None:
        self.sr: int = stream.samplerate
        self._stream, self._name, self._config = stream, name, config
        self._limit = math.ceil(config.max_duration * self.sr)
        self._frames, self._peak = 0, 0.0

    def __iter__(self) -> Iterator[FloatArray]:
        """Yield pieces of mono samples, shape (n,); each is valid until the next is asked for."""
        piece, filled = np.empty(_PIECE, np.float32), 0
        for frames in _blocks(self._stream, self._name, self._limit):
            if filled + len(frames) > _PIECE:
                yield self._checked(piece[:filled])
                filled = 0
            _mix(frames, piece[filled : filled + len(frames)])
            filled += len(frames)
        if filled:
            yield self._checked(piece[:filled])

    def _checked(self, piece: FloatArray) -> FloatArray:
        peak = max(float(piece.max()), -float(piece.min()))
        if not peak <= _LARGEST:  # NaN is not, either
            at = (self._frames + int((~(np.abs(piece) <= _LARGEST)).argmax())) / self.sr
            raise AudioError(
                f"{self._name} holds NaN, infinite or absurdly large samples at {at:.2f} s."
            )
        self._frames += len(piece)
        self._peak = max(self._peak, peak)
        return piece

    def check(self) -> None:
        """Raise `AudioError` if what was read is too short or silent; log it if a part is lost."""
        name, config, seconds = self._name, self._config, self._frames / self.sr
        lost = min(config.max_duration, self._stream.frames / self.sr) - seconds
        if lost > 0.01:
            _log.info("%s is cut short or damaged: the last %.2f s are missing.", name, lost)
        if seconds < config.min_duration:
            needed = f"at least {config.min_duration:g} s is needed"
            raise AudioError(f"{name} lasts {seconds:.2f} s; {needed}.")
        if self._peak < 10 ** (SILENCE_DBFS / 20):
            raise AudioError(f"{name} is silent: it never reaches {SILENCE_DBFS:g} dBFS.")


@contextmanager
def open_sound(source: Path | bytes | BinaryIO, config: AudioConfig) -> Iterator[Sound]:
    """Open a sound file, to be read to its end in the `with` block.

    Channels are averaged. At most the first `config.max_duration` seconds are read. Of a file that
    is cut short or damaged, what can be decoded before the damage counts as the file, if that is
    long enough. What codecs print on standard error is discarded.

    Parameters
    ----------
    source : Path, bytes or binary file
        The file, its content, or an open file that can seek, read from its position.
    config : AudioConfig
        `min_duration` and `max_duration` (seconds).

    Yields
    ------
    Sound
        Its samples at its own rate; full scale is 1.0, which float files and MP3 may exceed.

    Raises
    ------
    AudioError
        One line that names the file (or "The upload"), if it is missing, not a regular file, empty,
        of no format in `FORMATS`, undecodable, or holds NaN or infinity; and, at the end of the
        block, if it is too short or silent.
    """
    name = repr(str(source)) if isinstance(source, Path) else "The upload"
    with quiet_stderr(), _open(source, name) as stream:
        if stream.format not in FORMATS or stream.samplerate < _MIN_RATE:
            raise AudioError(_unsupported(name))
        sound = Sound(stream, name, config)
        yield sound
    sound.check()  # out here, where standard error works again: it may log


def load_audio(source: Path | bytes | BinaryIO, config: AudioConfig) -> FloatArray:
    """Decode a sound file to mono at `config.sr`.

    Parameters
    ----------
    source, config
        See `open_sound`; and `sr` (Hz).

    Returns
    -------
    ndarray of float32, shape (n,)
        All samples, resampled by soxr where the file is of another rate.

    Raises
    ------
    AudioError
        See `open_sound`.
    """
    with open_sound(source, config) as sound:
        parts = [piece.copy() for piece in sound]
    y = np.concatenate(parts)
    return y if sound.sr == config.sr else soxr.resample(y, sound.sr, config.sr)


def check_file(path: Path) -> os.stat_result:
    """Return what the system knows of a file, for one that may be opened as sound.

    Raises
    ------
    AudioError
        If it is missing, unreadable, not a regular file, or empty.
    """
    try:
        status = path.stat()
    except (OSError, ValueError) as error:
        raise AudioError(_cannot_open(path, error)) from error
    if not stat.S_ISREG(status.st_mode):
        what = "a directory" if stat.S_ISDIR(status.st_mode) else "not a regular file"
        raise AudioError(f"{str(path)!r} is {what}; a sound file is needed.")
    if status.st_size == 0:
        raise AudioError(f"{str(path)!r} is empty (0 bytes).")
    return status


def _cannot_open(path: Path, error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return f"{str(path)!r} does not exist."
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return f"{str(path)!r} cannot be opened: {reason}."


def _unsupported(name: str) -> str:
    return f"{name} is not in a format that can be read: MP3, OGG, FLAC, WAV and AIFF are."


class _Stream(sf.SoundFile):  # type: ignore[misc] # untyped
    """A sound file read from beginning to end.

    A seekable `SoundFile` seeks to where it is after each read, which breaks MP3: a frame may need
    bits of the one before, and mpg123 then leaves a gap at the start of each block.
    """

    def seekable(self) -> bool:
        return False


def _open(source: Path | bytes | BinaryIO, name: str) -> _Stream:
    if isinstance(source, Path):
        check_file(source)
        try:
            # A descriptor, not the name: the format is then told by content, never by suffix.
            handle: int | BinaryIO = os.open(source, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise AudioError(_cannot_open(source, error)) from error
    else:
        handle = BytesIO(source) if isinstance(source, bytes) else source
        if isinstance(source, bytes) and not source:
            raise AudioError(f"{name} is empty (0 bytes).")
    try:
        return _Stream(handle, closefd=True)
    except (sf.LibsndfileError, TypeError) as error:
        if getattr(error, "code", _NOT_RECOGNISED) == _NOT_RECOGNISED:
            raise AudioError(_unsupported(name)) from error
        raise AudioError(f"{name} is damaged or cut short: no sound can be decoded.") from error


def _blocks(stream: _Stream, name: str, limit: int) -> Iterator[FloatArray]:
    """Yield frames of shape (n, channels), each block valid until the next, `limit` in all."""
    buffer = np.empty((_BLOCK_FRAMES, stream.channels), np.float32)
    done = 0
    while done < limit:
        try:
            # Unlike `read`, this does not trust the length in the header, which may lie.
            count = stream.buffer_read_into(buffer, "float32")
        except sf.LibsndfileError as error:
            if done == 0:
                raise AudioError(f"{name} is damaged: no sound can be decoded.") from error
            return  # what came before the damage is kept
        if count == 0:
            return
        yield buffer[: min(count, limit - done)]
        done += count


@np.errstate(invalid="ignore", over="ignore")  # what is no number is reported, and where
def _mix(frames: FloatArray, mono: FloatArray) -> None:
    """Write the mean of the channels of frames, shape (n, channels), to `mono`, shape (n,)."""
    mono[:] = frames[:, 0]
    for channel in frames.T[1:]:  # forty times as fast as a mean over the short axis
        mono += channel
    mono *= np.float32(1 / frames.shape[1])
