"""Many threads and processes on one store; kills; forks."""

from __future__ import annotations

import contextlib
import os
import threading
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pandas as pd
import pytest
import sqlalchemy as sa

from data.store import AddedEvents, Event, Store
from data.store import events as events_module
from data.store import migrate as migrate_module
from data.store.schema import users
from data.vocabulary import Vocabulary
from tests.data import store_workers as workers

TRACKS = pd.DataFrame({"track_id": [f"t{n}" for n in range(10)]})


@pytest.fixture
def url(database_url: str) -> str:
    with Store.open(database_url) as store:
        store.put_tracks([TRACKS])
    return database_url


def _in_threads(works: list[Callable[[], object]]) -> list[object]:
    ready = threading.Barrier(len(works))

    def run(work: Callable[[], object]) -> object:
        ready.wait(30)
        return work()

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))


def test_many_processes_may_open_a_new_database_at_once(database_url):
    ready = workers.barrier(4)
    workers.together([(workers.open_and_count, database_url, ready)] * 4)


def test_no_event_of_concurrent_processes_is_lost(url):
    workers.together(
        [
            (workers.add_one_by_one, url, 0, 60),
            (workers.add_one_by_one, url, 1, 60),
            (workers.add_one_by_one, url, 2, 60),
            (workers.import_rows, url, 3, 3_000),
            (workers.import_rows, url, 4, 3_000),
        ]
    )
    with Store.open(url) as store:
        assert store.counts()["events"] == 3 * 60 + 2 * 3_000
        shared = store.history("shared", Vocabulary(["t0"]))
        assert shared.counts.tolist() == [3 * 30 + 2 * 3_000]
        for worker in range(3):
            own = store.history(f"own-{worker}", Vocabulary(["t0"]))
            assert own.counts.tolist() == [30]


def test_no_event_of_concurrent_threads_is_lost(url):
    with Store.open(url) as store:

        def add(worker: int) -> list[str]:
            versions = []
            for n in range(25):
                store.add_events([Event(f"{worker}-{n}", "ann", f"t{worker}", "listen")])
                versions.append(store.user_version("ann"))
            return versions

        _in_threads([lambda w=w: add(w) for w in range(8)])  # type: ignore[misc]
        assert store.counts()["events"] == 8 * 25
        assert store.history("ann", Vocabulary(TRACKS.track_id.tolist())).counts.sum() == 8 * 25


def test_the_same_delivery_from_many_threads_is_stored_once(url):
    with Store.open(url) as store:
        batch = [Event(f"e{n}", f"user {n % 3}", "t1", "like") for n in range(40)]
        # Opposite orders would deadlock, if each writer took its locks as they come.
        deliveries = [batch, batch[::-1], batch[20:] + batch[:20], batch[::2] + batch[1::2]] * 2
        done = _in_threads([lambda b=b: store.add_events(b) for b in deliveries])  # type: ignore[misc]
        assert sum(result.accepted for result in done) == 40  # type: ignore[attr-defined]
        assert sum(result.duplicates for result in done) == 7 * 40  # type: ignore[attr-defined]
        assert store.counts()["events"] == 40


def test_a_delivery_overtaken_by_its_repetition_is_a_duplicate(postgres_url, monkeypatch):
    """Both look which events are stored before either stores its own."""
    both_looked = threading.Barrier(2)
    touch = events_module._touch

    def meet_then_touch(*args: object) -> None:
        if not both_looked.broken:
            with contextlib.suppress(threading.BrokenBarrierError):
                both_looked.wait(20)
                both_looked.abort()  # only the first time
        touch(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(events_module, "_touch", meet_then_touch)
    with Store.open(postgres_url) as store:
        store.put_tracks([TRACKS])
        batch = [Event("e1", "ann", "t1", "like"), Event("e2", "bob", "t2", "like")]
        done = _in_threads([lambda: store.add_events(batch)] * 2)
        assert sorted(done, key=repr) == [AddedEvents(0, 2), AddedEvents(2, 0)]


def test_a_deadlock_is_tried_again(postgres_url):
    with Store.open(postgres_url) as store:
        store.put_listens([pd.DataFrame({"user_id": ["ann", "bob"], "track_id": "t0"})])
        both_hold_one = threading.Barrier(2)
        tries: list[str] = []

        def lock(first: str, second: str) -> str:
            def work(connection: sa.Connection) -> str:
                tries.append(first)
                for user in (first, second):
                    query = sa.select(users).where(users.c.user_id == user).with_for_update()
                    connection.execute(query).all()
                    if len(tries) <= 2 and user == first:
                        both_hold_one.wait(20)
                return first

            return store._database.write(work)

        done = _in_threads([lambda: lock("ann", "bob"), lambda: lock("bob", "ann")])
        assert done == ["ann", "bob"]
        assert len(tries) == 3


def test_an_upgrade_waits_for_the_one_before(postgres_url):
    holder = sa.create_engine(postgres_url)
    with holder.begin() as connection:
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(migrate_module._LOCK)))
        thread = threading.Thread(target=lambda: Store.open(postgres_url).close())
        thread.start()
        thread.join(0.5)
        assert thread.is_alive()
    thread.join(30)
    assert not thread.is_alive()
    holder.dispose()


def test_the_same_import_from_many_threads_is_stored_once(url):
    ids = [f"t{n}" for n in range(300)]  # most of them unknown
    frame = pd.DataFrame({"user_id": "ann", "track_id": ids, "count": 2.0})
    with Store.open(url) as store:
        done = _in_threads([lambda: store.put_listens([frame])] * 4)
        assert sum(result.new for result in done) == 300  # type: ignore[attr-defined]
        assert sum(result.same for result in done) == 900  # type: ignore[attr-defined]
        assert sum(result.new_tracks for result in done) == 290  # type: ignore[attr-defined]


def test_look_ups_at_once_keep_few_connections(url):
    with Store.open(url) as store:
        _in_threads([lambda: [store.user_version("ann") for _ in range(50)]] * 20)
        assert 1 <= len(store._database._lookups.idle) <= 8


def test_readers_see_whole_batches_while_others_write(url):
    with Store.open(url) as store:
        over = threading.Event()

        def write() -> None:
            for n in range(30):
                store.add_events([Event(f"{n}-{i}", "ann", f"t{i}", "listen") for i in range(5)])
            over.set()

        def read() -> set[int]:
            seen = set()
            while not over.is_set():
                seen.add(len(store.load_feedback(Vocabulary(TRACKS.track_id.tolist())).plays))
            return seen

        seen = _in_threads([write, read, read])[1]
        assert [count for count in seen if count % 5] == []  # type: ignore[attr-defined]


def test_a_version_is_new_whenever_what_it_stands_for_is(url):
    """Who caches by version must never find the answer to an older history under it."""
    vocabulary = Vocabulary(["t0"])
    with Store.open(url) as store:
        over = threading.Event()

        def write() -> None:
            for _ in range(60):
                store.add_events([Event(None, "ann", "t0", "listen")])
            over.set()

        def read() -> dict[str, float]:
            least: dict[str, float] = {}
            while not over.is_set():
                version = store.user_version("ann")
                count = float(store.history("ann", vocabulary).counts.sum())
                assert count >= least.setdefault(version, count)
            return least

        _, *readings = _in_threads([write, read, read])
        for least in readings:
            counts = list(least.values())  # type: ignore[attr-defined]
            assert counts == sorted(counts)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_an_acknowledged_event_survives_a_kill(url):
    receive, send = workers.pipe()
    process = workers.start(workers.add_for_ever, url, send)
    acknowledged = -1
    while acknowledged < 20:
        assert receive.poll(60)
        acknowledged = receive.recv()
    process.kill()
    process.join()
    while receive.poll():
        acknowledged = receive.recv()
    with Store.open(url) as store:
        assert acknowledged + 1 <= store.counts()["events"] <= acknowledged + 2


@pytest.mark.parametrize("merging", [False, True])
def test_a_killed_import_leaves_nothing(url, merging):
    receive, send = workers.pipe()
    process = workers.start(workers.import_hanging, url, send, merging)
    assert receive.poll(60)
    with Store.open(url) as store:
        assert store.counts() == {"tracks": 10, "users": 0, "events": 0, "embeddings": 0}
    process.kill()
    process.join()
    with Store.open(url) as store:
        assert store.counts() == {"tracks": 10, "users": 0, "events": 0, "embeddings": 0}
        assert store.add_events([Event(None, "ann", "t0", "like")]).accepted == 1


def test_an_import_that_still_reads_keeps_nobody_waiting(url):
    with Store.open(url) as store:

        def frames():
            yield pd.DataFrame({"user_id": ["bob"], "track_id": "t1"})
            assert store.add_events([Event("e", "ann", "t0", "like")]).accepted == 1
            yield pd.DataFrame({"user_id": ["eve"], "track_id": "t2"})

        assert store.put_listens(frames()).new == 2
        assert store.counts()["events"] == 3


def test_a_forked_worker_uses_connections_of_its_own(url):
    with Store.open(url) as store:
        store.add_events([Event("parent", "ann", "t0", "listen")])
        before = store.user_version("ann")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of Python 3.12: other threads
            child = os.fork()
        if child == 0:  # pragma: no cover - the child ends without its report
            try:
                store.dispose()  # as gunicorn's hook does; a fork does it, too
                store.add_events([Event("child", "ann", "t0", "listen")])
                os._exit(0 if store.user_version("ann") != before else 1)
            except BaseException:  # noqa: BLE001 - the child must never come back to pytest
                os._exit(2)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert store.user_version("ann") != before
        store.add_events([Event("again", "ann", "t0", "listen")])
        assert store.counts()["events"] == 3


def test_a_fork_leaves_the_connections_of_the_parent_open(url):
    with Store.open(url) as store:
        store.user_version("ann")
        mine = store._database._lookups.idle[-1]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            child = os.fork()
        if child == 0:  # pragma: no cover - the child ends without its report
            alone = not store._database._lookups.idle and store.user_known("ann") is False
            os._exit(0 if alone and store._database._lookups.idle[-1] is not mine else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert mine.execute("SELECT count(*) FROM tracks").fetchone() == (10,)
