"""A store on each database: SQLite always, PostgreSQL where SEGUE_TEST_POSTGRES_URL says where."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from data.store import Store

POSTGRES = "SEGUE_TEST_POSTGRES_URL"


def _fresh_schema() -> Iterator[str]:
    """Yield the URL of a schema of its own, dropped afterwards."""
    base = os.environ.get(POSTGRES)
    if not base:
        pytest.skip(f"needs PostgreSQL: set {POSTGRES}, such as postgresql://user@127.0.0.1/test")
    url = sa.make_url(base).set(drivername="postgresql+psycopg")
    schema = f"segue_test_{uuid.uuid4().hex}"
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE SCHEMA {schema}")
    of_schema = url.update_query_dict({"options": f"-csearch_path={schema}"})
    yield of_schema.render_as_string(hide_password=False)
    with engine.connect() as connection:
        connection.exec_driver_sql(f"DROP SCHEMA {schema} CASCADE")
    engine.dispose()


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'segue.db'}"


@pytest.fixture
def postgres_url() -> Iterator[str]:
    yield from _fresh_schema()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """The URL of an empty database of each kind."""
    kind = "sqlite_url" if request.param == "sqlite" else "postgres_url"
    return str(request.getfixturevalue(kind))


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    """An empty store on each kind of database."""
    with Store.open(database_url) as opened:
        yield opened
