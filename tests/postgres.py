"""A PostgreSQL schema of its own for a test, where SEGUE_TEST_POSTGRES_URL says where."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

POSTGRES = "SEGUE_TEST_POSTGRES_URL"


def fresh_schema() -> Iterator[str]:
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
