"""The parts of a bundle, before it is written and after it is opened."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from data.catalog import Catalog
from data.errors import BundleError
from data.vocabulary import Vocabulary


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
    """

    space: str
    embeddings: npt.NDArray[np.float32]
    known: npt.NDArray[np.bool_]
    encoder: Path | None = None


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

    def __post_init__(self) -> None:
        tracks, users = len(self.catalog), len(self.users)
        self._check("listeners", self.listeners, (tracks,))
        self._check("plays", self.plays, (tracks,))
        if self.acoustic is not None:
            self._check("embeddings", self.acoustic.embeddings, (tracks, None))
            self._check("known", self.acoustic.known, (tracks,))
        if self.behaviour is not None:
            width = self.behaviour.item_factors.shape[-1]
            self._check("item_factors", self.behaviour.item_factors, (tracks, width))
            self._check("user_factors", self.behaviour.user_factors, (users, width))

    @staticmethod
    def _check(name: str, array: npt.NDArray[np.generic], shape: tuple[int | None, ...]) -> None:
        good = len(array.shape) == len(shape)
        if not good or any(b not in (None, a) for a, b in zip(array.shape, shape, strict=True)):
            raise BundleError(
                f"`{name}` has shape {array.shape}, but the vocabularies ask for {shape}."
            )

    def check_finite(self) -> None:
        """Raise `BundleError` if an array holds NaN or infinity."""
        arrays = {"listeners": self.listeners, "plays": self.plays}
        if self.acoustic is not None:
            arrays["embeddings"] = self.acoustic.embeddings
        if self.behaviour is not None:
            arrays["user_factors"] = self.behaviour.user_factors
            arrays["item_factors"] = self.behaviour.item_factors
        for name, array in arrays.items():
            if not np.isfinite(array).all():
                raise BundleError(f"`{name}` holds NaN or infinite values.")
