"""What may be done to a recording: changes that leave it the same, and others that don't."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import soundfile as sf
import soxr

from audio_model.config import AudioConfig
from audio_model.decode import load_audio
from audio_model.mel import sound_mel
from audio_model.recording import recording_print
from data.errors import AudioError
from engine.duplicates.recordings import Words

Samples = npt.NDArray[np.float32]
Change = Callable[[Samples, Samples, np.random.Generator], Samples]
"""Takes the samples of a recording and those of another one, and may draw lots."""

RATE = 44_100
"""Rate at which changes are made, Hz, in mono."""

# libsndfile's constant bit rate at 44.1 kHz goes from 320 (level 0) to 32 kbit/s (level 1).
_MP3_64 = (320 - 64) / (320 - 32)
_OGG_LOW = 0.9  # quality 1 of 10
_OPENING = 5.0  # seconds
_OPTIONS: dict[str, dict[str, Any]] = {
    "WAV": {"subtype": "PCM_16"},
    "MP3": {"bitrate_mode": "CONSTANT", "compression_level": _MP3_64},
    "OGG": {"compression_level": _OGG_LOW},
}


@dataclass(frozen=True)
class Kind:
    """One kind of change.

    Attributes
    ----------
    apply : callable
        See `Change`.
    format : str
        What the result is written as: "MP3", "OGG" or "WAV" (16 bit).
    rate : int
        Sampling rate that it is written at, Hz.
    same : bool
        Whether it leaves the recording the same.
    """

    apply: Change = lambda y, _other, _rng: y
    format: str = "WAV"
    rate: int = RATE
    same: bool = True

    def encoded(self, y: Samples, other: Samples, rng: np.random.Generator) -> bytes:
        """Return the changed samples as the content of a file."""
        changed = self.apply(y, other, rng)
        if self.rate != RATE:
            changed = soxr.resample(changed, RATE, self.rate)
        file = BytesIO()
        # Mixing may exceed full scale, which 16 bits would clip: not what is measured here.
        peak = max(1.0, float(np.abs(changed).max(initial=0)))
        sf.write(
            file, changed / np.float32(peak), self.rate, format=self.format, **_OPTIONS[self.format]
        )
        return file.getvalue()


def _quieter(y: Samples, _other: Samples, _rng: np.random.Generator) -> Samples:
    return y * np.float32(10 ** (-12 / 20))


def _cut(y: Samples, _other: Samples, rng: np.random.Generator) -> Samples:
    return y[round((10 + rng.random()) * RATE) :]


def _trimmed(y: Samples, _other: Samples, rng: np.random.Generator) -> Samples:
    start = rng.random() * max(0.0, len(y) / RATE - 20)
    return y[round(start * RATE) : round((start + 20) * RATE)]


def _band(y: Samples, _other: Samples, _rng: np.random.Generator) -> Samples:
    return np.asarray(soxr.resample(soxr.resample(y, RATE, 16_000), 16_000, RATE), np.float32)


def _opened(y: Samples, other: Samples, _rng: np.random.Generator) -> Samples:
    return np.concatenate([other[: round(_OPENING * RATE)], y])


def _under_another(y: Samples, other: Samples, _rng: np.random.Generator) -> Samples:
    size = min(len(y), len(other))
    loud, voice = (float(np.sqrt(np.mean(part[:size] ** 2))) for part in (y, other))
    return y[:size] + other[:size] * np.float32(loud / max(voice, 1e-6))


KINDS = {
    "MP3, 64 kbit/s": Kind(format="MP3"),
    "OGG, about 60 kbit/s": Kind(format="OGG"),
    "gain -12 dB": Kind(_quieter),
    "first 10 to 11 s cut": Kind(_cut),
    "first 10 to 11 s cut, MP3": Kind(_cut, "MP3"),
    "trimmed to 20 s": Kind(_trimmed),
    "trimmed to 20 s, MP3": Kind(_trimmed, "MP3"),
    "nothing over 8 kHz": Kind(_band),
    "8 kHz sampling rate": Kind(rate=8_000),
    "22.05 kHz sampling rate": Kind(rate=22_050),
    "5 s of one jingle in front": Kind(_opened),
    "another track over it, as loud": Kind(_under_another, same=False),
}
"""By name; of the jingle, all tracks get the same one, which must not join them."""


def changed_prints(
    path: Path, config: AudioConfig, *, jingle: Path, other: Path, seed: tuple[int, ...]
) -> dict[str, Words]:
    """Return the prints of a sound file and of what each kind of change makes of it.

    Parameters
    ----------
    path : Path
    config : AudioConfig
        Settings of the spectrograms.
    jingle : Path
        What all files are opened with.
    other : Path
        What is laid over this one.
    seed : tuple of int
        Decides where it is cut.

    Returns
    -------
    dict of str to ndarray of uint32
        By name in `KINDS`; a kind is missing where it leaves too little to hear.

    Raises
    ------
    AudioError
        If one of the files cannot be used.
    """
    whole = AudioConfig(sr=RATE, min_duration=config.min_duration, max_duration=config.max_duration)
    y, opening, over = (load_audio(source, whole) for source in (path, jingle, other))
    prints = {}
    for number, (name, kind) in enumerate(KINDS.items()):
        second = opening if kind.apply is _opened else over
        content = kind.encoded(y, second, np.random.default_rng([*seed, number]))
        try:
            prints[name] = recording_print(sound_mel(content, config), config)
        except AudioError:  # too short or silent
            continue
    return prints
