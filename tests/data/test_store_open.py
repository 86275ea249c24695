"""Opening, upgrading and refusing databases; configuration and URLs."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

import alembic.command
import pandas as pd
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from pydantic import ValidationError

from data.config import DataConfig
from data.errors import DataError, ParameterError
from data.store import Event, Store
from data.store import database as database_module
from data.store import engine as engine_module
from data.store import migrate as migrate_module
from data.store.database import Database
from data.store.lookups import Lookups
from data.store.migrate import HEAD
from data.store.schema import metadata
from data.store.url import describe_url, parse_url
from data.vocabulary import Vocabulary
from tests.data.store_workers import open_and_count

_MIGRATIONS = Path(migrate_module.__file__).parent / "migrations"


def _execute(url: str, *statements: str) -> None:
    engine = Database(url).engine
    with engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
    engine.dispose()


def test_a_new_database_has_the_tables_of_the_schema(store: Store):
    with store._database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
        assert context.get_current_revision() == HEAD
    assert store.counts() == {"tracks": 0, "users": 0, "events": 0, "embeddings": 0}


def test_head_is_the_newest_revision():
    scripts = ScriptDirectory(str(_MIGRATIONS))
    assert scripts.get_heads() == [HEAD]


def test_a_database_of_the_first_release_is_upgraded(database_url):
    _make_revision(database_url, "0001")
    _execute(
        database_url,
        "INSERT INTO tracks (track_id, search, created_at) VALUES ('a', 'a', 0)",
        "INSERT INTO embeddings (space, track_id, dim, vector, fingerprint) "
        f"VALUES ('mel', 'a', 1, {_ONE_AS_BYTES[database_url[:6]]}, 'f')",
    )
    with Store.open(database_url) as store:
        with store._database.engine.connect() as connection:
            context = MigrationContext.configure(connection, opts={"compare_type": True})
            assert compare_metadata(context, metadata) == []
        assert store.load_embeddings("mel", Vocabulary(["a"]))[0].tolist() == [[1.0]]
        assert store.fingerprints("mel") == {"a": "f"}
        assert store.half_heard("mel") == {"a"}
        assert store.load_segments("mel", Vocabulary(["a"]))[1].tolist() == [0, 0]


_ONE_AS_BYTES = {"sqlite": "X'0000803F'", "postgr": "'\\x0000803f'::bytea"}


def _make_revision(url: str, revision: str) -> None:
    """Create the tables as an older release did."""
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    engine = Database(url).engine
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        alembic.command.upgrade(config, revision)
    engine.dispose()


def test_sequence_numbers_are_never_used_twice_in_sqlite(sqlite_url):
    with Store.open(sqlite_url) as store:
        query = sa.text("SELECT sql FROM sqlite_master WHERE name = 'events'")
        with store._database.read() as connection:
            assert "AUTOINCREMENT" in connection.execute(query).scalar_one()


def test_sqlite_is_durable_and_checked(sqlite_url):
    with Store.open(sqlite_url) as store, store._database.read() as connection:
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "busy_timeout", "foreign_keys")
        }
    assert pragmas == {
        "journal_mode": "wal",
        "synchronous": 2,  # FULL
        "busy_timeout": 10_000,
        "foreign_keys": 1,
    }


def test_postgres_acknowledges_only_what_is_on_disk(postgres_url):
    url = sa.make_url(postgres_url)
    options = f"{url.query['options']} -csynchronous_commit=off"
    hasty = url.update_query_dict({"options": options}).render_as_string(hide_password=False)
    with Store.open(hasty) as store, store._database.read() as connection:
        assert connection.exec_driver_sql("SHOW synchronous_commit").scalar() == "on"


def test_opening_again_keeps_everything(database_url):
    with Store.open(database_url) as store:
        store.put_listens([_frame("ann", "t1")])
    with Store.open(database_url) as store:
        assert store.counts()["events"] == 1


def test_plain_postgresql_urls_are_understood(postgres_url):
    with Store.open(postgres_url.replace("postgresql+psycopg://", "postgresql://")) as store:
        store.ping()
        assert "postgres@" not in repr(store)


@pytest.mark.parametrize("name", ["a b.db", "ü?x=1&y#z.db", "100%.db", "%41.db"])
def test_any_path_is_taken_as_it_stands(tmp_path, name):
    with Store.open(f"sqlite:///{tmp_path / name}"):
        assert (tmp_path / name).is_file()


def test_the_home_may_have_spaces_and_percent_signs(tmp_path):
    home = tmp_path / "my 100% home"
    home.mkdir()
    with Store.open(DataConfig().url(home)) as store:
        store.ping()
    assert (home / "segue.db").is_file()


def test_configuration():
    assert DataConfig().database_url is None
    assert DataConfig(database_url="postgresql://h/n").url(Path("/x")) == "postgresql://h/n"
    assert "secret" not in repr(DataConfig(database_url="postgresql://u:secret@h/n"))
    with pytest.raises(ValidationError):
        DataConfig(databse_url="x")  # type: ignore[call-arg]
    assert all(field.description for field in DataConfig.model_fields.values())


@pytest.mark.parametrize(
    "url",
    ["mysql://u:secret@h/n", "u:secret@h/n", "sqlite://", "postgresql://u:secret@h:port/n", ""],
)
def test_other_urls_are_refused_without_their_password(url):
    with pytest.raises(ParameterError) as caught:
        Store.open(url)
    assert "`database_url`" in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("url", ["sqlite:///segue.db", "sqlite:///", "sqlite:///:memory:"])
def test_relative_paths_are_refused(url):
    with pytest.raises(ParameterError, match="absolute"):
        Store.open(url)


def test_names_of_databases_hold_no_secret():
    url = parse_url("postgresql://ann:secret@db.example:5433/music?password=secret")
    assert describe_url(url) == "postgresql://db.example:5433/music"
    assert describe_url(parse_url("sqlite:////tmp/x y.db")) == "/tmp/x y.db"


def _one_line(error: pytest.ExceptionInfo[DataError]) -> str:
    message = str(error.value)
    assert "\n" not in message
    assert "secret" not in message
    return message


def test_an_unreachable_server_is_one_line_without_the_password():
    with pytest.raises(DataError) as caught:
        Store.open("postgresql://ann:secret@127.0.0.1:1/music")
    assert "postgresql://127.0.0.1:1/music" in _one_line(caught)


def test_a_password_in_the_reason_is_masked():
    database = Database("postgresql://ann:secret@127.0.0.1:1/music")
    assert "secret" not in str(database._data_error(Exception("no secret\nwas kept")))


def test_a_missing_directory_is_named(tmp_path):
    with pytest.raises(DataError, match="create the directory"):
        Store.open(f"sqlite:///{tmp_path / 'none' / 'segue.db'}")


@pytest.mark.parametrize(
    "content", [b"user_id,track_id\n" * 100, b"SQLite format 3\x00" + b"x" * 9000]
)
def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path, content):
    path = tmp_path / "listens.csv"
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        Store.open(f"sqlite:///{path}")
    assert str(path) in _one_line(caught)
    assert path.read_bytes() == content


def test_a_directory_is_no_database(tmp_path):
    with pytest.raises(DataError, match="cannot be used"):
        Store.open(f"sqlite:///{tmp_path}")


def test_a_newer_database_is_refused_with_the_remedy(database_url):
    Store.open(database_url).close()
    _execute(database_url, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(DataError, match="Upgrade Segue") as caught:
        Store.open(database_url)
    assert "'9999'" in _one_line(caught)


def test_tables_of_another_program_are_not_touched(database_url):
    _execute(database_url, "CREATE TABLE tracks (x INTEGER)", "CREATE TABLE other (x INTEGER)")
    with pytest.raises(DataError, match="tables named tracks that Segue did not make"):
        Store.open(database_url)


def test_an_upgrade_that_fails_leaves_nothing(database_url, monkeypatch):
    def stumble(*args: object) -> None:
        raise DataError("stumbled")

    monkeypatch.setattr("alembic.command.upgrade", stumble)
    with pytest.raises(DataError, match="stumbled"):
        Store.open(database_url)
    monkeypatch.undo()
    with Store.open(database_url) as store:
        assert store.counts()["tracks"] == 0


def test_wal_that_cannot_be_had_is_an_error(sqlite_url, monkeypatch):
    monkeypatch.setattr(migrate_module, "_WAL", sa.text("PRAGMA journal_mode = DELETE"))
    with pytest.raises(DataError, match="local disk"):
        Store.open(sqlite_url)


def test_many_threads_may_open_new_databases_at_once(database_url, tmp_path):
    urls = [database_url] * 3 + [f"sqlite:///{tmp_path / f'{n}.db'}" for n in range(3)]
    barrier = threading.Barrier(len(urls))
    opened: list[str] = []

    def work(url: str) -> None:
        open_and_count(url, barrier)
        opened.append(url)

    threads = [threading.Thread(target=work, args=(url,)) for url in urls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(opened) == sorted(urls)


def test_a_locked_file_is_waited_for(sqlite_url, monkeypatch):
    monkeypatch.setattr(engine_module, "_BUSY_TIMEOUT_MS", 10)
    path = sqlite_url.removeprefix("sqlite:///")
    holder = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    holder.execute("BEGIN EXCLUSIVE")
    release = threading.Timer(0.3, lambda: holder.execute("ROLLBACK"))
    release.start()
    with Store.open(sqlite_url) as store:
        store.ping()
    release.join()
    holder.close()


def test_a_lock_held_too_long_is_an_error(sqlite_url, monkeypatch):
    monkeypatch.setattr(engine_module, "_BUSY_TIMEOUT_MS", 10)
    monkeypatch.setattr(database_module, "WAIT_S", 0.2)
    with Store.open(sqlite_url) as store:
        store.put_listens([_frame("ann", "t1")])
        holder = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        assert store.user_known("ann")  # readers never wait
        with pytest.raises(DataError, match="was busy"):
            store.add_events([Event(None, "ann", "t1", "like")])
        holder.execute("ROLLBACK")
        holder.close()
        assert store.add_events([Event(None, "ann", "t1", "like")]).accepted == 1


def test_ping_tells_when_the_database_is_gone(postgres_url):
    with Store.open(postgres_url) as store:
        store.ping()
        kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = %s"
        connection = store._database._lookups.idle[-1]
        _execute(postgres_url, kill % connection.info.backend_pid)
        store.ping()  # by a new connection
        store.dispose()
        nowhere = sa.create_engine("postgresql+psycopg://127.0.0.1:1/none")
        store._database._lookups = Lookups(nowhere)
        with pytest.raises(DataError, match="cannot be used"):
            store.ping()


def test_a_damaged_table_is_reported_in_one_line(store):
    store.user_version("ann")
    _drop = "DROP TABLE users"
    with store._database.engine.begin() as connection:
        connection.exec_driver_sql(_drop)
    for call in (lambda: store.user_version("ann"), store.counts, lambda: store.forget_user("ann")):
        with pytest.raises(DataError) as caught:
            call()
        assert "users" in _one_line(caught)


def test_disposal_and_close_leave_a_store_that_can_be_used_again(store):
    store.put_listens([_frame("ann", "t1")])
    store.dispose()
    assert store.user_known("ann")
    store.close()
    assert store.user_known("ann")


def _frame(user: str, track: str) -> pd.DataFrame:
    return pd.DataFrame({"user_id": [user], "track_id": [track]})
