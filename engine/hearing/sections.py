"""The questions that all systems are asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from audio_model.kin import label_codes
from data.catalog import Catalog
from engine.hearing.figures import Resampling, make_section
from engine.hearing.report import Section
from engine.hearing.retrieval import MEASURES, genre_accuracy, retrieval_scores
from engine.hearing.systems import BASELINE, Part, Vectors

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
Scorer = Callable[[Vectors, IntArray], tuple[IntArray, FloatArray]]
"""Given vectors and the tracks to ask for; returns queries, and scores of shape (q, measures)."""

GENRE_NEIGHBOURS = 5
"""Neighbours that vote for a genre."""


@dataclass(frozen=True)
class Labels:
    """What is known of the tracks of the gallery.

    Attributes
    ----------
    artists, albums : ndarray of int64, shape (n,)
        Codes; -1 where unknown.
    genres : ndarray of bool, shape (n, g)
        Which genres each track has.
    owners : ndarray of int64, shape (m,)
        Position of the track of each passage.
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


@dataclass(frozen=True)
class Question:
    """One question to all systems.

    Attributes
    ----------
    scorer : Scorer
    owners : ndarray of int64
        The track of each item that may be a query.
    measures : tuple of str
        The columns of the scores.
    needs : str
        Why it could not be asked, if it could not.
    """

    scorer: Scorer
    owners: IntArray
    measures: tuple[str, ...]
    needs: str


def measure(
    systems: Mapping[str, Sequence[Part]], labels: Labels, resampling: Resampling
) -> tuple[tuple[Section, ...], dict[str, str]]:
    """Score all systems on every question that the labels allow.

    Parameters
    ----------
    systems : mapping of str to sequence of Part
        Holds `BASELINE`. The parts of each system ask for the same tracks together.
    labels : Labels
    resampling : Resampling
        Its seed also orders ties.

    Returns
    -------
    sections : tuple of Section
    skipped : dict of str to str
        Questions without two artists to ask for, and why.
    """
    sections, skipped = [], {}
    for name, question in _questions(labels, resampling.seed).items():
        scored = {system: _ask(question, parts) for system, parts in systems.items()}
        tracks = question.owners[scored[BASELINE][0]]
        artists = labels.artists[tracks]
        if len(np.unique(artists)) < 2:
            skipped[name] = question.needs
            continue
        values = {system: scores for system, (_, scores) in scored.items()}
        sections.append(
            make_section(
                name,
                values,
                question.measures,
                tracks=tracks,
                artists=artists,
                resampling=resampling,
            )
        )
    return tuple(sections), skipped


def _ask(question: Question, parts: Sequence[Part]) -> tuple[IntArray, FloatArray]:
    """Return the queries of all parts, ascending, and their scores."""
    found = [question.scorer(part.vectors, part.asked) for part in parts]
    queries = np.concatenate([q for q, _ in found])
    order = np.argsort(queries)
    return queries[order], np.concatenate([scores for _, scores in found])[order]


def _questions(labels: Labels, seed: int) -> dict[str, Question]:
    albums = "Two artists with tracks of two albums or more are needed among those asked for."
    genres = "Two artists with tracks of a genre that another has are needed among those asked for."
    accuracy = (f"accuracy@{GENRE_NEIGHBOURS}",)
    questions = {}
    everything = np.arange(len(labels.artists))
    for name, owners in (("tracks", everything), ("chunks", labels.owners)):
        for other_albums, suffix, needs in ((False, "", ""), (True, ", other albums", albums)):
            scorer = _retrieval(
                labels, passages=name == "chunks", other_albums=other_albums, seed=seed
            )
            questions[name + suffix] = Question(scorer, owners, MEASURES, needs)
    for name, artists in (("genre", None), ("genre, other artists", labels.artists)):
        questions[name] = Question(_genre(labels, artists, seed), everything, accuracy, genres)
    return questions


def _retrieval(labels: Labels, *, passages: bool, other_albums: bool, seed: int) -> Scorer:
    """Return a scorer of tracks or of passages; `other_albums` bars the query's own."""
    owners = labels.owners if passages else np.arange(len(labels.artists))
    # A track of unknown album may be of any, so it takes no part where albums are barred.
    known = np.flatnonzero((labels.albums[owners] >= 0) | (not other_albums))
    own = owners[known]

    def score(vectors: Vectors, asked: IntArray) -> tuple[IntArray, FloatArray]:
        queries, scores = retrieval_scores(
            (vectors.passages if passages else vectors.tracks)[known],
            labels.artists[own],
            asked=np.flatnonzero(np.isin(own, asked)),
            tracks=own,
            albums=labels.albums[own] if other_albums else None,
            seed=seed,
        )
        return known[queries], scores

    return score


def _genre(labels: Labels, artists: IntArray | None, seed: int) -> Scorer:
    """Return a scorer of genres over the tracks that have one; `artists` bars the query's own."""
    known = np.flatnonzero(labels.genres.any(axis=1))

    def score(vectors: Vectors, asked: IntArray) -> tuple[IntArray, FloatArray]:
        queries, scores = genre_accuracy(
            vectors.tracks[known],
            labels.genres[known],
            asked=np.flatnonzero(np.isin(known, asked)),
            artists=None if artists is None else artists[known],
            k=GENRE_NEIGHBOURS,
            seed=seed,
        )
        return known[queries], scores

    return score
