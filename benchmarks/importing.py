"""An import of 200,000 listens into SQLite.

Measured: `Store.put_listens(read_listens(file))` of a Parquet file: rows checked, events
identified, duplicates found, users touched, all in one transaction that is on the disk in the end.

Reference: the same rows, ready as tuples, by one `executemany` of Python's sqlite3 into the same
tables with the same indexes, durably too. It checks nothing and derives nothing.

No limit is set yet.
"""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.harness import Result, interleave
from benchmarks.synthetic import SINCE, ids, listens_frame
from data.readers import read_listens
from data.store import Store

_ROWS = 200_000
_USERS, _TRACKS = 5_000, 20_000
_ROUNDS = 3
_INSERT = """
INSERT INTO events (event_id, user_id, track_id, event, count, listened_at, played_ms)
VALUES (?, ?, ?, ?, ?, ?, ?)
"""


def run() -> list[Result]:
    """Measure imports into empty stores."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        path = directory / "listens.parquet"
        frame = listens_frame(_USERS, _TRACKS, _ROWS, np.random.default_rng(0))
        frame["listened_at"] = SINCE + np.arange(_ROWS)
        frame.to_parquet(path)
        stated = zip(frame["user_id"], frame["track_id"], frame["count"], strict=True)
        rows = [
            (f"at:{at:028}", user, track, "listen", float(count), SINCE + at, None)
            for at, (user, track, count) in enumerate(stated)
        ]
        stores = iter(_stores(directory, 2 * _ROUNDS))
        times = interleave(
            lambda: _ours(next(stores), path),
            lambda: _plain(next(stores), rows),
            rounds=_ROUNDS,
            warm=False,
        )
    return [Result("import of 200,000 listens / executemany", *times, rows=_ROWS)]


def _stores(directory: Path, number: int) -> list[Path]:
    """Return stores that hold the tracks and no listens."""
    template = directory / "template.db"
    with Store.open(f"sqlite:///{template}") as store:
        store.put_tracks([pd.DataFrame({"track_id": ids("track-", _TRACKS)})])
    return [shutil.copy(template, directory / f"{i}.db") for i in range(number)]


def _ours(database: Path, path: Path) -> None:
    with Store.open(f"sqlite:///{database}") as store:
        counts = store.put_listens(read_listens(path))
    assert counts.new == _ROWS


def _plain(database: Path, rows: list[tuple[object, ...]]) -> None:
    connection = sqlite3.connect(database)
    with connection:
        connection.executemany(_INSERT, rows)
    connection.close()
