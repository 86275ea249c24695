"""A cached answer over HTTP.

Measured: `GET /v1/users/{user_id}/recommendations` answered from the embedded Redis, by a real
`segue serve` of two workers over a home of 2,000 tracks. Everything is in it: routing, checking the
query, the user's version from SQLite, one look-up of Redis.

Reference: a bare Flask application that returns the same bytes, under the same gunicorn with the
same settings.

One client asks over one kept-alive loopback connection a server, in turn: 400 requests of one,
400 of the other. Reported are the median and the 99th percentile of each block. A good part of
either time is the client's own. No limit is set yet.
"""

from __future__ import annotations

import http.client
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.harness import Result
from benchmarks.servers import started
from benchmarks.synthetic import SINCE, bundle, ids
from data.config import DataConfig
from data.store import Store
from engine.bundle import BundleRegistry
from engine.home import Home

_TRACKS, _USERS = 2_000, 50
_BLOCK, _ROUNDS = 400, 10
_PATH = "/v1/users/u00000007/recommendations?n=20"


def run() -> list[Result]:
    """Measure the hit path."""
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        home = _home(Path(name) / "home")
        segue = stack.enter_context(started("segue", home.root))
        _ask(segue)  # computed
        body = _ask(segue)  # kept
        assert b'"cache":"hit"' in body
        kept = Path(name) / "body.json"
        kept.write_bytes(body)
        bare = stack.enter_context(started("bare", kept))
        assert _ask(bare) == body
        seconds = np.array([[_block(segue), _block(bare)] for _ in range(_ROUNDS + 1)])[1:]
    return [
        Result(
            f"cached answer, p{q} / bare Flask",
            *np.percentile(seconds, q, axis=2).T.tolist(),
        )
        for q in (50, 99)
    ]


def _home(root: Path) -> Home:
    home = Home(root).create()
    BundleRegistry(home.bundles).publish(bundle(home.bundles, _TRACKS, n_users=_USERS).id)
    rng = np.random.default_rng(0)
    users, tracks = ids("u", _USERS), ids("t", _TRACKS)
    with Store.open(DataConfig().url(home.root)) as store:
        store.put_listens([_listens(users, tracks, rng)])
    return home


def _listens(users: list[str], tracks: list[str], rng: np.random.Generator) -> pd.DataFrame:
    size = 40 * len(users)
    return pd.DataFrame(
        {
            "user_id": rng.choice(users, size),
            "track_id": rng.choice(tracks, size),
            "at": SINCE + np.arange(size),
        }
    )


def _ask(connection: http.client.HTTPConnection) -> bytes:
    connection.request("GET", _PATH)
    response = connection.getresponse()
    body = response.read()
    assert response.status == 200, body
    return body


def _block(connection: http.client.HTTPConnection) -> list[float]:
    times = []
    for _ in range(_BLOCK):
        start = time.perf_counter()
        _ask(connection)
        times.append(time.perf_counter() - start)
    return times
