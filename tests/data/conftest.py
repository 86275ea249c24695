"""A store on each database: SQLite always, PostgreSQL where SEGUE_TEST_POSTGRES_URL says where."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from data.store import Store
from tests.postgres import fresh_schema


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'segue.db'}"


@pytest.fixture
def postgres_url() -> Iterator[str]:
    yield from fresh_schema()


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
