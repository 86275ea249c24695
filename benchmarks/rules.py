"""What rules cost an uncached recommendation, in process.

Measured: `Recommender.recommend` as in the benchmark `recommendation` (200 plays, 20 items,
strategy `hybrid`, 100,000 tracks), with ten rules of all kinds in force: three filters, one of
them by a file of 10,000 ids, a boost, a bury, a pin, two quotas, an artist cap and spacing. Then
the same with `dry_run`.

Reference: the same request without rules.

BLAS has one thread on both sides. Limit: 1.25 times the reference.
"""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import TypeAdapter
from threadpoolctl import threadpool_limits

from benchmarks.harness import Result, interleave
from benchmarks.synthetic import bundle, history
from engine.recommender import Recommender
from engine.request import Request
from ranker.config import RankerConfig
from ranker.rules import AnyRule, Rules

_TRACKS = 100_000
_PLAYS = 200
_ITEMS = 20
_LIMIT = "<= 1.25x"


def run() -> list[Result]:
    """Measure with and without telling what the rules did."""
    with tempfile.TemporaryDirectory() as name, threadpool_limits(1):
        directory = Path(name)
        plain = Recommender(bundle(directory, _TRACKS), RankerConfig())
        rules = _rules(directory, list(plain.catalog.tracks))
        ruled = Recommender(plain.bundle, plain.config, signals=plain.signals, rules=rules)
        played = history(_TRACKS, _PLAYS, np.random.default_rng(1))
        request = Request(played, n=_ITEMS)
        told = replace(request, dry_run=True)
        found = ruled.recommend(told)
        assert len(found.items) == _ITEMS
        assert found.rules is not None
        assert len(found.rules) == len(rules)
        times = interleave(
            lambda: ruled.recommend(request),
            lambda: ruled.recommend(told),
            lambda: plain.recommend(request),
            rounds=9,
            number=10,
        )
    return [
        Result("ten rules, 100,000 tracks / none", times[0], times[2], _LIMIT),
        Result("ten rules with dry_run / none", times[1], times[2]),
    ]


def _rules(directory: Path, track_ids: list[str]) -> tuple[AnyRule, ...]:
    available = directory / "available.txt"
    available.write_text("\n".join(track_ids[::10]))
    written: list[dict[str, Any]] = [
        {"kind": "filter", "where": {"genre": "Genre 1"}},
        {"kind": "filter", "where": {"artist": [f"Artist {i}" for i in range(50)]}},
        {"kind": "filter", "action": "keep", "where": {"listed": str(available)}},
        {"kind": "boost", "where": {"genre": ["Genre 2", "Genre 4"]}, "factor": 1.5},
        {"kind": "bury", "where": {"genre": "Genre 6"}, "places": 5},
        {"kind": "pin", "track": track_ids[50_000], "position": 3},
        {"kind": "quota", "where": {"genre": "Genre 8"}, "at_least": 3, "first": 10},
        {"kind": "quota", "where": {"genre": "Genre 10"}, "at_most_share": 0.2},
        {"kind": "artist_cap", "most": 1},
        {"kind": "spacing", "places": 3},
    ]
    return TypeAdapter(Rules).validate_python(written)
