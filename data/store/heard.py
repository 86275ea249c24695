"""What is kept of a sound file beside its vector: its chunks' vectors, its recording's print."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa

from data.errors import DataError
from data.store.database import Database
from data.store.reading import columns_of
from data.store.schema import embeddings
from data.vocabulary import Vocabulary

IntArray = npt.NDArray[np.int64]

_ROWS = 500  # rows read at a time: a track of four minutes has 20 kB of segments


class HeardStore:
    """Segments and recordings; `EmbeddingStore.put_embeddings` puts them there."""

    _database: Database

    def load_segments(
        self, space: str, tracks: Vocabulary
    ) -> tuple[npt.NDArray[np.float16], IntArray]:
        """Return the vectors of the chunks of tracks, in the order of a vocabulary.

        Returns
        -------
        values : ndarray of float16, shape (total_chunks, d)
            d is 0 if the space is empty.
        offsets : ndarray of int64, shape (n + 1,)
            Track i has the rows `offsets[i]` to `offsets[i + 1]`; none where nothing is kept.
        """
        with self._database.read() as connection:
            width = sa.select(embeddings.c.dim).where(embeddings.c.space == space).limit(1)
            dim = connection.execute(width).scalar() or 0
            flat, ends = _ragged(connection, embeddings.c.segments, (space, tracks))
        chunks = flat.size // (2 * dim) if dim else 0
        return flat.view("<f2").reshape(chunks, dim), ends // max(2 * dim, 1)

    def load_recordings(
        self, space: str, tracks: Vocabulary
    ) -> tuple[npt.NDArray[np.uint32], IntArray]:
        """Return the prints of recordings, in the order of a vocabulary.

        Returns
        -------
        values : ndarray of uint32, shape (total_words,)
        offsets : ndarray of int64, shape (n + 1,)
            Track i has the words `offsets[i]` to `offsets[i + 1]`; none where nothing is kept.
        """
        with self._database.read() as connection:
            flat, ends = _ragged(connection, embeddings.c.recording, (space, tracks))
        return flat.view("<u4"), ends // 4

    def half_heard(self, space: str) -> set[str]:
        """Return the tracks whose vector was stored without segments or without a print.

        So are those that were embedded before either was kept.
        """
        missing = embeddings.c.segments.is_(None) | embeddings.c.recording.is_(None)
        query = sa.select(embeddings.c.track_id).where(embeddings.c.space == space, missing)
        with self._database.read() as connection:
            return set(connection.execute(query).scalars())


def _ragged(
    connection: sa.Connection, column: sa.Column[bytes], which: tuple[str, Vocabulary]
) -> tuple[npt.NDArray[np.uint8], IntArray]:
    """Return the bytes of a column, one after the other, and where those of each track end."""
    space, tracks = which
    kept = (embeddings.c.space == space) & column.is_not(None)
    sizes = np.zeros(len(tracks), np.int64)
    measuring = sa.select(embeddings.c.track_id, sa.func.length(column)).where(kept)
    for ids, lengths in columns_of(connection, measuring):
        index = tracks.indices(list(ids))
        sizes[index[index >= 0]] = np.asarray(lengths, np.int64)[index >= 0]
    offsets = np.concatenate([[0], np.cumsum(sizes)])
    flat = np.empty(offsets[-1], np.uint8)
    reading = sa.select(embeddings.c.track_id, column).where(kept)
    for ids, blobs in columns_of(connection, reading, rows_at_once=_ROWS):
        for i, blob in zip(tracks.indices(list(ids)).tolist(), blobs, strict=True):
            if i >= 0:
                flat[offsets[i] : offsets[i + 1]] = np.frombuffer(blob, np.uint8)
    return flat, offsets


def check_heard(
    ids: Sequence[str],
    segments: Sequence[bytes | None] | None,
    recordings: Sequence[bytes | None] | None,
    *,
    width: int,
) -> None:
    """Raise `DataError` unless there is one entry a track, of whole rows of finite numbers."""
    for name, given, size in (("segments", segments, 2 * width), ("recordings", recordings, 4)):
        if given is None:
            continue
        if len(given) != len(ids):
            raise DataError(f"{len(ids)} tracks were given {len(given)} {name}.")
        for track, blob in zip(ids, given, strict=True):
            if len(blob or b"") % size:
                raise DataError(
                    f"The {name} of {track!r:.80} must be whole rows of {size} bytes. "
                    f"Received: {len(blob or b'')}."
                )
    for track, blob in zip(ids, segments or (), strict=False):
        if not np.isfinite(np.frombuffer(blob or b"", "<f2")).all():
            raise DataError(f"The segments of {track!r:.80} hold values that are not finite.")
