"""Everyday changes of a recording, and the spectrograms of what they leave."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
import soundfile as sf
import soxr

from audio_model.cache import MelCache, fingerprint
from audio_model.config import AudioConfig
from audio_model.decode import open_sound
from audio_model.pool import read_in_workers
from data.errors import AudioError
from engine.hearing.gallery import MelKey, Progress, mel_key

Samples = npt.NDArray[np.float32]

MP3 = "MP3, 64 kbit/s"
GAIN_DB = -12.0
CUT_SECONDS = 10.0
BAND_HZ = 8_000

LONGEST = 900.0
"""Tracks longer than this are not changed, seconds: they are held in memory whole."""

# Sampling rates of MP3, and the bit rates (kbit/s) of the compression levels 0 and 1 of libsndfile.
_MP3_RATES = {
    **dict.fromkeys((8_000, 11_025, 12_000), (64, 8)),
    **dict.fromkeys((16_000, 22_050, 24_000), (160, 8)),
    **dict.fromkeys((32_000, 44_100, 48_000), (320, 32)),
}


def _gain(y: Samples, _: int) -> Samples:
    return y * np.float32(10 ** (GAIN_DB / 20))


def _cut(y: Samples, sr: int) -> Samples:
    return y[round(CUT_SECONDS * sr) :]


def _band(y: Samples, sr: int) -> Samples:
    return _resampled(_resampled(y, sr, 2 * BAND_HZ), 2 * BAND_HZ, sr)


def _resampled(y: Samples, old: int, new: int) -> Samples:
    return np.asarray(soxr.resample(y, old, new), np.float32)


CHANGES: Mapping[str, Callable[[Samples, int], Samples]] = MappingProxyType(
    {
        MP3: lambda y, _: y,
        f"gain {GAIN_DB:.0f} dB": _gain,
        f"first {CUT_SECONDS:.0f} s cut": _cut,
        f"nothing over {BAND_HZ // 1000} kHz": _band,
    }
)
"""By name: what is done to samples of shape (n,) at a rate (Hz) before they are written."""

Keys = Mapping[str, Mapping[MelKey, str]]
"""Of one track: where the cache keeps the spectrograms of its changed selves."""


def write_changed(y: Samples, sr: int, *, change: str, path: Path) -> None:
    """Write changed samples as a file: MP3 where that is the change, else WAV of 32-bit floats.

    Parameters
    ----------
    y : ndarray of float32, shape (n,)
        Mono.
    sr : int
        Its sampling rate, Hz, which the file has too, unless MP3 does not know it.
    change : str
        A key of `CHANGES`.
    path : Path
        The file.
    """
    changed = CHANGES[change](y, sr)
    if change != MP3:
        sf.write(path, changed, sr, format="WAV", subtype="FLOAT")
        return
    rate = max((r for r in _MP3_RATES if r <= sr), default=min(_MP3_RATES))
    most, least = _MP3_RATES[rate]
    sf.write(
        path,
        changed if rate == sr else _resampled(changed, sr, rate),
        rate,
        format="MP3",
        bitrate_mode="CONSTANT",
        compression_level=(most - 64) / (most - least),
    )


def changed_sounds(
    paths: Sequence[Path],
    configs: Sequence[AudioConfig],
    directory: Path,
    *,
    workers: int = 1,
    progress: Progress | None = None,
) -> tuple[list[Keys], list[str]]:
    """Make the spectrograms of all changes of some files.

    Parameters
    ----------
    paths : sequence of Path
        Usable sound files.
    configs : sequence of AudioConfig
        Which spectrograms.
    directory : Path
        A cache that receives them, float16: four times those of the files for each configuration.
    workers : int
        Processes that change and decode.
    progress : callable, optional
        Told (done, total, what).

    Returns
    -------
    keys : list of Keys
        One a file. A change is missing where it leaves too little to hear.
    errors : list of str
        Why files could not be changed at all.
    """
    kinds = {mel_key(config): config for config in configs}
    directory.mkdir(parents=True, exist_ok=True)
    found: list[Keys] = [{} for _ in paths]
    errors = []
    outcomes = read_in_workers(
        partial(_change_file, list(kinds.values()), directory), paths, workers=workers
    )
    with closing(outcomes):
        for done, outcome in enumerate(outcomes, start=1):
            found[outcome.index] = outcome.value or {}
            errors += [outcome.error] if outcome.error else []
            if progress is not None:
                progress(done, len(paths), "changing sound")
    return found, errors


def _change_file(configs: Sequence[AudioConfig], directory: Path, path: Path) -> Keys:
    longest = max(config.max_duration for config in configs)
    with open_sound(path, AudioConfig(min_duration=1e-3, max_duration=longest)) as sound:
        y = np.concatenate([piece.copy() for piece in sound])
    keys: dict[str, dict[MelKey, str]] = {}
    with TemporaryDirectory(dir=directory) as temporary:
        for i, change in enumerate(CHANGES):
            file = Path(temporary, f"{i}.{'mp3' if change == MP3 else 'wav'}")
            write_changed(y, sound.sr, change=change, path=file)
            try:
                keys[change] = {mel_key(c): _keep(file, MelCache(directory, c)) for c in configs}
            except AudioError:  # the cut left too little
                continue
    return keys


def _keep(file: Path, cache: MelCache) -> str:
    cache.mel(file)
    return fingerprint(file, cache.config)
