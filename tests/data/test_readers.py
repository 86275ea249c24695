"""What the readers make of good files."""

import gzip
import json
import logging
from datetime import date, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data.errors import DataError
from data.readers import chunk as chunk_module
from data.readers import read_embeddings, read_listens, read_tracks

NOON = 1_704_110_400  # 2024-01-01T12:00:00Z


def rows(frames):
    whole = pd.concat(list(frames), ignore_index=True)
    return whole.astype(object).where(whole.notna(), None).to_dict("records")


def listens(tmp_path, text, name="listens.csv"):
    path = tmp_path / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return rows(read_listens(path))


def tracks(tmp_path, text, name="tracks.csv"):
    path = tmp_path / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return rows(read_tracks(path))


PLAIN = {"count": 1.0, "event": "listen", "at": -1, "played_ms": None, "event_id": None}


class TestListens:
    def test_two_columns_are_enough(self, tmp_path):
        found = listens(tmp_path, "user_id,track_id\nu,t\nu,s\n")
        assert found == [
            {"user_id": "u", "track_id": "t", **PLAIN},
            {"user_id": "u", "track_id": "s", **PLAIN},
        ]

    def test_all_columns_in_any_order(self, tmp_path):
        found = listens(
            tmp_path,
            "event_id,played_ms,event,listened_at,count,track_id,user_id\n"
            "e1,61000,skip,2024-01-01T12:00:00Z,2.5,t,u\n",
        )
        assert found == [
            {
                "user_id": "u",
                "track_id": "t",
                "count": 2.5,
                "event": "skip",
                "at": NOON,
                "played_ms": 61000,
                "event_id": "e1",
            }
        ]

    def test_types_of_the_columns(self, tmp_path):
        path = tmp_path / "l.csv"
        path.write_text("user_id,track_id,played_ms\nu,t,5\nu,t,\n")
        (frame,) = read_listens(path)
        kinds = {name: str(kind) for name, kind in frame.dtypes.items()}
        assert kinds == {
            "user_id": "object",
            "track_id": "object",
            "count": "float64",
            "event": "object",
            "at": "int64",
            "played_ms": "Int64",
            "event_id": "object",
        }
        assert frame["event_id"].tolist() == [None, None]

    @pytest.mark.parametrize("value", ["007", "NA", "null", "1e5", "True", " a ", "nan", "ü€", "-"])
    def test_an_id_is_text_whatever_it_looks_like(self, tmp_path, value):
        (found,) = listens(tmp_path, f"user_id,track_id,event_id\n{value},{value},{value}\n")
        assert found["user_id"] == found["track_id"] == found["event_id"] == value

    def test_an_empty_cell_reads_as_an_absent_column(self, tmp_path):
        header = "user_id,track_id,count,event,listened_at,played_ms,event_id\n"
        assert listens(tmp_path, header + "u,t,,,,,\n") == [
            {"user_id": "u", "track_id": "t", **PLAIN}
        ]

    @pytest.mark.parametrize(
        ("text", "at"),
        [
            ("2024-01-01T12:00:00Z", NOON),
            ("2024-01-01T12:00:00", NOON),
            ("2024-01-01 12:00", NOON),
            ("2024-01-01T13:30:00+01:30", NOON),
            ("2024-01-01T07:00:00-0500", NOON),
            ("2024-01-01T12:00:00.999999Z", NOON),
            ("2024-01-01T12:00:00.123456789", NOON),
            ("20240101T120000Z", NOON),
            ("2024-01-01", NOON - 12 * 3600),
            ("1704110400", NOON),
            ("1704110400.75", NOON),
            (" 1704110400 ", NOON),
            ("0", 0),
            ("20240101", 20_240_101),
            ("9999-12-31T23:59:59Z", 253_402_300_799),
        ],
    )
    def test_times(self, tmp_path, text, at):
        (alone,) = listens(tmp_path, f"user_id,track_id,listened_at\nu,t,{text}\n")
        assert alone["at"] == at
        # The same next to times of every other kind, which Arrow cannot read as one column.
        mixed = listens(
            tmp_path,
            "user_id,track_id,listened_at\nu,t,5\nu,t,2024-01-01\nu,t,2024-01-01T00:00:00Z\n"
            f"u,t,\nu,t,{text}\n",
        )
        assert [row["at"] for row in mixed] == [5, NOON - 43200, NOON - 43200, -1, at]

    def test_tab_separated(self, tmp_path):
        found = listens(tmp_path, "user_id\ttrack_id\tcount\nu,1\tt\t3\n", "l.tsv")
        assert found == [{**PLAIN, "user_id": "u,1", "track_id": "t", "count": 3.0}]

    def test_json_lines(self, tmp_path):
        lines = [
            {"user_id": 7, "track_id": "007", "count": 2},
            {"user_id": "7", "track_id": 10**20, "listened_at": NOON, "played_ms": 1000},
            {"user_id": "x", "track_id": "y", "listened_at": NOON + 0.5, "event": "like"},
            {"user_id": "x", "track_id": "y", "count": None, "unknown": {"a": []}},
        ]
        text = "\n\n".join(json.dumps(line) for line in lines)
        found = listens(tmp_path, text, "l.jsonl")
        assert found == [
            {**PLAIN, "user_id": "7", "track_id": "007", "count": 2.0},
            {**PLAIN, "user_id": "7", "track_id": str(10**20), "at": NOON, "played_ms": 1000},
            {**PLAIN, "user_id": "x", "track_id": "y", "at": NOON, "event": "like"},
            {**PLAIN, "user_id": "x", "track_id": "y"},
        ]

    @pytest.mark.parametrize(
        "times",
        [
            pa.array([NOON, None]),
            pa.array([NOON + 0.5, None]),
            pa.array([datetime(2024, 1, 1, 12), None], pa.timestamp("ns")),
            pa.array([datetime(2024, 1, 1, 12), None], pa.timestamp("ms", tz="Europe/Paris")),
            pa.array(["2024-01-01T12:00:00", None]),
        ],
    )
    def test_parquet(self, tmp_path, times):
        table = pa.table(
            {
                "track_id": pa.array(["NA", "x"]).dictionary_encode(),
                "user_id": pa.array([1, 2**40]),
                "listened_at": times,
                "count": pa.array([1.5, None], pa.float32()),
            }
        )
        pq.write_table(table, tmp_path / "l.parquet")
        assert rows(read_listens(tmp_path / "l.parquet")) == [
            {**PLAIN, "user_id": "1", "track_id": "NA", "at": NOON, "count": 1.5},
            {**PLAIN, "user_id": str(2**40), "track_id": "x"},
        ]

    def test_a_date_in_parquet_is_midnight(self, tmp_path):
        table = pa.table({"user_id": ["u"], "track_id": [b"t"], "listened_at": [date(2024, 1, 1)]})
        pq.write_table(table, tmp_path / "l.parquet")
        (found,) = rows(read_listens(tmp_path / "l.parquet"))
        assert (found["track_id"], found["at"]) == ("t", NOON - 43200)

    @pytest.mark.parametrize("name", ["l.csv", "l.tsv", "l.jsonl", "l.NDJSON"])
    def test_gzipped_text(self, tmp_path, name):
        text = '{"user_id": "u", "track_id": "t"}\n'
        if "json" not in name.lower():
            text = "user_id,track_id\nu,t\n".replace(",", "\t" if "tsv" in name else ",")
        found = listens(tmp_path, gzip.compress(text.encode()), name + ".gz")
        assert found == [{"user_id": "u", "track_id": "t", **PLAIN}]

    @pytest.mark.parametrize("name", ["l.csv", "l.parquet"])
    def test_no_rows_are_one_empty_frame(self, tmp_path, name):
        path = tmp_path / name
        if name.endswith("csv"):
            path.write_text("user_id,track_id\n")
        else:
            pq.write_table(pa.table({"user_id": ["u"], "track_id": ["t"]}).slice(0, 0), path)
        (frame,) = read_listens(path)
        assert len(frame) == 0
        assert frame.columns.tolist() == ["user_id", "track_id", *PLAIN]

    def test_frames_are_bounded_and_nothing_is_lost(self, tmp_path, monkeypatch):
        monkeypatch.setattr(chunk_module, "MAX_ROWS", 7)
        path = tmp_path / "l.csv"
        path.write_text("user_id,track_id\n" + "".join(f"u{i},t\n" for i in range(50)))
        frames = list(read_listens(path))
        assert [len(frame) for frame in frames] == [7] * 7 + [1]
        assert pd.concat(frames)["user_id"].tolist() == [f"u{i}" for i in range(50)]


class TestText:
    """How CSV is cut into rows and fields."""

    @pytest.mark.parametrize("end", ["\n", "\r\n"])
    @pytest.mark.parametrize("last", [True, False])
    @pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
    def test_line_ends_and_byte_order_mark(self, tmp_path, end, last, mark):
        text = end.join(["user_id,track_id", "u,t", "u,s"]) + (end if last else "")
        found = listens(tmp_path, mark + text.encode())
        assert [row["track_id"] for row in found] == ["t", "s"]

    def test_quotes_hold_separators_quotes_and_line_ends(self, tmp_path):
        found = tracks(
            tmp_path,
            'track_id,title\n1,"a, ""b"" c"\n2,"two\nlines"\n\n"3","crlf\r\nin"\r\n4,5" disc\n',
        )
        assert found == [
            {"track_id": "1", "title": 'a, "b" c'},
            {"track_id": "2", "title": "two\nlines"},
            {"track_id": "3", "title": "crlf\r\nin"},
            {"track_id": "4", "title": '5" disc'},
        ]

    def test_other_line_separators_of_unicode_do_not_end_a_row(self, tmp_path):
        for quote in ("", '"'):
            title = f"{quote}a\u2028b\x85c\x0bd{quote}"
            (found,) = tracks(tmp_path, f"track_id,title\n1,{title}\n")
            assert found["title"] == "a\u2028b\x85c\x0bd"

    def test_a_record_across_blocks(self, tmp_path, monkeypatch):
        monkeypatch.setattr("data.readers.blocks.BLOCK", 16)
        text = 'track_id,title\n1,"a long title\nthat goes\non, and on"\n2,b\n3,"c"\n4,d\n'
        titles = [row["title"] for row in tracks(tmp_path, text)]
        assert titles == ["a long title\nthat goes\non, and on", "b", "c", "d"]

    def test_a_byte_order_mark_in_mid_file_is_text(self, tmp_path, monkeypatch):
        monkeypatch.setattr("data.readers.blocks.BLOCK", 14)
        found = listens(tmp_path, "user_id,track_id\nu,t456789012\n\ufeffu,t\n")
        assert [row["user_id"] for row in found] == ["u", "\ufeffu"]

    def test_a_header_may_be_quoted_and_padded(self, tmp_path):
        found = listens(tmp_path, '\n"user_id" , track_id\nu,t\n'.replace('" ,', '",'))
        assert found[0]["track_id"] == "t"

    def test_other_columns_are_ignored_and_logged(self, tmp_path, caplog):
        caplog.set_level(logging.INFO, logger="segue.data")
        found = listens(tmp_path, "user_id,x,track_id,x,y\nu,1,t,2,3\n")
        assert found == [{"user_id": "u", "track_id": "t", **PLAIN}]
        assert [r.getMessage() for r in caplog.records] == ["listens.csv: columns ignored: x, x, y"]

    def test_other_keys_are_ignored_and_logged_once(self, tmp_path, caplog):
        caplog.set_level(logging.INFO, logger="segue.data")
        listens(tmp_path, '{"user_id": "u", "track_id": "t", "z": 1}\n' * 3, "l.jsonl")
        assert [r.getMessage() for r in caplog.records] == ["l.jsonl: columns ignored: z"]


class TestTracks:
    def test_only_the_columns_that_the_file_has(self, tmp_path):
        found = tracks(tmp_path, "title,track_id\n,1\nNA,2\n")
        assert found == [{"track_id": "1", "title": None}, {"track_id": "2", "title": "NA"}]

    def test_audio_paths_are_taken_from_the_folder_of_the_file(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        Path("sub").mkdir()
        Path("sub/t.csv").write_text("track_id,audio_path\n1,a/b c.mp3\n2,/x/ö.mp3\n3,\n")
        found = rows(read_tracks(Path("sub/t.csv")))
        assert [row["audio_path"] for row in found] == [
            str(tmp_path / "sub/a/b c.mp3"),
            "/x/ö.mp3",
            None,
        ]

    @pytest.mark.parametrize("value", ["1999", "2024-02", "2024-02-29"])
    def test_dates(self, tmp_path, value):
        (found,) = tracks(tmp_path, f"track_id,released_at\n1,{value}\n")
        assert found["released_at"] == value

    def test_lists_numbers_and_dates_become_text(self, tmp_path):
        table = pa.table(
            {
                "track_id": pa.array([1, 2], pa.uint64()),
                "title": pa.array([None, None], pa.float64()),
                "genre": [["rock", "pop"], None],
                "released_at": [date(2024, 2, 29), None],
            }
        )
        pq.write_table(table, tmp_path / "t.parquet")
        assert rows(read_tracks(tmp_path / "t.parquet")) == [
            {"track_id": "1", "title": None, "genre": "rock|pop", "released_at": "2024-02-29"},
            {"track_id": "2", "title": None, "genre": None, "released_at": None},
        ]
        line = '{"track_id": 1, "title": 99, "genre": ["rock", "pop"], "released_at": 1999}'
        assert tracks(tmp_path, line, "t.jsonl") == [
            {"track_id": "1", "title": "99", "genre": "rock|pop", "released_at": "1999"}
        ]


class TestEmbeddings:
    @pytest.mark.parametrize(
        "kind",
        [
            pa.list_(pa.float32()),
            pa.list_(pa.float32(), 2),
            pa.large_list(pa.float64()),
            pa.list_(pa.int16()),
        ],
    )
    def test_parquet(self, tmp_path, kind):
        table = pa.table({"embedding": pa.array([[1, -2], [0, 3]], kind), "track_id": ["a", "b"]})
        pq.write_table(table, tmp_path / "e.parquet")
        ((ids, vectors),) = read_embeddings(tmp_path / "e.parquet")
        assert ids == ["a", "b"]
        assert vectors.dtype == np.float32
        assert vectors.tolist() == [[1, -2], [0, 3]]

    @pytest.mark.parametrize(
        ("name", "text"),
        [
            ("e.jsonl", '{"track_id": 1, "embedding": [0.5, 2]}\n'),
            ("e.csv", 'track_id,embedding\n1,"[0.5, 2]"\n'),
            ("e.tsv", "embedding\ttrack_id\n[0.5, 2]\t1\n"),
        ],
    )
    def test_text(self, tmp_path, name, text):
        (tmp_path / name).write_text(text)
        ((ids, vectors),) = read_embeddings(tmp_path / name)
        assert ids == ["1"]
        assert vectors.tolist() == [[0.5, 2.0]]

    def test_no_rows_give_no_batch(self, tmp_path):
        (tmp_path / "e.csv").write_text("track_id,embedding\n")
        assert list(read_embeddings(tmp_path / "e.csv")) == []


@pytest.mark.parametrize("name", ["listens.txt", "listens", "listens.parquet.gz", "csv", "a.gz"])
@pytest.mark.parametrize("read", [read_listens, read_tracks, read_embeddings])
def test_an_unknown_suffix_names_the_known_ones(tmp_path, name, read):
    with pytest.raises(DataError, match=r"\.csv, \.tsv, \.jsonl, \.ndjson, \.parquet.*" + name):
        read(tmp_path / name)  # at once, not at the first row


@pytest.mark.parametrize("read", [read_listens, read_tracks, read_embeddings])
def test_a_file_that_is_not_there(tmp_path, read):
    with pytest.raises(DataError, match=r"There is no file .*nowhere\.csv"):
        read(tmp_path / "nowhere.csv")


def test_a_key_that_a_track_leaves_out_is_not_stated(tmp_path):
    path = tmp_path / "tracks.jsonl"
    path.write_text(
        '{"track_id": "a", "title": "A", "artist": null}\n'
        '{"track_id": "b", "title": "B"}\n'
        '{"track_id": "c", "artist": "C", "title": "C"}\n'
    )
    frames = list(read_tracks(path))
    assert [list(frame.columns) for frame in frames] == [
        ["track_id", "title", "artist"],
        ["track_id", "title"],
    ]
    assert frames[0]["track_id"].tolist() == ["a", "c"]
    assert frames[0]["artist"].tolist() == [None, "C"]
    assert frames[1]["track_id"].tolist() == ["b"]
