"""The users who would want a track, and those who are not asked."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from data.store import Store
from engine.bundle import Behaviour, BundleContents
from ranker.candidates import BoolArray, top_n

Vector = npt.NDArray[np.float32]

_PLAYED = ("listen", "like")
_UNWANTED = ("dislike", "hide")


@dataclass(frozen=True)
class Listener:
    """A user who would want a track.

    Attributes
    ----------
    user : int
        Index into the users of the bundle.
    score : float
        Predicted preference: about 1 for what the user plays, about 0 for what they don't. For
        a track that nobody has played, less half of what an average track scores with the user.
    """

    user: int
    score: float


@dataclass(frozen=True)
class Audience:
    """The users who would most want a track.

    Attributes
    ----------
    by : {"plays", "sound", None}
        What its factor comes from: its plays, or, where nobody has played it, its sound. None
        where nothing is known of the track.
    listeners : tuple of Listener
        Best first; empty where nothing is known.
    """

    by: str | None
    listeners: tuple[Listener, ...] = ()


class Fans:
    """Finds the users who score highest with a factor.

    Parameters
    ----------
    behaviour : Behaviour
    played : ndarray of bool, shape (n_tracks,)
        Tracks whose factors come from plays.
    """

    def __init__(self, behaviour: Behaviour, played: BoolArray) -> None:
        self._factors = behaviour.user_factors
        self._known = self._factors.any(axis=1)
        total = behaviour.item_factors[played].sum(axis=0, dtype=np.float64)
        self._average = (total / max(int(played.sum()), 1)).astype(np.float32)

    def of_played(
        self, factor: Vector, n: int, *, exclude: BoolArray | None = None
    ) -> tuple[Listener, ...]:
        """Return the `n` users who would most want a track of this factor, (f,), best first."""
        scores = self._factors @ factor  # (n_users, f) @ (f,) -> (n_users,)
        asked = self._known if exclude is None else self._known & ~exclude
        best = top_n(scores, n, among=np.flatnonzero(asked).astype(np.int32))
        return tuple(
            Listener(user, score)
            for user, score in zip(best.tolist(), scores[best].tolist(), strict=True)
        )

    def of_predicted(
        self, factor: Vector, n: int, *, exclude: BoolArray | None = None
    ) -> tuple[Listener, ...]:
        """Return the same for a factor that was predicted from sound.

        Such a factor is nearer to the average than a trained one, and who plays much scores high
        with the average. That is worth something, but not all of it: with half taken off, more of
        the listeners of held-out tracks were found than with all or nothing (docs/behaviour.md).
        """
        return self.of_played(factor - self._average / 2, n, exclude=exclude)


def left_out(
    store: Store, contents: BundleContents, track: int, *, played: bool = True
) -> BoolArray:
    """Return the users who said no to a recording or, with `played`, have played it.

    Parameters
    ----------
    store : Store
        What users did until now, also since the bundle was trained.
    contents : BundleContents
    track : int
        Index of the track. All tracks of its recording count.
    played : bool
        Whether those who played or liked it are left out, too.

    Returns
    -------
    ndarray of bool, shape (n_users,)
        Over the users of the bundle.
    """
    same = _of_recording(contents, track)
    track_ids = [contents.catalog.tracks.id(t) for t in same.tolist()]
    users = set(store.users_of(track_ids, _UNWANTED))
    if played:
        users.update(store.users_of(track_ids, _PLAYED))
    else:  # a later like takes a no back
        tracks = contents.catalog.tracks
        users = {u for u in users if np.isin(store.history(u, tracks).hidden, same).any()}
    found = contents.users.indices(sorted(users))
    mask = np.zeros(len(contents.users), np.bool_)
    mask[found[found >= 0]] = True
    return mask


def _of_recording(contents: BundleContents, track: int) -> npt.NDArray[np.intp]:
    if contents.duplicates is None:
        return np.array([track])
    stands = contents.duplicates.representatives
    return np.flatnonzero(stands == stands[track])
