import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.encoding import IDS, encode, text_column
from data.errors import DataError
from data.vocabulary import Vocabulary

WORDS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1)
PIECES = st.lists(st.lists(WORDS.filter(lambda word: len(word.encode()) <= 256)), max_size=5)


def piece(indices, dictionary):
    return pa.DictionaryArray.from_arrays(
        pa.array(indices, pa.int32()), pa.array(dictionary, pa.large_string())
    )


@settings(deadline=None)
@given(PIECES)
def test_indices_lead_back_to_the_ids_which_are_sorted(pieces):
    columns = [pa.array(ids, pa.large_string()).dictionary_encode() for ids in pieces]
    vocabulary, indices = encode(columns)
    flat = [value for ids in pieces for value in ids]
    assert list(vocabulary) == sorted(set(flat))
    assert vocabulary.ids(indices) == flat
    assert indices.dtype == np.int32


def test_what_no_row_uses_is_passed_over():
    vocabulary, indices = encode([piece([2, 0, 2], ["b", "", "a"]), piece([], ["z"])])
    assert list(vocabulary) == ["a", "b"]
    assert indices.tolist() == [0, 1, 0]


def test_a_value_may_stand_in_a_dictionary_twice():
    vocabulary, indices = encode([piece([0, 1, 2], ["a", "a", "b"])])
    assert list(vocabulary) == ["a", "b"]
    assert indices.tolist() == [0, 0, 1]


def test_over_a_vocabulary_that_is_given():
    tracks = Vocabulary(["y", "x"])
    vocabulary, indices = encode([piece([0, 1], ["x", "w"]), piece([0], ["y"])], tracks)
    assert vocabulary is tracks
    assert indices.tolist() == [1, -1, 0]


def test_an_invalid_id_is_an_error():
    with pytest.raises(DataError, match="An id is empty"):
        encode([piece([0], [""])])


@pytest.mark.parametrize("dtype", [object, "str", "string"])
def test_a_column_of_text(dtype):
    column = text_column(pd.Series(["b", "a", "b"], dtype=dtype))
    assert column is not None
    assert column.type == IDS
    assert column.to_pylist() == ["b", "a", "b"]


def test_an_empty_column_of_any_type_is_one_of_text():
    for dtype in (object, "float64"):
        column = text_column(pd.Series([], dtype=dtype))
        assert column is not None
        assert column.type == IDS
        assert len(column) == 0


@pytest.mark.parametrize(
    "values", [["a", None], ["a", np.nan], ["a", 1], [1, 2], [b"a"], ["\ud800"], [["a"]]]
)
def test_a_column_of_something_else(values):
    assert text_column(pd.Series(values, dtype=object)) is None
