"""Vectors of tracks, in named spaces of one width each."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import repeat

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa

from data.checks import check_id
from data.errors import DataError
from data.store.database import Database, written
from data.store.heard import check_heard
from data.store.merge import add_bare_tracks
from data.store.reading import columns_of
from data.store.rows import check_ids
from data.store.schema import Id, embeddings, tracks
from data.store.staging import ImportCounts, analyse, one_at_a_time, pour, stage_table, staging
from data.vocabulary import Vocabulary

_stated = stage_table(
    "segue_stated_embeddings",
    sa.Column("space", Id),
    sa.Column("track_id", Id),
    sa.Column("dim", sa.Integer),
    sa.Column("vector", sa.LargeBinary),
    sa.Column("fingerprint", sa.Text),
    sa.Column("recording", sa.LargeBinary),
    sa.Column("segments", sa.LargeBinary),
)
_VALUES = ("vector", "fingerprint", "recording", "segments")  # what a row says of its track

FloatArray = npt.NDArray[np.float32]


class EmbeddingStore:
    """Vectors of tracks."""

    _database: Database

    def put_embeddings(
        self,
        space: str,
        ids: Sequence[str],
        vectors: FloatArray,
        *,
        fingerprints: Sequence[str] | None = None,
        segments: Sequence[bytes | None] | None = None,
        recordings: Sequence[bytes | None] | None = None,
        add_unknown_tracks: bool = False,
        replace: bool = False,
    ) -> ImportCounts:
        """Store vectors, each in place of any that its track has in the space; all or none.

        Parameters
        ----------
        space : str
            Name of the space, such as that of the encoder.
        ids : sequence of str, length m
            Distinct tracks.
        vectors : ndarray of float32, shape (m, d)
            Finite.
        fingerprints : sequence of str, length m, optional
            What each was made of, so that a later run can skip it.
        segments : sequence of (bytes or None), length m, optional
            Vectors of each track's chunks: little-endian float16, n_chunks x d, finite.
        recordings : sequence of (bytes or None), length m, optional
            Print of each track's recording: little-endian uint32 words.
        add_unknown_tracks : bool
            Add tracks that the catalogue does not have, with nothing but their id.
        replace : bool
            Delete all other vectors of the space, in the same transaction.

        Raises
        ------
        DataError
            If the space keeps vectors of another width, a vector or segment is not finite or of
            another width, an id occurs twice or is invalid, or a track is unknown and may not be
            added.
        """
        check_id("space", space)
        _check(ids, vectors, fingerprints)
        check_heard(ids, segments, recordings, width=vectors.shape[1])
        if not len(ids):
            return ImportCounts(0, 0, 0)
        width = int(vectors.shape[1])
        others = (fingerprints, recordings, segments)
        blobs = (row.tobytes() for row in np.ascontiguousarray(vectors, dtype="<f4"))
        beside = [repeat(None) if given is None else given for given in others]
        with staging(self._database, _stated) as connection:
            with connection.begin():
                rows = zip(repeat(space), ids, repeat(width), blobs, *beside, strict=False)
                pour(connection, _stated, rows)
                analyse(connection, _stated)

            def merge(transaction: sa.Connection) -> ImportCounts:
                one_at_a_time(transaction)
                if replace:
                    transaction.execute(_deleting(space))
                _check_width(transaction, space, width)
                unknown = transaction.execute(_unknown_tracks()).scalars().all()
                add_bare_tracks(transaction, self._database, unknown, allowed=add_unknown_tracks)
                new = transaction.execute(_counting_new()).scalar_one()
                replaced = written(transaction, _upserting(self._database))
                return ImportCounts(new, replaced - new, len(ids) - replaced, len(unknown))

            return self._database.write(merge, on=connection)

    def spaces(self) -> dict[str, tuple[int, int]]:
        """Return the width and the number of vectors of each space, by name."""
        size = sa.func.count().label("size")
        counting = sa.select(embeddings.c.space, size).group_by(embeddings.c.space)
        with self._database.read() as connection:
            sizes = connection.execute(counting.order_by(embeddings.c.space)).all()
            return {space: (_width(connection, space) or 0, size) for space, size in sizes}

    def fingerprints(self, space: str) -> dict[str, str]:
        """Return the fingerprints of a space by track; vectors without one are left out."""
        query = sa.select(embeddings.c.track_id, embeddings.c.fingerprint)
        query = query.where(embeddings.c.space == space, embeddings.c.fingerprint.is_not(None))
        with self._database.read() as connection:
            return {row[0]: row[1] for row in connection.execute(query)}

    def load_embeddings(
        self, space: str, tracks: Vocabulary
    ) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
        """Return the vectors of a space in the order of a vocabulary.

        Returns
        -------
        vectors : ndarray of float32, shape (n, d)
            Zeros where a track has none; d is 0 if the space is empty.
        present : ndarray of bool, shape (n,)
            Which tracks have one.
        """
        query = sa.select(embeddings.c.track_id, embeddings.c.vector)
        with self._database.read() as connection:
            width = _width(connection, space) or 0
            vectors = np.zeros((len(tracks), width), np.float32)
            present = np.zeros(len(tracks), np.bool_)
            for ids, blobs in columns_of(connection, query.where(embeddings.c.space == space)):
                index = tracks.indices(list(ids))
                chunk = np.frombuffer(b"".join(blobs), "<f4").reshape(-1, width)
                vectors[index[index >= 0]] = chunk[index >= 0]
                present[index[index >= 0]] = True
        return vectors, present

    def drop_embeddings(self, space: str) -> int:
        """Delete a space; return how many vectors that was."""
        return self._database.write(lambda c: c.execute(_deleting(space)).rowcount)

    def forget_embeddings(self, space: str, ids: Sequence[str]) -> int:
        """Delete the vectors of some tracks from a space; return how many there were."""
        one = _deleting(space).where(embeddings.c.track_id == sa.bindparam("track"))

        def forget(connection: sa.Connection) -> int:
            return sum(connection.execute(one, {"track": track}).rowcount for track in ids)

        return self._database.write(forget) if len(ids) else 0


def _deleting(space: str) -> sa.Delete:
    return sa.delete(embeddings).where(embeddings.c.space == space)


def _check(ids: Sequence[str], vectors: FloatArray, fingerprints: Sequence[str] | None) -> None:
    if vectors.ndim != 2 or vectors.shape[0] != len(ids) or not vectors.shape[1]:
        raise DataError(f"{len(ids)} tracks were given vectors of shape {vectors.shape}.")
    if fingerprints is not None and len(fingerprints) != len(ids):
        raise DataError(f"{len(ids)} tracks were given {len(fingerprints)} fingerprints.")
    check_ids("track_id", ids)
    if len(set(ids)) != len(ids):
        seen: set[str] = set()
        twice = next(i for i in ids if i in seen or seen.add(i))  # type: ignore[func-returns-value]
        raise DataError(f"The track {twice!r:.80} is given two vectors.")
    bad = np.flatnonzero(~np.isfinite(vectors).all(axis=1))
    if bad.size:
        raise DataError(f"The vector of {ids[bad[0]]!r:.80} holds values that are not finite.")


def _check_width(connection: sa.Connection, space: str, width: int) -> None:
    stored = _width(connection, space)
    if stored not in (None, width):
        raise DataError(
            f"The space {space!r} holds vectors of {stored} values. Received: {width}. "
            "Replace all of them (`--replace`), or use one width."
        )


def _width(connection: sa.Connection, space: str) -> int | None:
    query = sa.select(embeddings.c.dim).where(embeddings.c.space == space).limit(1)
    return connection.execute(query).scalar()


def _unknown_tracks() -> sa.Select[str]:
    known = sa.exists().where(tracks.c.track_id == _stated.c.track_id)
    return sa.select(_stated.c.track_id).where(sa.not_(known)).order_by(_stated.c.track_id)


def _counting_new() -> sa.Select[int]:
    stored = sa.exists().where(
        embeddings.c.space == _stated.c.space, embeddings.c.track_id == _stated.c.track_id
    )
    return sa.select(sa.func.count()).select_from(_stated).where(sa.not_(stored))


def _upserting(database: Database) -> sa.Insert:
    names = [column.name for column in embeddings.columns]
    query = sa.select(*(_stated.c[name] for name in names)).where(sa.true())
    insert = database.insert(embeddings).from_select(names, query.order_by(_stated.c.track_id))
    differs = sa.or_(*(embeddings.c[v].is_distinct_from(insert.excluded[v]) for v in _VALUES))
    replaced = {name: insert.excluded[name] for name in _VALUES}
    keys = ["space", "track_id"]
    return insert.on_conflict_do_update(index_elements=keys, set_=replaced, where=differs)
