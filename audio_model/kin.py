"""Which tracks belong together, as the crops of one track do: the positive pairs of training.

Two notions, one relation. Labels: the tracks of an artist, or of an album, all belong together.
Neighbours: pairs of tracks, as those that the same people play; the neighbours of a track need not
be each other's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from audio_model.heard_names import name_key
from data.errors import ParameterError

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Kin:
    """Which of n tracks belong together.

    Attributes
    ----------
    labels : tuple of ndarray of int64, shape (n,)
        Tracks with an equal number belong together; those with -1 have no kin by this label.
    neighbours : csr_matrix of bool, shape (n, n), or None
        Symmetric; who belongs together besides.

    Raises
    ------
    ParameterError
        If they are of different lengths.
    """

    labels: tuple[IntArray, ...] = ()
    neighbours: sp.csr_matrix | None = None

    def __post_init__(self) -> None:
        sizes = {len(of) for of in self.labels}
        sizes |= set() if self.neighbours is None else set(self.neighbours.shape)
        if len(sizes) > 1:
            raise ParameterError(f"Labels and neighbours must be of one length. Received: {sizes}.")

    def among(self, tracks: IntArray) -> BoolArray:
        """Return who belongs together of some tracks, shape (b, b); each belongs to itself."""
        found = np.eye(len(tracks), dtype=bool)
        for labels in self.labels:
            of = labels[tracks]
            found |= (of[:, np.newaxis] == of) & (of >= 0)
        if self.neighbours is not None:
            found |= self.neighbours[tracks][:, tracks].toarray()
        return found

    def take(self, tracks: IntArray) -> Kin:
        """Return the kin of some of the tracks, numbered anew."""
        labels = tuple(of[tracks] for of in self.labels)
        if self.neighbours is None:
            return Kin(labels)
        return Kin(labels, self.neighbours[tracks][:, tracks].tocsr())

    def in_pairs(self, order: IntArray, rng: np.random.Generator) -> IntArray:
        """Return an order in which a track is followed by one of its neighbours that is left.

        Among thousands of tracks, two neighbours hardly ever meet in a batch by chance. Tracks
        without neighbours keep their places among one another.
        """
        if self.neighbours is None:
            return order
        starts, others = self.neighbours.indptr, self.neighbours.indices
        placed, found = np.zeros(len(order), bool), []
        for track in order.tolist():
            if placed[track]:
                continue
            placed[track] = True
            found.append(track)
            near = others[starts[track] : starts[track + 1]]
            left = near[~placed[near]]
            if left.size:
                found.append(int(rng.choice(left)))
                placed[found[-1]] = True
        return np.array(found, np.int64)

    @property
    def fingerprint(self) -> str:
        """Changes when the relation does."""
        digest = sha256()
        for labels in self.labels:
            digest.update(labels.astype("<i8").tobytes())
        if self.neighbours is not None:
            digest.update(self.neighbours.indptr.astype("<i8").tobytes())
            digest.update(self.neighbours.indices.astype("<i8").tobytes())
        return digest.hexdigest()


def label_codes(names: Sequence[str | None]) -> IntArray:
    """Return one code a name, shape (n,), int64; -1 where there is none.

    Case and spaces around a name don't count.
    """
    keys = [name_key(name) for name in names]
    codes = {key: code for code, key in enumerate(sorted(set(keys) - {""}))}
    return np.array([codes.get(key, -1) for key in keys], dtype=np.int64)
