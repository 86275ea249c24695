"""Database URLs: which are understood, and how they are shown without their password."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from data.errors import DataError, ParameterError

_SQLITE = "sqlite:///"
_POSTGRES = ("postgresql", "postgresql+psycopg")


def parse_url(url: str) -> sa.URL:
    """Return the parts of a database URL.

    Parameters
    ----------
    url : str
        `sqlite:///ABSOLUTE/PATH`, whose path is taken as it stands (spaces, `?`, `%` and all), or
        `postgresql://...` with or without `+psycopg`.

    Raises
    ------
    ParameterError
        If it is neither. The message never repeats the URL, which may hold a password.
    DataError
        If the directory of an SQLite file does not exist.
    """
    if url.startswith(_SQLITE):
        return _sqlite_url(Path(url.removeprefix(_SQLITE)))
    scheme, separator, _ = url.partition("://")
    if not separator or scheme not in _POSTGRES:
        begin = f"{scheme[:20]}://" if separator else "no scheme"
        raise ParameterError(
            f"`database_url` must begin with sqlite:/// or postgresql://. Received: {begin}."
        )
    try:
        parsed = sa.make_url(url)
    except (sa.exc.ArgumentError, ValueError) as error:
        raise ParameterError(
            "`database_url` cannot be read as postgresql://USER:PASSWORD@HOST:PORT/NAME; "
            "percent-encode special characters in its parts."
        ) from error
    return parsed.set(drivername="postgresql+psycopg")


def _sqlite_url(path: Path) -> sa.URL:
    if not path.is_absolute():
        raise ParameterError(
            f"`database_url` must name an absolute path: sqlite:////path/to/segue.db. "
            f"Received: {str(path)!r}."
        )
    if not path.parent.is_dir():
        raise DataError(f"The database {path} cannot be opened: create the directory of it first.")
    return sa.URL.create("sqlite", database=str(path))


def describe_url(url: sa.URL) -> str:
    """Return a database's name for messages: no user, no password, no options."""
    if url.get_backend_name() == "sqlite":
        return str(url.database)
    port = f":{url.port}" if url.port else ""
    return f"postgresql://{url.host or ''}{port}/{url.database or ''}"
