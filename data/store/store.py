"""The store, of its parts."""

from __future__ import annotations

from types import TracebackType

import sqlalchemy as sa

from data.store.database import Database
from data.store.embeddings import EmbeddingStore
from data.store.events import EventStore
from data.store.feedback import FeedbackStore
from data.store.heard import HeardStore
from data.store.impressions import ImpressionStore
from data.store.listens import ListenStore
from data.store.migrate import migrate
from data.store.schema import embeddings, events, tracks, users
from data.store.slots import SlotStore
from data.store.tracks import TrackStore
from data.store.users import UserStore

_COUNTED = (tracks, users, events, embeddings)


class Store(
    TrackStore,
    ListenStore,
    EventStore,
    UserStore,
    FeedbackStore,
    EmbeddingStore,
    HeardStore,
    ImpressionStore,
    SlotStore,
):
    """Tracks, events, embeddings and impressions in one SQL database.

    Safe to share between threads, and to keep across `fork`. A change is durable when the method
    that made it returns. Every method may raise `DataError` if the database fails.

    Parameters
    ----------
    database : Database
        With its tables in place; see `open`.

    Examples
    --------
    >>> from data.store import Event, Store
    >>> with Store.open("sqlite:////srv/segue/segue.db") as store:  # doctest: +SKIP
    ...     store.add_events([Event(None, "ann", "t1", "like")])
    AddedEvents(accepted=1, duplicates=0)
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    @classmethod
    def open(cls, url: str) -> Store:
        """Open a database, creating or upgrading its tables.

        Parameters
        ----------
        url : str
            `sqlite:///ABSOLUTE/PATH` (created if missing, in a directory that exists) or
            `postgresql://USER:PASSWORD@HOST:PORT/NAME`.

        Raises
        ------
        ParameterError
            If the URL is neither.
        DataError
            If it is unreachable, is no database, or was written by a newer version of Segue.
        """
        database = Database(url)
        try:
            migrate(database)
        except BaseException:
            database.dispose()
            raise
        return cls(database)

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Store({self._database.name})"

    def close(self) -> None:
        """Close all connections."""
        self._database.dispose()

    def dispose(self) -> None:
        """Let go of all connections; in a forked process, without disturbing its parent's.

        The store goes on working. A fork does this by itself; it is for servers that say so.
        """
        self._database.dispose()

    def ping(self) -> None:
        """Raise `DataError` unless the database answers."""
        self._database.fetch(_PING, {})

    def counts(self) -> dict[str, int]:
        """Return the number of tracks, users, events and embeddings, by name."""
        with self._database.read() as connection:
            return {
                table.name: connection.execute(
                    sa.select(sa.func.count()).select_from(table)
                ).scalar_one()
                for table in _COUNTED
            }


_PING = sa.select(sa.literal(1)).select_from(users).limit(1)
