"""What a bundle knows of duplicates: who stands for whom, and the prints to look others up."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from data.errors import BundleError
from engine.duplicates.find import find_pairs, look_up
from engine.duplicates.groups import group_recordings
from engine.duplicates.index import Keys, RecordingIndex, build_index
from engine.duplicates.recordings import Recordings, Words
from ranker.recordings import OneOfEach

IntArray = npt.NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Duplicates:
    """The groups of tracks that are one recording.

    Attributes
    ----------
    representatives : ndarray of int32, shape (n_tracks,)
        The track that stands for the group of each; a track alone stands for itself.
    recordings : Recordings
        The prints of the tracks.
    keys : ndarray of uint64, shape (n,)
        Their index, see `engine.duplicates.index.build_index`.
    """

    representatives: IntArray
    recordings: Recordings
    keys: Keys

    @classmethod
    def find(cls, recordings: Recordings) -> Duplicates:
        """Find the groups among the prints of all tracks."""
        index = RecordingIndex(recordings, build_index(recordings))
        representatives = group_recordings(recordings, find_pairs(index))
        return cls(representatives, recordings, index.keys)

    def check(self, n_tracks: int) -> None:
        """Raise `BundleError` unless these are the groups of `n_tracks` tracks."""
        self.recordings.check(n_tracks)
        stands = self.representatives
        inside = stands.shape == (n_tracks,) and (n_tracks == 0 or stands.min() >= 0)
        # Who stands for a group stands for itself, so that two of a group never disagree.
        if (
            not inside
            or stands.max(initial=0) >= max(n_tracks, 1)
            or (stands[stands] != stands).any()
        ):
            raise BundleError(f"The groups of duplicates are not those of {n_tracks:,} tracks.")
        if self.keys.ndim != 1:
            raise BundleError(f"The index of recordings has shape {self.keys.shape}.")

    @cached_property
    def grouped(self) -> npt.NDArray[np.bool_]:
        """Which tracks share their recording with another one, shape (n_tracks,)."""
        sizes = np.bincount(self.representatives, minlength=len(self.representatives))
        return np.asarray(sizes[self.representatives] > 1)

    def groups(self) -> list[list[int]]:
        """Return the groups of two tracks or more, each with its representative first."""
        members: dict[int, list[int]] = {}
        for track in np.flatnonzero(self.grouped).tolist():
            members.setdefault(int(self.representatives[track]), []).append(track)
        return [[r, *(t for t in tracks if t != r)] for r, tracks in sorted(members.items())]

    def of_recording(self, words: Words) -> int | None:
        """Return the track that is the same recording as a print; None if there is none."""
        found = look_up(words, RecordingIndex(self.recordings, self.keys))
        return None if found is None else found[0]


def one_of_each(duplicates: Duplicates | None, listeners: npt.NDArray[np.floating]) -> OneOfEach:
    """Return the rule that keeps duplicates out of answers.

    Parameters
    ----------
    duplicates : Duplicates or None
        Of the bundle; None where it knows of none.
    listeners : ndarray of float32, shape (n_tracks,)
        Of tracks that are the same recording, the one with most listeners is answered.
    """
    if duplicates is None:
        return OneOfEach(np.arange(len(listeners), dtype=np.int32), listeners)
    return OneOfEach(duplicates.representatives, listeners)
