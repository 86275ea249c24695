"""Sound files to samples: mono float32.

libsndfile decodes (MP3 through mpg123), a block at a time, so that a file may be of any length.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
import soundfile as sf
import soxr

from audio_model.config import AudioConfig
from audio_model.containers import Stream, open_stream
from audio_model.quiet import quiet_stderr
from data.errors import AudioError

FloatArray = npt.NDArray[np.float32]

SILENCE_DBFS = -80.0
"""Sound whose peak is below this level, dB relative to full scale, is silent."""

_BLOCK_FRAMES = 8192  # small: a damaged FLAC block is lost whole
_PIECE = 32 * _BLOCK_FRAMES  # decoding and transforming in longer turns saves an eighth of the time
_LARGEST = 1e6  # a float file may exceed full scale (1.0), but not by 120 dB

_log = logging.getLogger("segue.audio")


class Sound:
    """An open sound file: iterate over it, once, for its samples.

    Attributes
    ----------
    sr : int
        Its sampling rate, Hz.
    """

    def __init__(self, stream: Stream, name: str, config: AudioConfig) -> None:
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
        damage = f" is cut short or damaged: the last {lost:.2f} s are missing."
        if seconds < config.min_duration:
            needed = f"at least {config.min_duration:g} s is needed"
            more = f" It{damage}" if lost > 0.01 else ""
            raise AudioError(f"{name} lasts {seconds:.2f} s; {needed}.{more}")
        if self._peak < 10 ** (SILENCE_DBFS / 20):
            raise AudioError(f"{name} is silent: it never reaches {SILENCE_DBFS:g} dBFS.")
        if lost > 0.01:
            _log.info("%s%s", name, damage)


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
        One line that names the file (or "The upload"), if it cannot be opened (see
        `audio_model.containers.open_stream`) or holds NaN or infinity; and, at the end of the
        block, if it is too short or silent.
    """
    name = repr(str(source)) if isinstance(source, Path) else "The upload"
    with quiet_stderr(), open_stream(source, name) as stream:
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


def _blocks(stream: Stream, name: str, limit: int) -> Iterator[FloatArray]:
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
