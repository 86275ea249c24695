"""The parts of a bundle, before it is written and after it is opened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from cf_model.neighbours import ItemNeighbours
from cf_model.prior import ContentPrior
from data.catalog import Catalog
from data.errors import BundleError
from data.vocabulary import Vocabulary
from engine.duplicates import Duplicates
from ranker.lambdamart import LambdaMART

_PRIOR = "prior_"
"""Beginning of the names of the content prior's files."""


class Shaped(Protocol):
    """An array or a sparse matrix."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Its size in each direction."""
        ...


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
        As plays and sound together say; a zero row for a track of which neither says anything.
    gram : ndarray of float64, shape (f, f), optional
        `gram_matrix` of the factors as plays alone trained them: what a user did not play, of the
        tracks that anybody could. None in a bundle of an older version, in which it is that of
        `item_factors`.
    prior : ContentPrior, optional
        What sound says of factors; None where it was not learnt.
    uncertainty : ndarray of float32, shape (n_tracks,), optional
        Of what sound alone says; there with `prior`.
    """

    user_factors: npt.NDArray[np.float32]
    item_factors: npt.NDArray[np.float32]
    gram: npt.NDArray[np.float64] | None = None
    prior: ContentPrior | None = None
    uncertainty: npt.NDArray[np.float32] | None = None

    @classmethod
    def of(cls, arrays: Mapping[str, npt.NDArray[Any]]) -> Behaviour:
        """Make it of its `arrays`.

        Raises
        ------
        DataError
            If the content prior does not fit together.
        """
        start = len(_PRIOR)
        prior = {name[start:]: a for name, a in arrays.items() if name.startswith(_PRIOR)}
        return cls(
            arrays["user_factors"],
            arrays["item_factors"],
            arrays.get("item_gram"),
            ContentPrior.of(prior) if prior else None,
            arrays.get("item_uncertainty"),
        )

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Return all arrays by the names of their files."""
        found: dict[str, npt.NDArray[Any] | None] = {
            "user_factors": self.user_factors,
            "item_factors": self.item_factors,
            "item_gram": self.gram,
            "item_uncertainty": self.uncertainty,
        }
        if self.prior is not None:
            found |= {f"{_PRIOR}{name}": array for name, array in self.prior.arrays().items()}
        return {name: array for name, array in found.items() if array is not None}


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
    recent : ndarray of float32, shape (n_tracks,), optional
        How many users played each track lately, see `data.recent.recent_listeners`; None where no
        times are known.
    neighbours : ItemNeighbours, optional
        Which tracks the listeners of each track play, too.
    ranker : LambdaMART, optional
        The learned ranker; None where rank fusion blends.

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
    recent: npt.NDArray[np.float32] | None = None
    neighbours: ItemNeighbours | None = None
    ranker: LambdaMART | None = None

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
            if self.behaviour.gram is not None:
                self._check("item_gram", self.behaviour.gram, (width, width))
            if self.behaviour.uncertainty is not None:
                self._check("item_uncertainty", self.behaviour.uncertainty, (tracks,))
        if self.duplicates is not None:
            self.duplicates.check(tracks)
        if self.recent is not None:
            self._check("recent", self.recent, (tracks,))
        if self.neighbours is not None:
            self._check("neighbours", self.neighbours.weights, (tracks, tracks))

    @staticmethod
    def _check(name: str, array: Shaped, shape: tuple[int | None, ...]) -> None:
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
            arrays.update(self.behaviour.arrays())
        if self.recent is not None:
            arrays["recent"] = self.recent
        if self.neighbours is not None:
            arrays["neighbours"] = self.neighbours.weights.data
        for name, array in arrays.items():
            if not np.isfinite(array).all():
                raise BundleError(f"`{name}` holds NaN or infinite values.")
