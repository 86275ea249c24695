"""The parts of a bundle, before it is written and after it is opened."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from data.catalog import Catalog
from data.errors import BundleError
from data.vocabulary import Vocabulary
from engine.duplicates import Duplicates


@dataclass(frozen=True)
class Segments:
    """What the chunks of tracks sound like, in the order of the tracks.

    Attributes
    ----------
    vectors : ndarray of float16, shape (total_chunks, d)
        Unit rows; chunk i of a track begins i chunks after its beginning, the last one up to half
        a chunk before that.
    offsets : ndarray of int64, shape (n_tracks + 1,)
        Track i has the rows `offsets[i]` to `offsets[i + 1]`; none where none are known.
    seconds : float
        Length of a chunk.
    """

    vectors: npt.NDArray[np.float16]
    offsets: npt.NDArray[np.int64]
    seconds: float

    def of(self, track: int) -> npt.NDArray[np.float16]:
        """Return the chunks of one track, shape (n_chunks, d); of a mapped array, only those."""
        return self.vectors[self.offsets[track] : self.offsets[track + 1]]

    def check(self, n_tracks: int, width: int) -> None:
        """Raise `BundleError` unless there are rows of `width` for `n_tracks` tracks, in order."""
        ordered = self.offsets.shape == (n_tracks + 1,) and (np.diff(self.offsets) >= 0).all()
        shape = (int(self.offsets[-1]), width) if ordered and self.offsets[0] == 0 else None
        if self.vectors.shape != shape or not self.seconds > 0:
            raise BundleError(
                f"The segments, of shape {self.vectors.shape} and {self.seconds:g} s each, are not "
                f"those of {n_tracks} tracks with embeddings of {width} values."
            )


@dataclass(frozen=True)
class Acoustic:
    """What tracks sound like.

    Attributes
    ----------
    space : str
        Where the vectors come from: "imported", or the fingerprint of the encoder.
    embeddings : ndarray of float32, shape (n_tracks, d)
        Normalised to length 1; a zero row for a track without an embedding.
    known : ndarray of bool, shape (n_tracks,)
        Which tracks have an embedding.
    encoder : Path, optional
        Directory of the saved encoder; None for imported embeddings, for which no upload can be
        placed among the tracks.
    segments : Segments, optional
        The chunks of the tracks; None for imported embeddings.
    """

    space: str
    embeddings: npt.NDArray[np.float32]
    known: npt.NDArray[np.bool_]
    encoder: Path | None = None
    segments: Segments | None = None


@dataclass(frozen=True)
class Behaviour:
    """Who likes what: the factors of ALS.

    Attributes
    ----------
    user_factors : ndarray of float32, shape (n_users, f)
    item_factors : ndarray of float32, shape (n_tracks, f)
        A zero row for a track without plays.
    """

    user_factors: npt.NDArray[np.float32]
    item_factors: npt.NDArray[np.float32]


@dataclass(frozen=True)
class BundleContents:
    """Everything that a bundle holds.

    Attributes
    ----------
    catalog : Catalog
        The tracks, whose order is the order of all arrays.
    users : Vocabulary
        The users of the training data.
    listeners : ndarray of float32, shape (n_tracks,)
        How many users played each track.
    plays : ndarray of float32, shape (n_tracks,)
        How often each track was played.
    acoustic : Acoustic, optional
    behaviour : Behaviour, optional
    duplicates : Duplicates, optional
        Which tracks are the same recording; None where no prints of them are known.

    Raises
    ------
    BundleError
        If shapes disagree with the vocabularies, or a number is not finite.
    """

    catalog: Catalog
    users: Vocabulary
    listeners: npt.NDArray[np.float32]
    plays: npt.NDArray[np.float32]
    acoustic: Acoustic | None = None
    behaviour: Behaviour | None = None
    duplicates: Duplicates | None = None

    def __post_init__(self) -> None:
        tracks, users = len(self.catalog), len(self.users)
        self._check("listeners", self.listeners, (tracks,))
        self._check("plays", self.plays, (tracks,))
        if self.acoustic is not None:
            self._check("embeddings", self.acoustic.embeddings, (tracks, None))
            self._check("known", self.acoustic.known, (tracks,))
            if self.acoustic.segments is not None:
                self.acoustic.segments.check(tracks, self.acoustic.embeddings.shape[1])
        if self.behaviour is not None:
            width = self.behaviour.item_factors.shape[-1]
            self._check("item_factors", self.behaviour.item_factors, (tracks, width))
            self._check("user_factors", self.behaviour.user_factors, (users, width))
        if self.duplicates is not None:
            self.duplicates.check(tracks)

    @staticmethod
    def _check(name: str, array: npt.NDArray[np.generic], shape: tuple[int | None, ...]) -> None:
        good = len(array.shape) == len(shape)
        if not good or any(b not in (None, a) for a, b in zip(array.shape, shape, strict=True)):
            raise BundleError(
                f"`{name}` has shape {array.shape}, but the vocabularies ask for {shape}."
            )

    def check_finite(self) -> None:
        """Raise `BundleError` if an array holds NaN or infinity."""
        arrays: dict[str, npt.NDArray[np.floating]] = {
            "listeners": self.listeners,
            "plays": self.plays,
        }
        if self.acoustic is not None:
            arrays["embeddings"] = self.acoustic.embeddings
            if self.acoustic.segments is not None:
                arrays["segments"] = self.acoustic.segments.vectors
        if self.behaviour is not None:
            arrays["user_factors"] = self.behaviour.user_factors
            arrays["item_factors"] = self.behaviour.item_factors
        for name, array in arrays.items():
            if not np.isfinite(array).all():
                raise BundleError(f"`{name}` holds NaN or infinite values.")
