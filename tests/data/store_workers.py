"""What other processes do to a store, and how they are started: fast, and without our threads."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd

from data.store import Event, Store
from data.store import database as database_module

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload([__name__])


def start(work: Callable[..., None], *args: object) -> Any:
    """Run `work(*args)` in another process."""
    process = _context.Process(target=work, args=args)
    process.start()
    return process


def together(works: Sequence[tuple[Any, ...]], timeout: float = 60) -> None:
    """Run each of `(function, *args)` in a process of its own; all must succeed."""
    processes = [start(*work) for work in works]
    for process in processes:
        process.join(timeout)
    assert [process.exitcode for process in processes] == [0] * len(works)


def barrier(parties: int) -> Any:
    return _context.Barrier(parties)


def pipe() -> Any:
    return _context.Pipe(duplex=False)


def open_and_count(url: str, ready: Any) -> None:
    ready.wait(60)
    with Store.open(url) as store:
        assert store.counts()["tracks"] == 0


def add_one_by_one(url: str, worker: int, count: int) -> None:
    """Add events of a shared user and of one's own, each in a transaction."""
    with Store.open(url) as store:
        for n in range(count):
            user = "shared" if n % 2 else f"own-{worker}"
            event = Event(f"{worker}-{n}", user, "t0", "listen", listened_at=n)
            assert store.add_events([event]).accepted == 1


def import_rows(url: str, worker: int, count: int) -> None:
    """Import events of the shared user, in one transaction."""
    ids = [f"import-{worker}-{n}" for n in range(count)]
    frame = pd.DataFrame(
        {"user_id": "shared", "track_id": "t0", "event_id": ids, "at": range(count)}
    )
    with Store.open(url) as store:
        assert store.put_listens([frame]).new == count


def add_for_ever(url: str, acknowledged: Any) -> None:
    """Add events until killed, and say after each that it was acknowledged."""
    with Store.open(url) as store:
        for n in range(1_000_000):
            store.add_events([Event(str(n), "ann", "t0", "listen")])
            acknowledged.send(n)


def import_hanging(url: str, begun: Any, merging: bool) -> None:
    """Begin an import that ends only by a kill: while reading rows, or while merging them."""
    frame = pd.DataFrame({"user_id": ["bob"] * 5_000, "track_id": "t9", "at": range(5_000)})

    def frames() -> Any:
        yield frame
        if not merging:
            begun.send("reading")
            multiprocessing.Event().wait()

    write = database_module.Database.write

    def write_and_hang(self: Any, work: Any, *, on: Any = None) -> Any:
        def hang(connection: Any) -> None:
            work(connection)
            begun.send("merging")
            multiprocessing.Event().wait()

        return write(self, hang, on=on)

    with Store.open(url) as store:
        if merging:
            database_module.Database.write = write_and_hang  # type: ignore[method-assign]
        store.put_listens(frames())
