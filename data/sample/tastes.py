"""Listeners whose tastes are known, for tests and the demo; no claim of quality rests on them.

The appeal of a track to a user is a sum of logarithms: how popular the track is, whether its artist
is a favourite, and how far its timbre lies in the user's direction. Styles enter when a session is
drawn, see `data.sample.listeners`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from data.errors import ParameterError

FAVOURITE_GAIN = 1.6
TIMBRE_GAIN = 0.8
STYLES_OF_A_USER = 3
FAVOURITES_OF_A_USER = 4

_ZIPF = 0.7
_STYLES = ((1.0, 0.0, 0.0), (0.7, 0.3, 0.0), (0.55, 0.3, 0.15))
_HOW_MANY_STYLES = (0.35, 0.4, 0.25)
_INDIFFERENT = 0.25  # share of users who don't listen for timbre
_UNPLAYED = 0.05
_CLUSTERS = 8

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Tastes:
    """What users like, and what there is to like.

    Attributes
    ----------
    styles : tuple of str
        Names of the styles: genres, or groups made up for tracks without one.
    track_style : ndarray of int64, shape (n,)
    track_artist : ndarray of int64, shape (n,)
        Codes; -1 where the artist is unknown.
    timbre : ndarray of float64, shape (n, d)
        Standardised; d is 0 where nothing is known.
    popularity : ndarray of float64, shape (n,)
        Sums to 1; 0 for tracks that nobody plays.
    user_styles : ndarray of int64, shape (users, 3)
        Each user's styles, most liked first.
    style_weights : ndarray of float64, shape (users, 3)
        Shares of their sessions, sum 1; 0 where a user has fewer than three.
    favourites : ndarray of int64, shape (users, 4)
        Favourite artists, maybe one twice; -1 for none.
    direction : ndarray of float64, shape (users, d)
        Unit vectors.
    strength : ndarray of float64, shape (users,)
        How much timbre matters, 0..1.5.
    """

    styles: tuple[str, ...]
    track_style: IntArray
    track_artist: IntArray
    timbre: FloatArray
    popularity: FloatArray
    user_styles: IntArray
    style_weights: FloatArray
    favourites: IntArray
    direction: FloatArray
    strength: FloatArray

    def __len__(self) -> int:
        return int(self.strength.size)

    @property
    def unplayed(self) -> npt.NDArray[np.bool_]:
        """The tracks that nobody plays, shape (n,)."""
        return np.asarray(self.popularity == 0.0)

    def liking(self, users: IntArray, tracks: IntArray) -> FloatArray:
        """Return how much users like tracks, popularity and style apart.

        Parameters
        ----------
        users, tracks : ndarray of int64
            Of shapes that broadcast together.

        Returns
        -------
        ndarray of float64, the broadcast shape
            0 for what leaves a user cold.
        """
        artist = self.track_artist[tracks]
        favourite = (self.favourites[users] == artist[..., None]).any(axis=-1) & (artist >= 0)
        match = np.einsum("...d,...d->...", self.direction[users], self.timbre[tracks])
        return np.asarray(FAVOURITE_GAIN * favourite + TIMBRE_GAIN * self.strength[users] * match)


def draw_tastes(
    tracks: pd.DataFrame,
    *,
    users: int,
    timbre: npt.NDArray[np.floating] | None,
    rng: np.random.Generator,
) -> Tastes:
    """Draw the tastes of users over a catalogue.

    Parameters
    ----------
    tracks : DataFrame
        `track_id`, and optionally `artist` and `genre` (the first of several joined by `|`
        counts). A track without a genre is grouped by timbre, else by artist.
    users : int
    timbre : ndarray of shape (n, d), optional
        One vector a track, finite.
    rng : Generator

    Raises
    ------
    ParameterError
        If there is no track, or the timbre does not fit.
    """
    if tracks.empty or users < 1:
        raise ParameterError(
            f"`tracks` and `users` must not be empty. Received: {len(tracks)} and {users}."
        )
    vectors = _standardised(timbre, len(tracks))
    artist = _codes(_text(tracks, "artist"))
    names, style = _styles(tracks, vectors)
    popularity = _popularity(artist, rng)
    user_styles, weights = _user_styles(style, popularity, rng, users=users)
    favourites = _favourites(user_styles, weights, rng, style=style, artist=artist, pop=popularity)
    direction = _directions(user_styles, rng, style=style, timbre=vectors)
    strength = rng.uniform(0.4, 1.5, users) * (rng.random(users) >= _INDIFFERENT)
    return Tastes(
        styles=names,
        track_style=style,
        track_artist=artist,
        timbre=vectors,
        popularity=popularity,
        user_styles=user_styles,
        style_weights=weights,
        favourites=favourites,
        direction=direction,
        strength=strength,
    )


def _standardised(timbre: npt.NDArray[np.floating] | None, size: int) -> FloatArray:
    if timbre is None:
        return np.zeros((size, 0))
    values = np.asarray(timbre, dtype=np.float64)
    if values.ndim != 2 or len(values) != size or not np.isfinite(values).all():
        raise ParameterError(
            f"`timbre` must be finite, of shape ({size}, d). Received: shape {values.shape}."
        )
    spread = values.std(axis=0)
    return np.asarray((values - values.mean(axis=0)) / np.where(spread > 0, spread, 1.0))


def _text(tracks: pd.DataFrame, column: str) -> list[str]:
    if column not in tracks:
        return [""] * len(tracks)
    return ["" if pd.isna(value) else str(value).strip() for value in tracks[column]]


def _codes(names: list[str]) -> IntArray:
    known = {name: code for code, name in enumerate(sorted(set(names) - {""}))}
    return np.array([known.get(name, -1) for name in names], dtype=np.int64)


def _styles(tracks: pd.DataFrame, timbre: FloatArray) -> tuple[tuple[str, ...], IntArray]:
    names = [genre.split("|")[0].strip().casefold() for genre in _text(tracks, "genre")]
    if not all(names):
        if timbre.shape[1]:
            spare = [f"timbre {group + 1}" for group in _clusters(timbre)]
        else:
            spare = [artist or "other" for artist in _text(tracks, "artist")]
        names = [name or other for name, other in zip(names, spare, strict=True)]
    return tuple(sorted(set(names))), _codes(names)


def _clusters(timbre: FloatArray) -> IntArray:
    # Farthest-first traversal: the first track is a centre, then whichever is farthest from all.
    nearest, group = np.full(len(timbre), np.inf), np.zeros(len(timbre), dtype=np.int64)
    centre = 0
    for number in range(min(_CLUSTERS, len(timbre))):
        away = ((timbre - timbre[centre]) ** 2).sum(axis=1)
        group[away < nearest] = number
        nearest = np.minimum(nearest, away)
        centre = int(nearest.argmax())
    return group


def _popularity(artist: IntArray, rng: np.random.Generator) -> FloatArray:
    popularity = (rng.permutation(artist.size) + 2.0) ** -_ZIPF
    budget = round(_UNPLAYED * artist.size)
    silent = np.zeros(artist.size, dtype=bool)
    for code in rng.permutation(artist.max() + 1):  # one or two whole artists
        if silent.sum() + (artist == code).sum() <= 0.6 * budget:
            silent |= artist == code
            if len(set(artist[silent])) == 2:
                break
    others = rng.permutation(np.flatnonzero(~silent))
    silent[others[: budget - int(silent.sum())]] = True
    popularity[silent] = 0.0
    return np.asarray(popularity / popularity.sum())


def _user_styles(
    style: IntArray, popularity: FloatArray, rng: np.random.Generator, *, users: int
) -> tuple[IntArray, FloatArray]:
    size = np.bincount(style, weights=popularity)
    with np.errstate(divide="ignore"):
        keys = 0.5 * np.log(size) + rng.gumbel(size=(users, size.size))
    # A style more than there are counts as the first: its weight is 0.
    order = np.argsort(-keys, axis=1)[:, :STYLES_OF_A_USER]
    chosen = np.repeat(order[:, :1], STYLES_OF_A_USER, axis=1)
    chosen[:, : order.shape[1]] = order
    usable = int((size > 0).sum())
    kinds = np.minimum(rng.choice(3, size=users, p=_HOW_MANY_STYLES), usable - 1)
    return chosen, np.array(_STYLES)[kinds]


def _favourites(
    user_styles: IntArray,
    weights: FloatArray,
    rng: np.random.Generator,
    *,
    style: IntArray,
    artist: IntArray,
    pop: FloatArray,
) -> IntArray:
    users = len(user_styles)
    slot = (rng.random((users, FAVOURITES_OF_A_USER, 1)) > weights.cumsum(1)[:, None, :-1]).sum(-1)
    wanted = np.take_along_axis(user_styles, slot, axis=1)
    favourites = np.full((users, FAVOURITES_OF_A_USER), -1, dtype=np.int64)
    for code in np.unique(wanted):
        artists = np.unique(artist[(style == code) & (artist >= 0) & (pop > 0)])
        if artists.size:
            here = wanted == code
            favourites[here] = rng.choice(artists, size=int(here.sum()))
    return favourites


def _directions(
    user_styles: IntArray, rng: np.random.Generator, *, style: IntArray, timbre: FloatArray
) -> FloatArray:
    # Around a track of the user's first style, so that tastes in style and timbre go together.
    direction = 0.7 * rng.standard_normal((len(user_styles), timbre.shape[1]))
    for code in np.unique(user_styles[:, 0]):
        here = np.flatnonzero(user_styles[:, 0] == code)
        direction[here] += timbre[rng.choice(np.flatnonzero(style == code), size=here.size)]
    length = np.sqrt((direction**2).sum(axis=1, keepdims=True))
    return direction / np.where(length > 0, length, 1.0)
