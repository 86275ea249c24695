"""What the readers make of bad rows and bad files."""

import csv
import gzip
import json
import tracemalloc
from unittest import mock

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.errors import DataError
from data.readers import RejectSink, delimited, read_embeddings, read_listens, read_tracks
from data.readers import chunk as chunk_module

HEADER = "user_id,track_id,count,listened_at,event,played_ms,event_id"


def write(tmp_path, content, name):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def error(tmp_path, content, name="listens.csv", *, read=read_listens):
    path = write(tmp_path, content, name)
    with pytest.raises(DataError) as caught:
        list(read(path))
    message = str(caught.value)
    assert "\n" not in message
    return message


def rejected(tmp_path, content, name="listens.csv", *, read=read_listens):
    """Read with a sink; return the good track ids and the rejected (line, reason, row)."""
    path = write(tmp_path, content, name)
    with RejectSink(tmp_path / "rejects.csv") as sink:
        good = [i for frame in read(path, rejects=sink) for i in frame["track_id"]]
    if not sink.count:
        return good, []
    with (tmp_path / "rejects.csv").open(newline="", encoding="utf-8") as file:
        found = list(csv.reader(file))
    assert found[0] == ["file", "line", "reason", "row"]
    assert {row[0] for row in found[1:]} == {name}
    assert len(found) - 1 == sink.count
    return good, [(int(line), reason, row) for _, line, reason, row in found[1:]]


class TestValues:
    def test_the_message_names_file_line_value_and_remedy(self, tmp_path):
        text = "user_id,track_id,count\n" + "u,t,1\n" * 5 + "u,t,-3\nu,t,-4\n"
        assert error(tmp_path, text) == (
            "listens.csv, line 7: `count` must be above zero. Received: -3. Correct the row."
        )

    @pytest.mark.parametrize(
        ("row", "reason"),
        [
            ("u,t,0,,,,", "`count` must be above zero. Received: 0."),
            ("u,t,1e-60,,,,", "`count` must be above zero. Received: 1e-60."),
            ("u,t,nan,,,,", "`count` must be a number above zero. Received: 'nan'."),
            ("u,t,inf,,,,", "`count` must be a number above zero. Received: 'inf'."),
            ("u,t,1e400,,,,", "`count` must be a number above zero. Received: 1e400."),
            ("u,t,many,,,,", "`count` must be a number above zero. Received: 'many'."),
            ("u,t,1_0,,,,", "`count` must be a number above zero. Received: '1_0'."),
            ("u,t,,,like?,,", "`event` must be one of listen, like, dislike, skip, hide."),
            ("u,t,,,Listen,,", "`event` must be one of listen, like, dislike, skip, hide."),
            ("u,t,,soon,,,", "`listened_at` must be an ISO 8601 time or Unix seconds"),
            ("u,t,,2024-02-30,,,", "`listened_at` must be an ISO 8601 time or Unix seconds"),
            ("u,t,,1969-12-31,,,", "from 1970 on. Received: '1969-12-31'."),
            ("u,t,,-1,,,", "from 1970 on. Received: -1."),
            ("u,t,,nan,,,", "`listened_at` must be an ISO 8601 time or Unix seconds"),
            ("u,t,,1704110400000,,,", "after the year 9999; Unix seconds are expected, not milli"),
            ("u,t,,,,-5,", "`played_ms` must be a whole number of milliseconds, zero or above."),
            ("u,t,,,,1.5,", "`played_ms` must be a whole number of milliseconds, zero or above."),
            ("u,t,,,,long,", "Received: 'long'."),
            (",t,,,,,", "`user_id` is empty."),
            ("u,,,,,,", "`track_id` is empty."),
            ("u," + "é" * 129 + ",,,,,", "`track_id` is 258 bytes long; at most 256 are allowed."),
            ("a\0b,t,,,,,", "`user_id` holds a NUL character."),
            ("u,t,,,,," + "e" * 257, "`event_id` is 257 bytes long; at most 256 are allowed."),
        ],
    )
    def test_bad_values(self, tmp_path, row, reason):
        text = f"{HEADER}\nu,first,,,,,\n{row}\nu,last,2,2024-01-01,like,3,e\n"
        good, bad = rejected(tmp_path, text)
        assert good == ["first", "last"]
        assert [(line, found) for line, _, found in bad] == [(3, row)]
        assert reason in bad[0][1]
        # The same next to a quoted field, where the csv module reads.
        good, bad = rejected(tmp_path, text.replace("first", '"first"'))
        assert good == ["first", "last"]
        assert bad[0][0] == 3
        assert reason in bad[0][1]

    def test_the_longest_id(self, tmp_path):
        good, bad = rejected(tmp_path, f"user_id,track_id\nu,{'é' * 128}\n")
        assert good == ["é" * 128]
        assert bad == []

    def test_only_the_first_fault_of_a_row_is_told(self, tmp_path):
        _, bad = rejected(tmp_path, f"{HEADER}\n,t,-1,soon,?,,\n")
        assert [reason for _, reason, _ in bad] == ["`user_id` is empty."]

    @pytest.mark.parametrize(
        ("value", "reason"),
        [
            ("2024-13", "must be an ISO date"),
            ("2023-02-29", "must be an ISO date"),
            ("29.02.2024", "Received: '29.02.2024'."),
            ("2024-02-01T00:00:00", "must be an ISO date"),
            ("0000", "must be an ISO date"),
            ("20240201", "Received: 20240201."),
        ],
    )
    def test_bad_dates(self, tmp_path, value, reason):
        text = f"track_id,released_at\na,2024\nb,{value}\nc,\n"
        good, bad = rejected(tmp_path, text, "t.csv", read=read_tracks)
        assert good == ["a", "c"]
        assert bad[0][0] == 3
        assert reason in bad[0][1]

    def test_no_nul_in_a_title(self, tmp_path):
        _, bad = rejected(tmp_path, "track_id,title\na,b\0c\n", "t.csv", read=read_tracks)
        assert bad == [(2, "`title` holds a NUL character.", "a,b\0c")]

    def test_a_second_track_of_the_same_id(self, tmp_path, monkeypatch):
        monkeypatch.setattr(chunk_module, "MAX_ROWS", 3)  # also across frames
        text = "track_id,title\na,1\nb,2\na,3\nc,4\nb,5\nc,6\n"
        good, bad = rejected(tmp_path, text, "t.csv", read=read_tracks)
        assert good == ["a", "b", "c"]
        assert [line for line, _, _ in bad] == [4, 6, 7]
        assert bad[0][1] == "the id 'a' occurs a second time in this file."

    def test_an_id_of_a_bad_row_is_still_free(self, tmp_path):
        text = "track_id,released_at\na,bad\na,2024\n"
        good, bad = rejected(tmp_path, text, "t.csv", read=read_tracks)
        assert good == ["a"]
        assert [line for line, _, _ in bad] == [2]


class TestShape:
    """Rows that cannot be cut into the right fields."""

    def test_a_missing_column_names_those_found(self, tmp_path):
        assert error(tmp_path, "user,track_id\nu,t\n") == (
            "listens.csv lacks the column `user_id`. Columns found: user, track_id."
        )

    def test_a_column_twice(self, tmp_path):
        message = error(tmp_path, "user_id,track_id,user_id\nu,t,v\n")
        assert message.startswith("listens.csv has the column `user_id` twice.")

    @pytest.mark.parametrize("content", [b"", b"\n\r\n \n", b"\xef\xbb\xbf"])
    @pytest.mark.parametrize("name", ["l.csv", "l.tsv"])
    def test_an_empty_file(self, tmp_path, content, name):
        assert error(tmp_path, content, name).startswith(f"{name} is empty.")

    def test_an_empty_file_of_json_lines(self, tmp_path):
        assert error(tmp_path, b"", "l.jsonl").startswith("l.jsonl is empty.")

    @pytest.mark.parametrize("quoted", ["", '"q",q\n'])
    def test_the_wrong_number_of_fields(self, tmp_path, quoted):
        text = f"user_id,track_id\n{quoted}u,a\nu\nu,b\nu,c,d\nu,e\n"
        good, bad = rejected(tmp_path, text)
        shift = 1 if quoted else 0
        assert good == ["q"] * shift + ["a", "b", "e"]
        assert bad == [
            (3 + shift, "the row has 1 fields; the header has 2.", "u"),
            (5 + shift, "the row has 3 fields; the header has 2.", "u,c,d"),
        ]

    @pytest.mark.parametrize("quoted", ["", '"q",q\n'])
    def test_what_is_not_utf8(self, tmp_path, quoted):
        text = f"user_id,track_id\n{quoted}u,a\n".encode() + b"u,\xff\xfe\nu,b\n"
        good, bad = rejected(tmp_path, text)
        assert good[-2:] == ["a", "b"]
        assert len(bad) == 1
        assert bad[0][0] == (4 if quoted else 3)
        assert "not valid UTF-8" in bad[0][1]
        assert bad[0][2] == "u,\\udcff\\udcfe"

    def test_a_file_in_utf16(self, tmp_path):
        message = error(tmp_path, "user_id,track_id\nu,t\n".encode("utf-16"))
        assert message.startswith("listens.csv, line 1: the row is not valid UTF-8.")

    def test_line_numbers_behind_quoted_line_ends_and_blank_lines(self, tmp_path):
        text = 'track_id,title\n\n1,"a\nb\nc"\n\n2,"d\n",e\n3,f\n4\n'
        good, bad = rejected(tmp_path, text, "t.csv", read=read_tracks)
        assert good == ["1", "3"]
        assert bad == [
            (7, "the row has 3 fields; the header has 2.", '2,"d\n",e'),
            (10, "the row has 1 fields; the header has 2.", "4"),
        ]

    def test_a_quote_that_never_closes_costs_one_row(self, tmp_path):
        text = 'track_id,title\n1,a\n2,"b\n3,c\n4,d\n'
        good, bad = rejected(tmp_path, text, "t.csv", read=read_tracks)
        assert good == ["1", "3", "4"]
        assert [(line, row) for line, _, row in bad] == [(3, '2,"b')]
        assert "a quote does not close" in bad[0][1]

    def test_a_quote_that_closes_in_a_later_row_costs_one_row(self, tmp_path):
        text = 'track_id,title\n1,a\n2,"b\n3,"c"\n4,d\n'
        good, bad = rejected(tmp_path, text, "t.csv", read=read_tracks)
        assert good == ["1", "3", "4"]
        assert [line for line, _, _ in bad] == [3]

    def test_an_open_quote_before_a_long_file_costs_one_row(self, tmp_path):
        rows = "".join(f"{i},a title of some length\n" for i in range(20_000))
        text = 'track_id,title\nx,"b\n' + rows
        good, bad = rejected(tmp_path, text, "t.csv", read=read_tracks)
        assert len(good) == 20_000
        assert [line for line, _, _ in bad] == [2]

    def test_a_record_without_end_is_given_up_in_one_piece(self, tmp_path):
        # Each line closes one quote and opens the next: the record would never end.
        lines = 250_000
        text = 'track_id,title\n1,"\n' + 'a","\n' * lines + 'b"\n2,c\n'
        good, bad = rejected(tmp_path, text, "t.csv", read=read_tracks)
        assert good[-1] == "2"
        assert len(bad) < 5

    def test_a_carriage_return_alone_is_no_line_end(self, tmp_path):
        good, bad = rejected(tmp_path, "user_id,track_id\nu,a\rv,b\nu,c\n")
        assert good == ["c"]
        assert "End lines in LF or CRLF." in bad[0][1]
        assert "carriage return" in error(tmp_path, "user_id,track_id\ru,t\r")

    def test_rows_around_a_block_border_keep_their_numbers(self, tmp_path, monkeypatch):
        monkeypatch.setattr("data.readers.blocks.BLOCK", 64)
        text = "user_id,track_id,count\n" + "".join(f"u,t{i},{i % 10}\n" for i in range(200))
        good, bad = rejected(tmp_path, text)
        assert [line for line, _, _ in bad] == list(range(2, 202, 10))
        assert len(good) == 180


class TestLongLines:
    @pytest.mark.parametrize("name", ["l.csv", "l.jsonl", "l.csv.gz"])
    def test_a_huge_line_is_one_bad_row_in_bounded_memory(self, tmp_path, name):
        # The long line lies across blocks, and rows stand on both sides of it.
        before, after = 100_000, 1_000
        long = b"x" * 100_000_000
        if "csv" in name:
            head = b"user_id,track_id\n"
            row = b"u,t\n"
        else:
            head = b""
            row = b'{"user_id": "u", "track_id": "t"}\n'
            before = 30_000
        text = head + row * before + long + b"\n" + row * after
        path = tmp_path / name
        path.write_bytes(gzip.compress(text, 1) if name.endswith("gz") else text)
        del text, long
        tracemalloc.start()
        with RejectSink(tmp_path / "r.jsonl") as sink:
            good = sum(len(frame) for frame in read_listens(path, rejects=sink))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert good == before + after
        found = json.loads((tmp_path / "r.jsonl").read_text())
        assert found["line"] == before + 1 + len(head.splitlines())
        assert found["reason"] == "line is 100.0 MB long; at most 1 MiB is allowed."
        assert len(found["row"]) < 300
        assert peak < 60_000_000

    def test_several_in_one_block_and_at_the_end(self, tmp_path):
        long = "x" * 1_500_000
        text = f"user_id,track_id\n{long}\nu,a\n{long}\r\n{long}\nu,b\n{long}"
        good, bad = rejected(tmp_path, text)
        assert good == ["a", "b"]
        assert [line for line, _, _ in bad] == [2, 4, 5, 7]
        assert {reason for _, reason, _ in bad} == {
            "line is 1.5 MB long; at most 1 MiB is allowed."
        }

    def test_inside_of_a_quoted_field(self, tmp_path):
        long = "x" * 1_500_000
        text = f'track_id,title\n1,"a\n{long}\n2,b\n3,"c"\n'
        good, bad = rejected(tmp_path, text, "t.csv", read=read_tracks)
        assert good == ["2", "3"]
        assert [line for line, _, _ in bad] == [2, 3]

    def test_just_short_enough_and_just_too_long(self, tmp_path):
        for size, bad_lines in ((1 << 20, []), ((1 << 20) + 1, [2])):
            row = ("u,t," + "x" * size)[:size]
            # A field this long is past the limit of the csv module, but the line is not too long.
            _, bad = rejected(tmp_path, f"user_id,track_id,x\n{row}\nu,t,y\n")
            reasons = [line for line, reason, _ in bad if reason.startswith("line is")]
            assert reasons == bad_lines

    def test_a_long_header(self, tmp_path):
        message = error(tmp_path, "user_id,track_id," + "x" * 2_000_000 + "\nu,t,1\n")
        assert message.startswith("listens.csv, line 1: line is 2.0 MB long")

    def test_a_long_field_is_refused_with_and_without_quotes_near_it(self, tmp_path):
        long = "x" * 131_073
        for neighbour in ("n", '"n"'):
            text = f"track_id,title\n1,{neighbour}\n2,{long}\n3,ok\n"
            good, bad = rejected(tmp_path, text, "t.csv", read=read_tracks)
            assert good == ["1", "3"]
            assert [line for line, _, _ in bad] == [3]


class TestJsonLines:
    @pytest.mark.parametrize(
        ("line", "reason"),
        [
            ("{", "the line is not valid JSON:"),
            ("[1]", "the line is not one JSON object."),
            ('{"user_id": "u", "track_id": "t"} {}', "the line is not one JSON object."),
            ('{"user_id": "u"}', "`track_id` is missing. Keys found: user_id."),
            ('{"user_id": "u", "track_id": 1.0}', "`track_id` must be text or a whole number."),
            ('{"user_id": "u", "track_id": true}', "Received: true."),
            ('{"user_id": null, "track_id": "t"}', "`user_id` is empty."),
            ('{"user_id": {"a": 1}, "track_id": "t"}', 'Received: {"a": 1}.'),
            ('{"user_id": "\\ud800", "track_id": "t"}', "`user_id` is not valid Unicode."),
            ('{"user_id": "u", "track_id": "t", "count": [1]}', "`count` must be one value."),
            ('{"user_id": "u", "track_id": "t", "count": NaN}', "`count` must be a number"),
            ('{"user_id": "u", "track_id": "t", "count": true}', "`count` must be text or a"),
            ('{"user_id": "u", "track_id": "t", "played_ms": ' + "9" * 400 + "}", "`played_ms`"),
            ("[" * 100_000, "the line is not valid JSON:"),
            ('{"user_id": "u", "track_id": ' + "1" * 5000 + "}", "the line is not valid JSON:"),
        ],
    )
    def test_bad_lines(self, tmp_path, line, reason):
        good_line = '{"user_id": "u", "track_id": "%s", "count": 2.5}'
        text = "\n".join([good_line % "a", "", line, good_line % "b"])
        good, bad = rejected(tmp_path, text, "l.jsonl")
        assert good == ["a", "b"]
        assert [(number, row) for number, _, row in bad] == [(3, line)]
        assert reason in bad[0][1]

    def test_what_is_not_utf8(self, tmp_path):
        line = b'{"user_id": "u", "track_id": "t%s"}\n'
        good, bad = rejected(tmp_path, line % b"1" + line % b"\xff" + line % b"2", "l.jsonl")
        assert good == ["t1", "t2"]
        assert [number for number, _, _ in bad] == [2]
        assert "not valid UTF-8" in bad[0][1]

    def test_nothing_but_bad_lines(self, tmp_path):
        good, bad = rejected(tmp_path, "{}\nnull\n", "l.jsonl")
        assert good == []
        assert len(bad) == 2


class TestParquet:
    def test_a_missing_column(self, tmp_path):
        pq.write_table(pa.table({"user": ["u"]}), tmp_path / "l.parquet")
        with pytest.raises(
            DataError, match=r"l\.parquet lacks the columns `user_id` and `track_id`\."
        ):
            list(read_listens(tmp_path / "l.parquet"))

    @pytest.mark.parametrize(
        ("array", "reason"),
        [
            (pa.array([1.5]), "`user_id` must be text or a whole number. Received: 1.5, of type"),
            (pa.array([True]), "`user_id` must be text or a whole number. Received: True, of type"),
            (pa.array([[1]]), "`user_id` must be text or a whole number. Received: [1], of type"),
            (pa.array([b"\xff"]), "`user_id` is not valid UTF-8."),
            (pa.array([b"\xff"]).view(pa.string()), "`user_id` is not valid UTF-8."),
            (pa.array([None], pa.string()), "`user_id` is empty."),
        ],
    )
    def test_ids_of_another_type(self, tmp_path, array, reason):
        pq.write_table(pa.table({"user_id": array, "track_id": ["t"]}), tmp_path / "l.parquet")
        with pytest.raises(DataError) as caught:
            list(read_listens(tmp_path / "l.parquet"))
        assert str(caught.value).startswith(f"l.parquet, row 1: {reason}")

    def test_a_dictionary_that_is_not_utf8(self, tmp_path):
        ids = pa.DictionaryArray.from_arrays([0], pa.array([b"\xff"]).view(pa.string()))
        pq.write_table(pa.table({"user_id": ids, "track_id": ["t"]}), tmp_path / "l.parquet")
        with pytest.raises(DataError, match=r"l\.parquet cannot be read: Invalid UTF8"):
            list(read_listens(tmp_path / "l.parquet"))

    def test_rows_set_aside(self, tmp_path):
        table = pa.table(
            {
                "user_id": ["u", "", "v", "w"],
                "track_id": pa.array([b"a", b"b", b"\xff", b"d"]).view(pa.string()),
                "count": [[1.0], None, None, None],
            }
        )
        path = tmp_path / "l.parquet"
        pq.write_table(table, path)
        with RejectSink(tmp_path / "r.ndjson") as sink:
            good = pd.concat(read_listens(path, rejects=sink))
        assert good["track_id"].tolist() == ["d"]
        found = [json.loads(line) for line in (tmp_path / "r.ndjson").read_text().splitlines()]
        assert [(row["line"], row["reason"]) for row in found] == [
            (
                1,
                "`count` must be a number or text. Received: [1.0], of type list<element: double>.",
            ),
            (2, "`user_id` is empty."),
            (3, "`track_id` is not valid UTF-8."),
        ]
        assert json.loads(found[1]["row"]) == {"user_id": "", "track_id": "b", "count": None}

    def test_not_a_parquet_file(self, tmp_path):
        message = error(tmp_path, b"user_id,track_id\n", "l.parquet")
        assert message.startswith("l.parquet cannot be read: ")

    def test_a_truncated_one(self, tmp_path):
        path = tmp_path / "l.parquet"
        pq.write_table(pa.table({"user_id": ["u"], "track_id": ["t"]}), path)
        content = bytearray(path.read_bytes())
        content[4:30] = b"\xff" * 26  # the first page, so that only reading the rows fails
        assert "cannot be read" in error(tmp_path, bytes(content), "l.parquet")


def test_gzip_that_ends_too_early(tmp_path):
    packed = gzip.compress(b"user_id,track_id\n" + b"u,t\n" * 1000)
    assert "l.csv.gz cannot be read" in error(tmp_path, packed[:-9], "l.csv.gz")


def test_gzip_that_is_none(tmp_path):
    assert "l.csv.gz cannot be read" in error(tmp_path, b"user_id,track_id\n", "l.csv.gz")


def test_a_folder_is_no_file(tmp_path):
    (tmp_path / "l.csv").mkdir()
    with pytest.raises(DataError, match=r"l\.csv cannot be read"):
        list(read_listens(tmp_path / "l.csv"))


class TestEmbeddings:
    @pytest.mark.parametrize(
        ("value", "reason"),
        [
            ("[1]", "`embedding` has 1 numbers; the first one has 2."),
            ("[1, 2, 3]", "`embedding` has 3 numbers; the first one has 2."),
            ("[]", "`embedding` is empty."),
            ("[1, NaN]", "`embedding` holds a value that is not a finite number."),
            ("[1, 1e39]", "`embedding` holds a value that is not a finite number."),
            ('[1, "2"]', "`embedding` must be a list of numbers"),
            ("[1, true]", "`embedding` must be a list of numbers"),
            ("[1, null]", "`embedding` must be a list of numbers"),
            ("null", "`embedding` must be a list of numbers"),
            ("[1, " + "9" * 400 + "]", "`embedding`"),
        ],
    )
    @pytest.mark.parametrize("name", ["e.jsonl", "e.csv"])
    def test_bad_vectors(self, tmp_path, name, value, reason):
        if name == "e.csv":
            text = 'track_id,embedding\na,"[1, 2]"\nb,"{}"\nc,"[3, 4]"\n'
            text = text.replace("{}", value.replace('"', '""'))
        else:
            line = '{"track_id": "%s", "embedding": %s}\n'
            text = line % ("a", "[1, 2]") + line % ("b", value) + line % ("c", "[3, 4]")
        path = write(tmp_path, text, name)
        with RejectSink(tmp_path / "r.jsonl") as sink:
            ((ids, vectors),) = read_embeddings(path, rejects=sink)
        assert ids == ["a", "c"]
        assert vectors.tolist() == [[1, 2], [3, 4]]
        found = json.loads((tmp_path / "r.jsonl").read_text())
        assert found["line"] == (3 if name == "e.csv" else 2)
        assert reason in found["reason"]

    @pytest.mark.parametrize("kind", [pa.list_(pa.float32()), pa.list_(pa.float32(), 2)])
    def test_parquet_with_gaps(self, tmp_path, kind):
        vectors = pa.array([[1, 2], None, [3, None], [5, 6], [7, 8], [float("inf"), 0]], kind)
        table = pa.table({"track_id": ["a", "b", "c", "a", "d", "e"], "embedding": vectors})
        path = tmp_path / "e.parquet"
        pq.write_table(table, path)
        with RejectSink(tmp_path / "r.jsonl") as sink:
            ((ids, found),) = read_embeddings(path, rejects=sink)
        assert ids == ["a", "d"]
        np.testing.assert_array_equal(found, np.array([[1, 2], [7, 8]], np.float32))
        lines = (tmp_path / "r.jsonl").read_text().splitlines()
        assert [json.loads(line)["line"] for line in lines] == [2, 3, 4, 6]

    @pytest.mark.parametrize("array", [pa.array(["[1]"]), pa.array([1.0]), pa.array([["x"]])])
    def test_parquet_of_another_type(self, tmp_path, array):
        table = pa.table({"track_id": ["a"], "embedding": array})
        pq.write_table(table, tmp_path / "e.parquet")
        with pytest.raises(DataError, match=r"row 1: `embedding` must be a list of numbers"):
            list(read_embeddings(tmp_path / "e.parquet"))

    def test_the_width_holds_across_batches(self, tmp_path, monkeypatch):
        monkeypatch.setattr(chunk_module, "MAX_ROWS", 1)
        text = '{"track_id": "a", "embedding": [1]}\n{"track_id": "b", "embedding": [1, 2]}\n'
        message = error(tmp_path, text, "e.jsonl", read=read_embeddings)
        assert "line 2: `embedding` has 2 numbers; the first one has 1." in message


class TestRejectSink:
    def test_no_file_where_nothing_was_rejected(self, tmp_path):
        good, _ = rejected(tmp_path, "user_id,track_id\nu,t\n")
        assert good == ["t"]
        assert [p.name for p in tmp_path.iterdir()] == ["listens.csv"]

    def test_no_file_where_the_work_failed(self, tmp_path):
        sink = RejectSink(tmp_path / "r.csv")

        def work():
            with sink:
                sink.add("l.csv", 3, reason="bad.", row="a,b")
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            work()
        assert list(tmp_path.iterdir()) == []

    def test_it_appears_whole_at_the_end_in_a_new_folder(self, tmp_path):
        path = tmp_path / "new" / "r.csv"
        with RejectSink(path) as sink:
            sink.add("l.csv", 3, reason="bad.", row='a,"b"\nc')
            assert not path.exists()
        with path.open(newline="") as file:
            assert list(csv.reader(file))[1] == ["l.csv", "3", "bad.", 'a,"b"\nc']
        assert [p.name for p in path.parent.iterdir()] == ["r.csv"]

    def test_problems_of_both_kinds_stay_in_order(self, tmp_path, monkeypatch):
        monkeypatch.setattr(chunk_module, "MAX_ROWS", 2)
        text = "user_id,track_id,count\nu,a,0\nu\nu,b,1\nu,c,0\nu,d,1\nu\n\nu,e,0\nu\n"
        good, bad = rejected(tmp_path, text)
        assert good == ["b", "d"]
        assert [line for line, _, _ in bad] == [2, 3, 5, 7, 9, 10]


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            ["u,t", "u", "u,t,v", '"u",t', '"u', 'u,"t\nx"', "", "u,\xff", ",t", 'u"v,t"']
        ),
        max_size=12,
    )
)
def test_whatever_the_rows_reading_ends_and_good_rows_survive(tmp_path_factory, lines):
    """Each good line is read wherever no quote opened before it swallows it."""
    folder = tmp_path_factory.mktemp("any")
    text = "user_id,track_id\n" + "".join(line + "\n" for line in lines)
    path = folder / "l.csv"
    path.write_bytes(text.encode("latin-1"))
    with RejectSink(folder / "r.jsonl") as sink:
        found = pd.concat(read_listens(path, rejects=sink))
    if '"u' not in lines:
        plain = sum(line == "u,t" for line in lines)
        assert (found["track_id"] == "t").sum() == plain + lines.count('"u",t')
        assert sink.count == sum(line in ("u", "u,t,v", "u,\xff", ",t") for line in lines)
    if sink.count:
        numbers = [json.loads(r)["line"] for r in (folder / "r.jsonl").read_text().splitlines()]
        assert numbers == sorted(set(numbers))
        starts = text.encode("latin-1").split(b"\n")
        for number in numbers:
            assert starts[number - 1]


TOKENS = [
    "u",
    "t",
    ",",
    ",",
    "\n",
    "\n",
    "\r\n",
    "\r",
    '"',
    '""',
    " ",
    "1",
    "-1",
    "\0",
    "ä",
    "\x85",
]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from(TOKENS), max_size=30).map("".join), st.booleans())
def test_the_fast_paths_agree_with_the_record_reader(tmp_path_factory, text, broken):
    """What pyarrow and the sweep of the csv module read, the arbiter reads too, and no more."""
    folder = tmp_path_factory.mktemp("paths")
    path = folder / "l.csv"
    path.write_bytes(b"user_id,track_id\n" + text.encode() + (b"\xff" if broken else b""))

    def read(name):
        with RejectSink(folder / name) as sink:
            frame = pd.concat(read_listens(path, rejects=sink))
        rejects = (folder / name).read_text(encoding="utf-8") if sink.count else ""
        return frame.to_dict("list"), rejects

    fast = read("fast.csv")
    with mock.patch.object(delimited, "_sweep", return_value=None):
        slow = read("slow.csv")
    assert repr(fast) == repr(slow)
