"""What the writers write, and that the readers read back the same."""

import csv
import gzip
import json

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from data.catalog import TRACK_COLUMNS
from data.errors import DataError
from data.interactions import EVENTS
from data.readers import (
    read_embeddings,
    read_listens,
    read_tracks,
    write_embeddings,
    write_listens,
    write_recommendations,
    write_tracks,
)

SUFFIXES = [".csv", ".tsv", ".jsonl", ".ndjson", ".parquet", ".csv.gz", ".tsv.gz", ".jsonl.gz"]

nasty = st.one_of(
    st.sampled_from(["007", "NA", "null", "1e5", "True", '"', '""', "'", "\t", "\n", "\r\n", "\r"]),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1),
    st.text(',"\t\r\n \\|ä\ufeff\u2028', min_size=1),
)
ids = nasty.filter(lambda value: len(value.encode()) <= 256)
dates = st.sampled_from(["1999", "2024-02", "2024-02-29"])


def objects(values):
    return pd.Series(list(values), dtype=object)


@st.composite
def track_frames(draw):
    track_id = draw(st.lists(ids, min_size=1, max_size=5, unique=True))
    frame = pd.DataFrame({"track_id": objects(track_id)})
    for name in TRACK_COLUMNS:
        field = {"released_at": dates, "audio_path": nasty.map(lambda p: "/" + p)}.get(name, nasty)
        frame[name] = objects(draw(st.none() | field) for _ in track_id)
    return frame


@st.composite
def listen_frames(draw):
    size = draw(st.integers(1, 5))

    def column(values):
        return [draw(values) for _ in range(size)]

    played = column(st.none() | st.integers(0, 2**53 - 1))
    return pd.DataFrame(
        {
            "user_id": objects(column(ids)),
            "track_id": objects(column(ids)),
            "count": column(st.floats(1e-30, 1e30)),
            "event": objects(column(st.sampled_from(EVENTS))),
            "at": column(st.integers(-1, 253_402_300_799)),
            "played_ms": pd.array(played, dtype="Int64"),
            "event_id": objects(column(st.none() | ids)),
        }
    )


def assert_same(found, expected):
    whole = pd.concat(list(found), ignore_index=True)
    pd.testing.assert_frame_equal(whole, expected.reset_index(drop=True), check_exact=True)


class TestRoundTrips:
    @settings(max_examples=30, deadline=None)
    @given(st.sampled_from(SUFFIXES), st.lists(track_frames(), min_size=1, max_size=2))
    def test_tracks(self, tmp_path_factory, suffix, frames):
        path = tmp_path_factory.mktemp("t") / f"tracks{suffix}"
        whole = pd.concat(frames, ignore_index=True).drop_duplicates("track_id")
        cut = len(whole) // 2
        assert write_tracks(path, iter([whole.iloc[:cut], whole.iloc[cut:]])) == len(whole)
        assert_same(read_tracks(path), whole)

    @settings(max_examples=30, deadline=None)
    @given(st.sampled_from(SUFFIXES), st.lists(listen_frames(), min_size=1, max_size=2))
    def test_listens(self, tmp_path_factory, suffix, frames):
        path = tmp_path_factory.mktemp("l") / f"listens{suffix}"
        assert write_listens(path, iter(frames)) == sum(map(len, frames))
        assert_same(read_listens(path), pd.concat(frames, ignore_index=True))

    @settings(max_examples=30, deadline=None)
    @given(
        st.sampled_from(SUFFIXES),
        st.lists(ids, min_size=1, max_size=5, unique=True),
        st.integers(1, 4),
        st.data(),
    )
    def test_embeddings(self, tmp_path_factory, suffix, names, width, data):
        path = tmp_path_factory.mktemp("e") / f"embeddings{suffix}"
        finite = st.floats(allow_nan=False, allow_infinity=False, width=32)
        rows = data.draw(hnp.arrays(np.float32, (len(names), width), elements=finite))
        batches = [(names[:1], rows[:1]), (names[1:], rows[1:])]
        assert write_embeddings(path, iter(batches)) == len(names)
        found = list(read_embeddings(path))
        assert [name for batch, _ in found for name in batch] == names
        np.testing.assert_array_equal(np.concatenate([vectors for _, vectors in found]), rows)

    @pytest.mark.parametrize("suffix", [".csv", ".tsv", ".parquet"])
    def test_a_file_without_rows(self, tmp_path, suffix):
        path = tmp_path / f"l{suffix}"
        assert write_listens(path, []) == 0
        (frame,) = read_listens(path)
        assert len(frame) == 0


class TestWhatIsWritten:
    def test_listens_as_text(self, tmp_path):
        frame = pd.DataFrame(
            {"user_id": ["u", "v"], "track_id": ["t", "a,b"], "at": [1_704_110_400, -1]}
        )
        write_listens(tmp_path / "l.csv", [frame])
        assert (tmp_path / "l.csv").read_text().replace('"', "") == (
            "user_id,track_id,count,listened_at,event,played_ms,event_id\n"
            "u,t,,2024-01-01T12:00:00Z,,,\n"
            "v,a,b,,,,,\n"
        )

    def test_listens_in_parquet_hold_unix_seconds(self, tmp_path):
        frame = pd.DataFrame({"user_id": ["u", "v"], "track_id": ["t", "t"], "at": [17, -1]})
        write_listens(tmp_path / "l.parquet", [frame])
        table = pq.read_table(tmp_path / "l.parquet")
        assert table.column("listened_at").to_pylist() == [17, None]
        assert table.column("count").to_pylist() == [None, None]

    def test_two_columns_are_enough(self, tmp_path):
        frame = pd.DataFrame({"user_id": ["u"], "track_id": ["t"]})
        write_listens(tmp_path / "l.jsonl", [frame])
        assert (tmp_path / "l.jsonl").read_text() == '{"user_id": "u", "track_id": "t"}\n'

    def test_no_quotes_where_none_are_needed(self, tmp_path):
        frame = pd.DataFrame({"track_id": ["t"], "title": ["it's"]})
        write_tracks(tmp_path / "t.csv", [frame])
        assert (tmp_path / "t.csv").read_text().splitlines()[1] == "t,it's,,,,,,"

    RECOMMENDATIONS = pd.DataFrame(
        {
            "score": np.array([0.5, 0.25], np.float32),
            "user_id": ["u", "u"],
            "rank": [1, 2],
            "track_id": ["a", "b,c"],
            "sources": [["cf"], ["audio"]],
        }
    )

    def test_recommendations_as_text(self, tmp_path):
        frames = [self.RECOMMENDATIONS[:1], self.RECOMMENDATIONS[1:]]
        assert write_recommendations(tmp_path / "r.csv", frames) == 2
        with (tmp_path / "r.csv").open(newline="") as file:
            assert list(csv.reader(file)) == [
                ["user_id", "rank", "track_id", "score"],
                ["u", "1", "a", "0.5"],
                ["u", "2", "b,c", "0.25"],
            ]

    def test_recommendations_in_parquet(self, tmp_path):
        write_recommendations(tmp_path / "r.parquet", [self.RECOMMENDATIONS])
        table = pq.read_table(tmp_path / "r.parquet")
        assert table.to_pydict() == {
            "user_id": ["u", "u"],
            "rank": [1, 2],
            "track_id": ["a", "b,c"],
            "score": [0.5, 0.25],
        }
        assert table.schema.field("score").type == "double"

    def test_recommendations_as_json_lines(self, tmp_path):
        write_recommendations(tmp_path / "r.jsonl", [self.RECOMMENDATIONS])
        lines = (tmp_path / "r.jsonl").read_text().splitlines()
        first = {"user_id": "u", "rank": 1, "track_id": "a", "score": 0.5}
        assert json.loads(lines[0]) == first

    def test_the_same_rows_give_the_same_gzipped_bytes(self, tmp_path):
        for name in ("a.csv.gz", "b.csv.gz"):
            write_recommendations(tmp_path / name, [self.RECOMMENDATIONS])
        assert (tmp_path / "a.csv.gz").read_bytes() == (tmp_path / "b.csv.gz").read_bytes()
        assert gzip.decompress((tmp_path / "a.csv.gz").read_bytes()).startswith(b"user_id,")


class TestFailures:
    def test_a_missing_column(self, tmp_path):
        with pytest.raises(DataError, match=r"lacks the column `score`"):
            write_recommendations(
                tmp_path / "r.csv", [pd.DataFrame({"user_id": [], "rank": [], "track_id": []})]
            )

    def test_an_unknown_suffix(self, tmp_path):
        with pytest.raises(DataError, match=r"Received: r\.xlsx"):
            write_recommendations(tmp_path / "r.xlsx", [])

    def test_ids_and_vectors_that_differ_in_number(self, tmp_path):
        with pytest.raises(DataError, match=r"2 ids were given embeddings of shape \(1, 3\)"):
            write_embeddings(tmp_path / "e.parquet", [(["a", "b"], np.zeros((1, 3), np.float32))])

    @pytest.mark.parametrize("suffix", SUFFIXES)
    def test_a_failure_half_way_leaves_the_old_file(self, tmp_path, suffix):
        path = tmp_path / f"t{suffix}"
        path.write_text("old")

        def frames():
            yield pd.DataFrame({"track_id": ["a"]})
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            write_tracks(path, frames())
        assert path.read_text() == "old"
        assert list(tmp_path.iterdir()) == [path]
