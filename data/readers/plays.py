"""A listens file straight to what it says of taste, without a table in between."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from data.feedback import EventPart, feedback_from_parts, plays_of
from data.interactions import Feedback, Interactions
from data.readers.formats import LISTENS
from data.readers.listens import Listens, checked
from data.readers.rejects import RejectSink
from data.readers.tables import Source
from data.vocabulary import Vocabulary


def read_interactions(
    path: Path, tracks: Vocabulary | None = None, *, rejects: RejectSink | None = None
) -> Interactions:
    """Read the plays of a listens file: its listens, and its likes as `LIKE_COUNT` plays each.

    Parameters, errors and vocabularies are those of `read_feedback`, of which these are `plays`.

    Examples
    --------
    >>> plays = read_interactions(Path("listens.parquet"))  # doctest: +SKIP
    >>> plays.matrix()  # doctest: +SKIP
    <Compressed Sparse Row sparse matrix of dtype 'float32' ...>
    """
    return read_feedback(path, tracks, rejects=rejects).plays


def read_feedback(
    path: Path, tracks: Vocabulary | None = None, *, rejects: RejectSink | None = None
) -> Feedback:
    """Read what a listens file says of taste, by the rule of `data.feedback`.

    Every row counts, also one that repeats an `event_id`: only the store knows those.

    Parameters
    ----------
    path : Path
        As for `read_listens`, whose rows these are. Parquet is the fastest by far: an id is read
        and checked once for the many rows that have it.
    tracks : Vocabulary, optional
        Rows of other tracks say nothing. By default the tracks of the file, sorted by id.
    rejects : RejectSink, optional
        Where bad rows go. Without one the first bad row is an error.

    Returns
    -------
    Feedback
        Of the users of the file, sorted by id.

    Raises
    ------
    DataError
        If the file cannot be read, lacks a column, or has a bad row and `rejects` is None.
    """
    source = Source(path, LISTENS, rejects=rejects)
    parts = (_part(checked(chunk, source)) for chunk in source.whole_chunks())
    return feedback_from_parts(parts, tracks=tracks)


def _part(rows: Listens) -> EventPart:
    user, track = _encoded(rows.user), _encoded(rows.track)
    return EventPart(user, track, rows.code, plays_of(rows.code, rows.count), rows.at)


def _encoded(array: pa.Array) -> pa.DictionaryArray:
    return array if pa.types.is_dictionary(array.type) else array.dictionary_encode()
