"""What events of the store say of taste; the rule is that of `data.feedback`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import sqlalchemy as sa

from data.checks import id_problem
from data.feedback import EventColumns
from data.history import History
from data.interactions import EVENTS, Feedback
from data.store.database import Database
from data.store.reading import columns_of
from data.store.schema import events, users
from data.vocabulary import Vocabulary

_CODE = sa.case({name: code for code, name in enumerate(EVENTS)}, value=events.c.event)
_SAID = (
    events.c.track_id,
    _CODE.label("code"),
    events.c.count,
    sa.func.coalesce(events.c.listened_at, -1).label("at"),
)
_OF_USER = (
    sa.select(*_SAID).where(events.c.user_id == sa.bindparam("user_id")).order_by(events.c.seq)
)
_OF_ALL = sa.select(events.c.user_id, *_SAID).order_by(events.c.seq)


class FeedbackStore:
    """What events say of taste."""

    _database: Database

    def history(self, user_id: str, tracks: Vocabulary) -> History:
        """Return what one user did, in the indices of a vocabulary.

        Tracks outside the vocabulary are left out. Nothing is known of an unknown user.
        """
        if id_problem(user_id) is not None:
            return History()
        rows = self._database.fetch(_OF_USER, {"user_id": user_id})
        if not rows:
            return History()
        ids, code, count, at = zip(*rows, strict=True)
        distinct = {track: n for n, track in enumerate(dict.fromkeys(ids))}
        track = tracks.indices(list(distinct))[[distinct[i] for i in ids]]
        said = EventColumns(
            np.zeros(len(rows), np.int32),
            track,
            np.array(code, np.int8),
            np.array(count, np.float64),
            np.array(at, np.int64),
        )
        return said.feedback(Vocabulary([user_id]), tracks).history(0)

    def load_feedback(self, tracks: Vocabulary) -> Feedback:
        """Return what all users did; the users are all known ones, sorted.

        Takes about 30 bytes of memory an event, besides the vocabularies.
        """
        with self._database.read() as connection:
            known = sa.select(users.c.user_id).order_by(users.c.user_id)
            of_users = Vocabulary(list(connection.execute(known).scalars()))
            chunks = [_chunk(columns) for columns in columns_of(connection, _OF_ALL)]
        said = EventColumns(
            _encode((chunk[0] for chunk in chunks), of_users),
            _encode((chunk[1] for chunk in chunks), tracks),
            *(
                np.concatenate([np.empty(0, dtype), *(chunk[i] for chunk in chunks)])
                for i, dtype in ((2, np.int8), (3, np.float64), (4, np.int64))
            ),
        )
        del chunks
        return said.feedback(of_users, tracks)


def _chunk(columns: Sequence[Sequence[Any]]) -> tuple[Any, ...]:
    """Pack the columns of `_OF_ALL`; ids become indices into the distinct ids of the chunk."""
    user, track, code, count, at = columns
    return (
        pa.array(user, pa.large_string()).dictionary_encode(),
        pa.array(track, pa.large_string()).dictionary_encode(),
        np.array(code, np.int8),
        np.array(count, np.float64),
        np.array(at, np.int64),
    )


def _encode(chunks: Iterable[pa.DictionaryArray], vocabulary: Vocabulary) -> npt.NDArray[np.int32]:
    """Return the indices of ids that come as dictionary-encoded chunks, shape (n,), int32."""
    kind = pa.dictionary(pa.int32(), pa.large_string())
    unified = pa.chunked_array(list(chunks), type=kind).unify_dictionaries()
    if not unified.num_chunks:
        return np.empty(0, np.int32)
    index = vocabulary.indices(unified.chunk(0).dictionary)
    return np.concatenate([index[chunk.indices.to_numpy()] for chunk in unified.chunks])
