"""The prints of many recordings, one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from data.errors import BundleError

Words = npt.NDArray[np.uint32]
Offsets = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Recordings:
    """Prints as `audio_model.recording` makes them, in the order of the tracks.

    Attributes
    ----------
    words : ndarray of uint32, shape (total_words,)
        0 where nothing is to be heard.
    offsets : ndarray of int64, shape (n_tracks + 1,)
        Track i has the words `offsets[i]` to `offsets[i + 1]`; none where it has no print.
    """

    words: Words
    offsets: Offsets

    @classmethod
    def of(cls, prints: Sequence[Words]) -> Recordings:
        """Put prints one after the other."""
        offsets = np.cumsum([0, *(len(words) for words in prints)], dtype=np.int64)
        return cls(np.concatenate([np.empty(0, np.uint32), *prints]), offsets)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, track: int) -> Words:
        return self.words[self.offsets[track] : self.offsets[track + 1]]

    @property
    def lengths(self) -> Offsets:
        """Words of each track, shape (n_tracks,), int64."""
        return np.diff(self.offsets)

    def check(self, n_tracks: int) -> None:
        """Raise `BundleError` unless these are the prints of `n_tracks` tracks."""
        ordered = self.offsets.shape == (n_tracks + 1,) and (self.lengths >= 0).all()
        if not ordered or self.offsets[0] != 0 or self.words.shape != (self.offsets[-1],):
            raise BundleError(
                f"The prints of recordings, {self.words.size:,} words, are not those of "
                f"{n_tracks:,} tracks."
            )
