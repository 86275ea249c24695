"""Opens sound files, told by content, or says in one line why one cannot be opened."""

from __future__ import annotations

import os
import stat
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import soundfile as sf

from data.errors import AudioError

FORMATS = ("WAV", "WAVEX", "RF64", "W64", "FLAC", "OGG", "MP3", "AIFF", "AU", "CAF")
"""Containers that are read, by libsndfile's names; OGG holds Vorbis, Opus or FLAC."""

_MIN_RATE = 1000  # Hz; below, what is read is no music but a broken header
_NOT_RECOGNISED = 1  # SF_ERR_UNRECOGNISED_FORMAT


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


class Stream(sf.SoundFile):  # type: ignore[misc] # untyped
    """A sound file read from beginning to end.

    A seekable `SoundFile` seeks to where it is after each read, which breaks MP3: a frame may need
    bits of the one before, and mpg123 then leaves a gap at the start of each block.
    """

    def seekable(self) -> bool:
        """Return that it is not."""
        return False


def open_stream(source: Path | bytes | BinaryIO, name: str) -> Stream:
    """Open a sound file; `name` is what an `AudioError` calls it.

    Raises
    ------
    AudioError
        If it is missing, not a regular file, empty, of no format in `FORMATS`, or so damaged that
        nothing can be decoded.
    """
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
        stream = Stream(handle, closefd=True)
    except (sf.LibsndfileError, TypeError) as error:
        if getattr(error, "code", _NOT_RECOGNISED) == _NOT_RECOGNISED:
            raise AudioError(_unsupported(name)) from error
        raise AudioError(f"{name} is damaged or cut short: no sound can be decoded.") from error
    if stream.format not in FORMATS or stream.samplerate < _MIN_RATE:
        stream.close()
        raise AudioError(_unsupported(name))
    return stream
