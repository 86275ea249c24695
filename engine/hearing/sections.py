"""The questions that all systems are asked, and their scores with intervals."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from data.catalog import Catalog
from engine.evaluation.bootstrap import Estimate, clustered_intervals
from engine.hearing.held_out import label_codes
from engine.hearing.report import Section
from engine.hearing.retrieval import MEASURES, genre_accuracy, retrieval_scores
from engine.hearing.systems import BASELINE, Vectors

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
Scorer = Callable[[Vectors], tuple[IntArray, FloatArray]]

GENRE_NEIGHBOURS = 5
"""Neighbours that vote for a genre."""

MIN_ARTISTS = 6
"""Fewer artists get no interval: five all lean one way by chance in 2 / 2^5 = 6% of cases, yet
every resample of them leans that way too."""


@dataclass(frozen=True)
class Labels:
    """What is known of the evaluated tracks.

    Attributes
    ----------
    artists, albums : ndarray of int64, shape (n,)
        Codes; -1 for a track without an album.
    genres : ndarray of bool, shape (n, g)
        Which genres each track has.
    owners : ndarray of int64, shape (m,)
        Position of the track of each chunk.
    """

    artists: IntArray
    albums: IntArray
    genres: npt.NDArray[np.bool_]
    owners: IntArray

    @classmethod
    def of(cls, catalog: Catalog, rows: npt.NDArray[np.integer], owners: IntArray) -> Labels:
        """Return the labels of the tracks at some rows of a catalogue."""
        artists = label_codes(catalog.column("artist").take(rows).to_pylist())
        albums = label_codes(catalog.column("album").take(rows).to_pylist())
        members = [np.isin(rows, tracks) for tracks in catalog.genres.values()]
        held = [column for column in members if column.any()]
        genres = np.column_stack(held) if held else np.zeros((len(rows), 0), np.bool_)
        return cls(artists, albums, genres, owners)


def measure(
    systems: Mapping[str, Vectors], labels: Labels, *, seed: int, resamples: int
) -> tuple[tuple[Section, ...], dict[str, str]]:
    """Score all systems on every question that the labels allow.

    Parameters
    ----------
    systems : mapping of str to Vectors
        Holds `BASELINE`.
    labels : Labels
    seed : int
        Of ties and resamples.
    resamples : int
        Of the bootstrap, over artists.

    Returns
    -------
    sections : tuple of Section
    skipped : dict of str to str
        Questions without two artists to ask for, and why.
    """
    sections, skipped = [], {}
    for name, (scorer, artists, measures, need) in _questions(labels, seed).items():
        scored = {system: scorer(vectors) for system, vectors in systems.items()}
        queries = scored[BASELINE][0]
        if len(np.unique(artists[queries])) < 2:
            skipped[name] = need
            continue
        values = {system: scores for system, (_, scores) in scored.items()}
        sections.append(
            _section(name, values, artists[queries], measures, seed=seed, resamples=resamples)
        )
    return tuple(sections), skipped


def _questions(
    labels: Labels, seed: int
) -> dict[str, tuple[Scorer, IntArray, tuple[str, ...], str]]:
    """Return, by name: how it is scored, artists of its items, measures, and what it needs."""
    owners = labels.owners
    of_chunks = labels.artists[owners]
    albums = "Two held-out artists with tracks of two albums or more are needed."
    genres = "Two held-out artists with tracks of a genre that another track has are needed."

    def chunks(vectors: Vectors) -> tuple[IntArray, FloatArray]:
        return retrieval_scores(vectors.chunks, of_chunks, tracks=owners, seed=seed)

    def tracks(vectors: Vectors) -> tuple[IntArray, FloatArray]:
        return retrieval_scores(vectors.tracks, labels.artists, seed=seed)

    def other_albums(vectors: Vectors) -> tuple[IntArray, FloatArray]:
        # A track of unknown album may be of any, so it takes no part.
        known = np.flatnonzero(labels.albums >= 0)
        queries, scores = retrieval_scores(
            vectors.tracks[known], labels.artists[known], albums=labels.albums[known], seed=seed
        )
        return known[queries], scores

    def chunks_other_albums(vectors: Vectors) -> tuple[IntArray, FloatArray]:
        known = np.flatnonzero(labels.albums[owners] >= 0)
        queries, scores = retrieval_scores(
            vectors.chunks[known],
            of_chunks[known],
            tracks=owners[known],
            albums=labels.albums[owners][known],
            seed=seed,
        )
        return known[queries], scores

    accuracy = (f"accuracy@{GENRE_NEIGHBOURS}",)
    return {
        "tracks": (tracks, labels.artists, MEASURES, ""),
        "tracks, other albums": (other_albums, labels.artists, MEASURES, albums),
        "chunks": (chunks, of_chunks, MEASURES, ""),
        "chunks, other albums": (chunks_other_albums, of_chunks, MEASURES, albums),
        "genre": (_genre(labels, None, seed), labels.artists, accuracy, genres),
        "genre, other artists": (
            _genre(labels, labels.artists, seed),
            labels.artists,
            accuracy,
            genres,
        ),
    }


def _genre(labels: Labels, artists: IntArray | None, seed: int) -> Scorer:
    """Return a scorer of genres over the tracks that have one; `artists` bars the query's own."""
    known = np.flatnonzero(labels.genres.any(axis=1))

    def score(vectors: Vectors) -> tuple[IntArray, FloatArray]:
        queries, scores = genre_accuracy(
            vectors.tracks[known],
            labels.genres[known],
            artists=None if artists is None else artists[known],
            k=GENRE_NEIGHBOURS,
            seed=seed,
        )
        return known[queries], scores

    return score


def _section(
    name: str,
    values: Mapping[str, FloatArray],
    artists: IntArray,
    measures: tuple[str, ...],
    *,
    seed: int,
    resamples: int,
) -> Section:
    """Put intervals to scores of shape (queries, measures) of each system, if artists suffice."""
    others = [system for system in values if system != BASELINE]
    columns = [*values.values(), *(values[system] - values[BASELINE] for system in others)]
    found = clustered_intervals(np.hstack(columns), artists, resamples=resamples, seed=seed)
    held = len(np.unique(artists))
    if held < MIN_ARTISTS:
        found = [Estimate(estimate.mean) for estimate in found]
    width = len(measures)
    parts: list[dict[str, Estimate]] = [
        dict(zip(measures, found[i : i + width], strict=True)) for i in range(0, len(found), width)
    ]
    return Section(
        name=name,
        queries=len(artists),
        artists=held,
        systems=dict(zip(values, parts, strict=False)),
        differences={
            f"{system} - {BASELINE}": part
            for system, part in zip(others, parts[len(values) :], strict=True)
        },
    )
