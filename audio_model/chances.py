"""What chance decides about the crops of a batch, drawn at once.

One call of the generator for a whole batch takes as long as one for a single crop, and the thread
that cuts crops takes its time from the network that learns from them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from audio_model.augment import tone_curve
from audio_model.recipes import Augmentation

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Chances:
    """One entry, or one row, a crop.

    Attributes
    ----------
    where, step, shift : ndarray, shape (n,)
        See `audio_model.augment.crop`.
    behind : ndarray of int64, shape (n,)
        How many tracks further in the batch the one is that is mixed in; 0: none is.
    behind_where, softer : ndarray of float64, shape (n,)
        Where that one is cut, and how much softer it is, dB.
    lift : ndarray of float32, shape (n, n_mels)
        What level and tone control add to each band, dB.
    bands, spans : ndarray of int64, shape (n, masks, 2)
        First, and one past the last, of what is masked.
    """

    where: Floats
    step: Floats
    shift: Ints
    behind: Ints
    behind_where: Floats
    softer: Floats
    lift: npt.NDArray[np.float32]
    bands: Ints
    spans: Ints


def draw_chances(
    how: Augmentation, shape: tuple[int, int, int], rng: np.random.Generator, *, tracks: int
) -> Chances:
    """Draw for `shape`, (n crops, n_frames, n_mels), how each is made.

    Parameters
    ----------
    how : Augmentation
        How much may change.
    shape : tuple of int
        Crops, and frames and bands of each.
    rng : numpy.random.Generator
    tracks : int
        Tracks in the batch, at least two: one that is mixed in is another one.
    """
    n, n_frames, n_mels = shape
    mixed = rng.random(n) < how.mix
    return Chances(
        where=rng.random(n),
        step=np.exp(rng.uniform(-how.stretch, how.stretch, n)),
        shift=np.rint(rng.uniform(-how.pitch_bands, how.pitch_bands, n)).astype(np.int64),
        behind=mixed * rng.integers(1, tracks, n),
        behind_where=rng.random(n),
        softer=rng.uniform(*how.mix_db, n),
        lift=_lift(how, n, n_mels, rng=rng),
        bands=_spans((n, how.masks), min(how.mask_bands, n_mels), n_mels, rng=rng),
        spans=_spans((n, how.masks), max(1, int(how.mask_share * n_frames)), n_frames, rng=rng),
    )


def _lift(
    how: Augmentation, n: int, n_mels: int, *, rng: np.random.Generator
) -> npt.NDArray[np.float32]:
    """Draw levels, and tone controls of 3 to 5 knobs."""
    lift = np.repeat(rng.uniform(*how.gain_db, (n, 1)), n_mels, axis=1)
    controlled, knobs = rng.random(n) < how.equalise, rng.integers(3, 6, n)
    turned = rng.uniform(-how.equalise_db, how.equalise_db, (n, 5))
    for i in np.flatnonzero(controlled):
        lift[i] += tone_curve(turned[i, : knobs[i]], n_mels)
    return lift.astype(np.float32)


def _spans(size: tuple[int, int], below: int, length: int, *, rng: np.random.Generator) -> Ints:
    """Draw widths below a limit, and where they lie."""
    width = rng.integers(0, below, size)
    first = rng.integers(0, length - width)
    return np.stack([first, first + width], axis=-1)
