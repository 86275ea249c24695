"""The catalogue's part of the store."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pandas as pd
import pyarrow as pa
import sqlalchemy as sa

from data.catalog import TRACK_COLUMNS, Catalog, Track
from data.checks import id_problem
from data.store.database import Database
from data.store.merge import merge_tracks, stated_rows, stated_tracks
from data.store.reading import columns_of, frames_of, page
from data.store.schema import tracks
from data.store.staging import ImportCounts, analyse, pour, staging
from data.store.text import clean, fold
from data.vocabulary import Vocabulary

_QUERY = sa.select(tracks.c.track_id, *(tracks.c[name] for name in TRACK_COLUMNS))
_SCHEMA = pa.schema([(column.name, pa.large_string()) for column in _QUERY.selected_columns])


class TrackStore:
    """Tracks, and what is known of them."""

    _database: Database

    def put_tracks(self, frames: Iterable[pd.DataFrame]) -> ImportCounts:
        """Add tracks, or change what is known of them: all frames or, on any error, none.

        Parameters
        ----------
        frames : iterable of DataFrame
            `track_id` and any of `TRACK_COLUMNS`. A missing value erases what was stored; a missing
            column leaves it alone. Of several rows of one track, each is laid over those before.

        Raises
        ------
        DataError
            If an id is invalid. An exception of the iterator passes through.
        """
        with staging(self._database, *stated_tracks) as connection:
            with connection.begin():
                pour(connection, stated_tracks[0], stated_rows(frames))
                analyse(connection, stated_tracks[0])
            return self._database.write(
                lambda transaction: merge_tracks(transaction, self._database), on=connection
            )

    def get_track(self, track_id: str) -> Track | None:
        """Return what is known of a track, or None if there is no such track."""
        if id_problem(track_id) is not None:
            return None
        with self._database.read() as connection:
            row = connection.execute(_QUERY.where(tracks.c.track_id == track_id)).one_or_none()
        return None if row is None else Track(*row)

    def tracks_page(self, q: str | None, limit: int, after: str | None = None) -> list[Track]:
        """Return a page of the catalogue, by id.

        Parameters
        ----------
        q : str or None
            Only tracks whose id, title, artist or album holds this text, in any case; no
            character in it is special.
        limit : int
            At most so many.
        after : str, optional
            The last id of the page before.

        Raises
        ------
        ParameterError
            If `limit` is not a positive integer, or `after` is no id.
        """
        query = page(_QUERY, tracks.c.track_id, limit=limit, after=after)
        if q:
            find = sa.func.instr if self._database.is_sqlite else sa.func.strpos
            query = query.where(find(tracks.c.search, fold(clean(q))) > 0)
        with self._database.read() as connection:
            return [Track(*row) for row in connection.execute(query)]

    def load_catalog(self) -> Catalog:
        """Return all tracks, sorted by id."""
        query = _QUERY.order_by(tracks.c.track_id)
        with self._database.read() as connection:
            chunks = [
                pa.table([pa.array(c, pa.large_string()) for c in columns], schema=_SCHEMA)
                for columns in columns_of(connection, query)
            ]
        table = pa.concat_tables([_SCHEMA.empty_table(), *chunks])
        return Catalog(Vocabulary(table.column("track_id").to_pylist()), table)

    def export_tracks(self) -> Iterator[pd.DataFrame]:
        """Yield all tracks in the columns of a tracks file, by id, some thousand rows at a time."""
        query = _QUERY.order_by(tracks.c.track_id)
        with self._database.read() as connection:
            yield from frames_of(connection, query, ["object"] * len(_SCHEMA))
