"""Users: who they are, the versions of what is held of them, erasure."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa

from data.checks import id_problem
from data.store.database import Database
from data.store.erasure import forget_impressions
from data.store.reading import page
from data.store.schema import events, users

NO_VERSION = "0"
"""The version of a user of whom nothing is held."""

_VERSION = sa.select(users.c.version).where(users.c.user_id == sa.bindparam("user_id"))


class UserStore:
    """Users, and the versions of what is held of them."""

    _database: Database

    def user_version(self, user_id: str) -> str:
        """Return a token that changes with every change to a user's events; "0" for nobody's.

        A token never returns: neither when events are added again, nor after an erasure.
        """
        if id_problem(user_id) is not None:
            return NO_VERSION
        rows = self._database.fetch(_VERSION, {"user_id": user_id})
        return str(rows[0][0]) if rows else NO_VERSION

    def user_known(self, user_id: str) -> bool:
        """Whether any event of a user is held."""
        return self.user_version(user_id) != NO_VERSION

    def users_page(self, prefix: str | None, limit: int, after: str | None = None) -> list[str]:
        """Return a page of the ids of users, sorted.

        Parameters
        ----------
        prefix : str or None
            Only ids that begin with it, exactly.
        limit : int
            At most so many.
        after : str, optional
            The last id of the page before.
        """
        query = page(sa.select(users.c.user_id), users.c.user_id, limit=limit, after=after)
        if prefix:
            if id_problem(prefix) is not None:
                return []
            query = query.where(users.c.user_id >= prefix)
            query = query.where(sa.func.substr(users.c.user_id, 1, len(prefix)) == prefix)
            end = _behind(prefix)
            query = query if end is None else query.where(users.c.user_id < end)
        with self._database.read() as connection:
            return list(connection.execute(query).scalars())

    def users_of(self, track_ids: Collection[str], kinds: Collection[str]) -> list[str]:
        """Return the ids of the users who did something with any of some tracks, sorted.

        Parameters
        ----------
        track_ids : collection of str
        kinds : collection of str
            Which events count, of `data.interactions.EVENTS`.
        """
        query = sa.select(events.c.user_id).distinct().order_by(events.c.user_id)
        query = query.where(events.c.track_id.in_(list(track_ids)))
        query = query.where(events.c.event.in_(list(kinds)))
        with self._database.read() as connection:
            return list(connection.execute(query).scalars())

    def forget_user(self, user_id: str) -> int:
        """Delete everything held of a user; return how many events that was."""
        if id_problem(user_id) is not None:
            return 0

        def forget(connection: sa.Connection) -> int:
            # The user's row first: its lock keeps concurrent writers out.
            connection.execute(sa.delete(users).where(users.c.user_id == user_id))
            forget_impressions(connection, user_id)
            return connection.execute(sa.delete(events).where(events.c.user_id == user_id)).rowcount

        return self._database.write(forget)


def _behind(prefix: str) -> str | None:
    """Return the least text above all that begin with a prefix, or None if there is none.

    Text is ordered by code point, and surrogates are no text.
    """
    stem = prefix.rstrip(chr(0x10FFFF))
    if not stem:
        return None
    code = ord(stem[-1]) + 1
    return stem[:-1] + chr(0xE000 if code == 0xD800 else code)
