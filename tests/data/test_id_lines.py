import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.checks import id_problem
from data.id_lines import read_ids

IDS = st.text(st.characters(exclude_characters="\n\r\ufeff", exclude_categories=["Cs"]))


@pytest.mark.parametrize(
    ("content", "ids"),
    [
        (b"", []),
        (b"\n\r\n\n", []),
        (b"a\nb", ["a", "b"]),
        (b"a\r\nb\r\n", ["a", "b"]),
        (b"\xef\xbb\xbfa\nb\n", ["a", "b"]),
        (b"b\na\nb\n", ["b", "a", "b"]),
        (b" a\nb \n \n\tc\n", [" a", "b ", " ", "\tc"]),
        (b"a\r\r\nb\rc\n", ["a\r", "b\rc"]),
        ("a\u2028b\nc\u0085\nd\x0be\x0c\n".encode(), ["a\u2028b", "c\u0085", "d\x0be\x0c"]),
    ],
)
def test_ids_come_as_they_stand_in_the_file(content, ids):
    assert read_ids(content) == ids


@given(st.lists(IDS.filter(lambda text: id_problem(text) is None)), st.sampled_from(["\n", "\r\n"]))
def test_ids_that_hold_no_end_of_line_come_back(ids, end):
    assert read_ids("".join(value + end for value in ids).encode()) == ids


def test_text_of_another_encoding_is_an_error():
    with pytest.raises(UnicodeDecodeError):
        read_ids("é\n".encode("latin-1"))
