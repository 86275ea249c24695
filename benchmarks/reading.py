"""Ten million listens from Parquet into a matrix.

Measured: `read_interactions(file).matrix()`: every row checked, ids to indices, rows sorted, plays
summed into a CSR matrix. 50,000 users, 100,000 tracks, few of them played often, one count a row.

Reference: the plain pandas path: `read_parquet`, `groupby` of user and track, `astype("category")`
of both, a CSR matrix of the codes. It checks nothing.

The second line compares the peak of memory over that of a process that has done nothing but import
both, each run in a fresh process.

Limit: a fifth of the reference's time, and less memory. Most of the time is Arrow's: the text of
the tracks, for which a writer gives up its dictionary at a megabyte, is read and hashed row by row.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import pandas as pd
import scipy.sparse as sp

from benchmarks.harness import Result, interleave
from benchmarks.synthetic import listens_frame
from data.readers import read_interactions

_ROWS = 10_000_000
Way = Callable[[Path], sp.csr_matrix]


def ours(path: Path) -> sp.csr_matrix:
    """Read a file by the reader of Segue."""
    return read_interactions(path).matrix()


def plain(path: Path) -> sp.csr_matrix:
    """Read a file by pandas."""
    frame = pd.read_parquet(path)
    sums = frame.groupby(["user_id", "track_id"], as_index=False)["count"].sum()
    users, tracks = sums["user_id"].astype("category"), sums["track_id"].astype("category")
    return sp.csr_matrix(
        (sums["count"].astype(np.float32), (users.cat.codes, tracks.cat.codes)),
        shape=(len(users.cat.categories), len(tracks.cat.categories)),
    )


def run() -> list[Result]:
    """Measure time, then memory."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "listens.parquet"
        rng = np.random.default_rng(0)
        listens_frame(50_000, 100_000, _ROWS, rng).to_parquet(path)
        assert abs(ours(path) - plain(path)).max() == 0
        times = interleave(lambda: ours(path), lambda: plain(path), rounds=3, warm=False)
        peaks = _peak(ours, path), _peak(plain, path)
    name = "reading 10M listens{} / pandas"
    return [
        Result(name.format(""), *times, limit="<= 0.20x", rows=_ROWS),
        Result(name.format(", memory"), *([peak] for peak in peaks), limit="<= 1.00x", unit="B"),
    ]


def _peak(way: Way, path: Path) -> int:
    """Return the bytes that reading takes at its peak, in a process of its own."""
    context = get_context("spawn")
    receive, send = context.Pipe(duplex=False)
    process = context.Process(target=_report_peak, args=(way, path, send))
    process.start()
    send.close()
    peak: int = receive.recv()
    process.join()
    return peak


def _report_peak(way: Way, path: Path, send: Connection) -> None:
    before = _high_water()
    way(path)
    send.send(_high_water() - before)


def _high_water() -> int:
    # Not `ru_maxrss`: that of a child process begins with what its parent had.
    text = Path("/proc/self/status").read_text()
    line = next(line for line in text.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024
