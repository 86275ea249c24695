"""A listens file straight to interactions: the same as by way of its table."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.errors import DataError
from data.interactions import Feedback, Interactions
from data.readers import RejectSink, read_feedback, read_interactions, read_listens
from data.readers import parquet as parquet_module
from data.vocabulary import Vocabulary

EVENT = ("listen", "like", "dislike", "skip", "hide")
TRACKS = Vocabulary(["b", "a", "nobody's"])

IDS = st.sampled_from(["a", "b", "c", "é", "10", "9", " a", "\U0001f600", "x" * 256])
BAD_IDS = st.sampled_from([None, "", "x" * 257, "a\0b"])
BYTES = st.one_of(IDS.map(str.encode), st.sampled_from([b"\xff", b"", None]))
ID_COLUMNS = (
    (pa.string(), IDS),
    (pa.string(), st.one_of(IDS, BAD_IDS)),
    (pa.large_string(), st.one_of(IDS, BAD_IDS)),
    (pa.binary(), BYTES),
    (pa.dictionary(pa.int8(), pa.string()), st.one_of(IDS, BAD_IDS)),
    (pa.int64(), st.one_of(st.integers(-3, 3), st.none())),
    (pa.float64(), st.one_of(st.just(1.5), st.none())),
)
COUNTS = (
    (pa.int64(), st.one_of(st.integers(-1, 9), st.none())),
    (pa.uint8(), st.integers(1, 9)),
    (pa.float32(), st.one_of(st.sampled_from([0.25, 1.5, 0.0, np.nan, np.inf]), st.none())),
    (pa.float64(), st.one_of(st.sampled_from([0.1, 1e39, 1e-60]), st.none())),
    (pa.string(), st.sampled_from(["2", " 2.5 ", "", "1e1", "x", "nan", None])),
)
NOON = datetime(2024, 1, 1, 12, tzinfo=UTC)
TIMES = (
    (pa.int64(), st.one_of(st.sampled_from([0, 5, 1_700_000_000, -1, 2**60]), st.none())),
    (pa.float64(), st.one_of(st.sampled_from([5.9, np.nan, -0.5]), st.none())),
    (pa.timestamp("us"), st.one_of(st.just(NOON), st.none())),
    (pa.timestamp("ns", tz="Europe/Paris"), st.one_of(st.just(NOON), st.none())),
    (pa.date32(), st.one_of(st.just(NOON.date()), st.none())),
    (pa.string(), st.sampled_from(["2024-01-01T12:00:00.5", "5", "", "soon", None])),
)
EVENTS = (
    (pa.string(), st.sampled_from([*EVENT, "", None])),
    (pa.dictionary(pa.int32(), pa.string()), st.sampled_from([*EVENT, "love", None])),
)


@st.composite
def tables(draw: st.DrawFn) -> pa.Table:
    size = draw(st.integers(0, 12))

    def column(kinds: Any) -> pa.Array:
        kind, values = draw(st.sampled_from(kinds))
        return pa.array(draw(st.lists(values, min_size=size, max_size=size)), kind)

    columns = {"user_id": column(ID_COLUMNS), "track_id": column(ID_COLUMNS)}
    for name, kinds in (("count", COUNTS), ("listened_at", TIMES), ("event", EVENTS)):
        if draw(st.booleans()):
            columns[name] = column(kinds)
    return pa.table(columns)


def rows_of(plays: Interactions) -> list[tuple[str, str, float, int]]:
    users, tracks = plays.users.ids(plays.user), plays.tracks.ids(plays.track)
    return list(zip(users, tracks, plays.count.tolist(), plays.at.tolist(), strict=True))


def expected(frame: pd.DataFrame, known: list[str] | None) -> tuple[list[Any], list[Any]]:
    """The rule in plain Python: rows of plays, and rows of hidden pairs."""
    plays, last = [], {}
    for row in frame.itertuples():
        pair, count = (row.user_id, row.track_id), float(np.float32(row.count))
        if known is not None and row.track_id not in known:
            continue
        if row.event in ("listen", "like"):
            weight = 3 * row.count if row.event == "like" else count
            plays.append((*pair, float(np.float32(weight)), row.at))
        if row.event in ("like", "dislike", "hide") and row.at >= last.get(pair, (-1,))[0]:
            last[pair] = (row.at, row.event)
    hidden = [(*pair, 1.0, at) for pair, (at, event) in last.items() if event != "like"]
    order = {track: i for i, track in enumerate(known or [])}

    def place(row: tuple[str, str, float, int]) -> tuple[str, Any, int]:
        return row[0], order.get(row[1], row[1]), row[3]

    return sorted(plays, key=place), sorted(hidden, key=place)


def outcome(read: Any, path: Path, **options: Any) -> Any:
    """What reading gives: its result or its message, and what was set aside."""
    aside = path.with_name("rejects.csv")
    aside.unlink(missing_ok=True)
    try:
        with RejectSink(aside) as sink:
            result = read(path, rejects=sink, **options)
    except DataError as error:
        return str(error), None
    return result, aside.read_text("utf-8") if sink.count else ""


@settings(deadline=None, max_examples=100)
@given(tables(), st.booleans(), st.booleans(), st.integers(1, 20))
def test_is_what_the_table_says(
    table: pa.Table, given_tracks: bool, dictionaries: bool, group: int
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "l.parquet"
        pq.write_table(table, path, use_dictionary=dictionaries, row_group_size=group)
        frames, aside = outcome(lambda *a, **k: pd.concat(read_listens(*a, **k)), path)
        tracks = TRACKS if given_tracks else None
        feedback, also_aside = outcome(read_feedback, path, tracks=tracks)
        assert aside == also_aside
        if isinstance(feedback, Feedback):
            known = list(TRACKS) if given_tracks else None
            plays, hidden = expected(frames, known)
            assert rows_of(feedback.plays) == plays
            assert rows_of(feedback.hidden) == hidden
            assert list(feedback.plays.users) == sorted(set(frames["user_id"]))
            assert list(feedback.plays.tracks) == (known or sorted(set(frames["track_id"])))
        else:
            assert feedback == frames


def message(read: Callable[[Path], object], path: Path) -> str | None:
    try:
        read(path)
    except DataError as error:
        return str(error)
    return None


@settings(deadline=None, max_examples=50)
@given(tables())
def test_fails_where_reading_the_table_does(table: pa.Table) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "l.parquet"
        pq.write_table(table, path)
        assert message(read_interactions, path) == message(lambda p: list(read_listens(p)), path)


@pytest.mark.parametrize("name", ["l.csv", "l.jsonl", "l.parquet"])
def test_every_format(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    frame = pd.DataFrame(
        {"user_id": ["v", "u", "u", "u"], "track_id": ["b", "b", "a", "b"], "count": [1, 2, 3, 0.5]}
    )
    if name.endswith("csv"):
        frame.to_csv(path, index=False)
    elif name.endswith("jsonl"):
        path.write_text(frame.to_json(orient="records", lines=True))
    else:
        frame.to_parquet(path)
    plays = read_interactions(path)
    assert list(plays.users) == ["u", "v"]
    assert list(plays.tracks) == ["a", "b"]
    assert plays.matrix().toarray().tolist() == [[3, 2.5], [0, 1]]
    assert plays.at.tolist() == [-1] * 4


def test_no_rows(tmp_path: Path) -> None:
    path = tmp_path / "l.parquet"
    pq.write_table(pa.table({"user_id": ["u"], "track_id": ["t"]}).slice(0, 0), path)
    assert repr(read_interactions(path)) == "Interactions(0 rows, 0 users x 0 tracks)"


def test_categories_without_rows_are_no_ids(tmp_path: Path) -> None:
    path = tmp_path / "l.parquet"
    users = pd.Categorical(["v", "u"], categories=["v", "w", "u", ""])
    pd.DataFrame({"user_id": users, "track_id": ["t", "t"]}).to_parquet(path)
    assert list(read_interactions(path).users) == ["u", "v"]


def test_ids_past_what_a_dictionary_of_the_file_holds(tmp_path: Path) -> None:
    """The writer gives up on a dictionary of more than a kilobyte, and goes on in plain text."""
    path = tmp_path / "l.parquet"
    users = [f"user {i:06}" for i in range(5_000)] * 2
    table = pa.table({"user_id": users, "track_id": ["t"] * 10_000})
    pq.write_table(table, path, dictionary_pagesize_limit=1024, row_group_size=3_000)
    metadata = pq.read_metadata(path)
    assert not parquet_module._is_packed(metadata, "user_id")
    assert parquet_module._is_packed(metadata, "track_id")
    plays = read_interactions(path)
    assert list(plays.users) == users[:5_000]
    assert plays.matrix().toarray().ravel().tolist() == [2.0] * 5_000
