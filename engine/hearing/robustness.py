"""What everyday changes of a recording do to its vector."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from audio_model.cache import MelCache
from data.errors import AudioError, DataError
from engine.hearing.changes import CHANGES, Keys, changed_sounds
from engine.hearing.gallery import IntArray, MelArray, MelKey, Progress, mel_key
from engine.hearing.report import Robustness, Steadiness
from engine.hearing.retrieval import BoolArray, FloatArray, unit_length
from engine.hearing.systems import Part

_SAME = 1e-6  # cosines nearer than this are equal: a file may be there twice


def measure_robustness(
    systems: Mapping[str, Sequence[Part]],
    paths: Sequence[Path],
    sample: IntArray,
    *,
    directory: Path,
    workers: int = 1,
    progress: Progress | None = None,
) -> dict[str, Robustness]:
    """Measure what the changes do to the vectors of all systems.

    Parameters
    ----------
    systems : mapping of str to sequence of Part
        Each track is heard by the encoder that is asked about it.
    paths : sequence of Path
        The files of the gallery.
    sample : ndarray of int64, shape (s,)
        Positions in the gallery of the tracks that are changed.
    directory : Path
        See `changed_sounds`.
    workers, progress
        See `changed_sounds`.

    Returns
    -------
    dict of str to Robustness
        By system; empty if no track is sampled.

    Raises
    ------
    AudioError
        If none of them can be changed.
    """
    if not len(sample):
        return {}
    configs = [part.system.config for parts in systems.values() for part in parts]
    keys, errors = changed_sounds(
        [paths[i] for i in sample], configs, directory, workers=workers, progress=progress
    )
    if not any(keys):
        raise AudioError("; ".join(errors[:1]) or "The sounds are too short.")
    return {
        name: _robustness(parts, sample, keys, directory=directory)
        for name, parts in systems.items()
    }


def _robustness(
    parts: Sequence[Part], sample: IntArray, keys: Sequence[Keys], *, directory: Path
) -> Robustness:
    heard = [_of_part(part, sample, keys, directory=directory) for part in parts]
    changes = {}
    for change in CHANGES:
        own = np.concatenate([by_change[change][0] for _, by_change in heard])
        found = np.concatenate([by_change[change][1] for _, by_change in heard])
        if len(own):
            low = float(np.quantile(own, 0.05))
            changes[change] = Steadiness(len(own), float(own.mean()), low, float(found.mean()))
    return Robustness(float(np.concatenate([others for others, _ in heard]).mean()), changes)


def _of_part(
    part: Part, sample: IntArray, keys: Sequence[Keys], *, directory: Path
) -> tuple[FloatArray, dict[str, tuple[FloatArray, BoolArray]]]:
    """Return what a part's sampled tracks are like.

    Their mean cosine to all other tracks; and, by change, the cosine to the changed self, with
    whether that finds the track.
    """
    gallery = unit_length(part.vectors.tracks)
    mine = np.flatnonzero(np.isin(sample, part.asked)).tolist()
    to_all = gallery[sample[mine]] @ gallery.T
    others = (to_all.sum(axis=1) - to_all[np.arange(len(mine)), sample[mine]]) / (len(gallery) - 1)
    changes = {}
    for change in CHANGES:
        there = [i for i in mine if change in keys[i]]
        cosine = _hear(part, [keys[i][change] for i in there], directory) @ gallery.T
        own = cosine[np.arange(len(there)), sample[there]]
        changes[change] = own, own >= cosine.max(axis=1, initial=-1) - _SAME
    return others, changes


def _hear(part: Part, keys: Sequence[Mapping[MelKey, str]], directory: Path) -> FloatArray:
    """Return the vectors that a system makes of kept spectrograms, unit rows, shape (n, d)."""
    cache = MelCache(directory, part.system.config)
    mels = (cache.load(key[mel_key(part.system.config)]) for key in keys)
    tracks = [track for track, _ in part.system.hear(_present(mels, directory))]
    if not tracks:
        return np.empty((0, part.vectors.tracks.shape[1]))
    vectors = np.stack(tracks)
    scale = part.vectors.scale
    return unit_length(vectors if scale is None else scale.apply(vectors))


def _present(mels: Iterable[MelArray | None], directory: Path) -> Iterator[MelArray]:
    for mel in mels:
        if mel is None:
            raise DataError(f"A spectrogram has gone from {str(directory)!r}. Run it again.")
        yield mel
