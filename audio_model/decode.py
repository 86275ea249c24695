"""Sound files to samples: mono float32 at one sampling rate.

libsndfile decodes (MP3 through mpg123), soxr resamples. Files are read in blocks, and only mono
samples at the target rate are kept, so a three-hour file needs no more memory than its first
`max_duration` seconds do.
"""

from __future__ import annotations

import logging
import math
import os
import stat
from collections.abc import Iterator
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
_MIN_RATE = 1000  # Hz; below, what is read is no music but a broken header
_LARGEST = 1e6  # a float file may exceed full scale (1.0), but not by 120 dB
_NOT_RECOGNISED = 1  # SF_ERR_UNRECOGNISED_FORMAT

_log = logging.getLogger("segue.audio")


def load_audio(source: Path | bytes | BinaryIO, config: AudioConfig) -> FloatArray:
    """Decode a sound file to mono at `config.sr`.

    Channels are averaged. At most the first `config.max_duration` seconds are read. Of a file that
    is cut short or damaged, what can be decoded before the damage counts as the file, if that is
    long enough. What codecs print on standard error is discarded.

    Parameters
    ----------
    source : Path, bytes or binary file
        The file, its content, or an open file that can seek, read from its position.
    config : AudioConfig
        `sr` (Hz), `min_duration` and `max_duration` (seconds).

    Returns
    -------
    ndarray of float32, shape (n,)
        Samples; full scale is 1.0, which float files and MP3 may exceed.

    Raises
    ------
    AudioError
        One line that names the file (or "The upload"), if it is missing, not a regular file, empty,
        of no format in `FORMATS`, undecodable, too short, silent, or holds NaN or infinity.
    """
    name = repr(str(source)) if isinstance(source, Path) else "The upload"
    with quiet_stderr(), _open(source, name) as sound:
        if sound.format not in FORMATS or sound.samplerate < _MIN_RATE:
            raise AudioError(_unsupported(name))
        y, seconds = _decode(sound, name, config)
        promised = min(config.max_duration, sound.frames / sound.samplerate)
    # Logged out here, where standard error works again.
    if promised - seconds > 0.01:
        lost = promised - seconds
        _log.info("%s is cut short or damaged: the last %.2f s are missing.", name, lost)
    if seconds < config.min_duration:
        needed = f"at least {config.min_duration:g} s is needed"
        raise AudioError(f"{name} lasts {seconds:.2f} s; {needed}.")
    if np.abs(y).max(initial=0.0) < 10 ** (SILENCE_DBFS / 20):
        raise AudioError(f"{name} is silent: it never reaches {SILENCE_DBFS:g} dBFS.")
    return y


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


def _decode(sound: _Stream, name: str, config: AudioConfig) -> tuple[FloatArray, float]:
    """Return mono samples at the target rate, and the seconds decoded."""
    limit = math.ceil(config.max_duration * sound.samplerate)
    frames, parts = 0, []
    resampler = None
    if sound.samplerate != config.sr:
        resampler = soxr.ResampleStream(sound.samplerate, config.sr, 1, dtype="float32")
    for block in _mono_blocks(sound, name, limit):
        frames += block.size
        parts.append(block if resampler is None else resampler.resample_chunk(block))
    if resampler is not None:
        parts.append(resampler.resample_chunk(np.empty(0, np.float32), last=True))
    y = np.concatenate(parts) if parts else np.empty(0, np.float32)
    return y, frames / sound.samplerate


def _mono_blocks(sound: _Stream, name: str, limit: int) -> Iterator[FloatArray]:
    buffer = np.empty((_BLOCK_FRAMES, sound.channels), np.float32)
    done = 0
    while done < limit:
        try:
            # Unlike `read`, this does not trust the length in the header, which may lie.
            count = sound.buffer_read_into(buffer, "float32")
        except sf.LibsndfileError as error:
            if done == 0:
                raise AudioError(f"{name} is damaged: no sound can be decoded.") from error
            return  # what came before the damage is kept
        if count == 0:
            return
        frames = buffer[: min(count, limit - done)]
        bad = ~(np.abs(frames) <= _LARGEST).all(axis=1)  # written so that NaN is bad, too
        if bad.any():
            at = (done + int(bad.argmax())) / sound.samplerate
            raise AudioError(f"{name} holds NaN, infinite or absurdly large samples at {at:.2f} s.")
        yield frames.mean(axis=1)
        done += len(frames)
