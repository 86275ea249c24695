import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data import vocabulary as module
from data.errors import DataError
from data.vocabulary import Vocabulary

IDS = st.text(
    st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), min_size=1, max_size=20
)
UNIQUE = st.lists(IDS, unique=True, max_size=30)
MANY = module._BULK + 1


@settings(deadline=None)
@given(UNIQUE, st.lists(IDS, max_size=30))
def test_an_index_is_the_position_of_an_id(ids, others):
    vocabulary = Vocabulary(ids)
    assert len(vocabulary) == len(ids)
    assert list(vocabulary) == vocabulary.arrow.to_pylist() == ids
    for position, value in enumerate(ids):
        assert vocabulary.index(value) == vocabulary.get(value) == position
        assert vocabulary.id(position) == value
        assert value in vocabulary
    for value in set(others) - set(ids):
        assert vocabulary.get(value) is None
        assert value not in vocabulary
    expected = [ids.index(v) if v in ids else -1 for v in others]
    assert vocabulary.indices(others).tolist() == expected


@settings(deadline=None)
@given(st.lists(IDS, max_size=30))
def test_build_sorts_the_distinct_ids(ids):
    assert list(Vocabulary.build(ids)) == sorted(set(ids))
    assert Vocabulary.build(ids) == Vocabulary.build(reversed(ids))


@settings(deadline=None)
@given(UNIQUE, st.data())
def test_ids_and_indices_are_inverse(ids, data):
    vocabulary = Vocabulary(ids)
    positions = data.draw(st.lists(st.integers(0, len(ids) - 1))) if ids else []
    found = vocabulary.indices(vocabulary.ids(positions))
    assert found.dtype == np.int32
    assert found.tolist() == positions


@settings(deadline=None, max_examples=30)
@given(UNIQUE, st.lists(IDS, max_size=30))
def test_colliding_digests_are_told_apart(ids, others):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_digest", lambda value: len(value) % 2)
        vocabulary = Vocabulary(ids)
        assert [vocabulary.get(value) for value in ids] == list(range(len(ids)))
        expected = [ids.index(v) if v in ids else -1 for v in others]
        assert vocabulary.indices(others).tolist() == expected


@pytest.mark.parametrize(
    "convert", [list, pa.array, lambda ids: pa.chunked_array([ids[:9], ids[9:]])]
)
@pytest.mark.parametrize("size", [20, MANY], ids=["few", "many"])
def test_few_and_many_ids_are_looked_up_alike(convert, size):
    ids = [f"t{i}" for i in range(size)]
    vocabulary = Vocabulary(ids)
    asked = [*ids[::-1], "unknown", None]
    found = vocabulary.indices(convert(asked))
    assert found.dtype == np.int32
    assert found.tolist() == [*range(size - 1, -1, -1), -1, -1]


@pytest.mark.parametrize("size", [1, MANY], ids=["few", "many"])
def test_a_missing_id_is_not_the_id_none(size):
    vocabulary = Vocabulary(["None", "nan"])
    assert vocabulary.indices([None] * size).tolist() == [-1] * size
    assert vocabulary.indices(pa.array([None] * size, pa.string())).tolist() == [-1] * size


@pytest.mark.parametrize("size", [1, MANY], ids=["few", "many"])
def test_what_no_id_can_be_is_unknown(size):
    vocabulary = Vocabulary(["a"])
    assert vocabulary.get("\ud800") is None
    assert "\ud800" not in vocabulary
    assert 7 not in vocabulary
    assert vocabulary.indices(["\ud800", "a", *["b"] * size]).tolist() == [-1, 0, *[-1] * size]


def test_unknown_id_and_unknown_index():
    vocabulary = Vocabulary(["b", "a"])
    with pytest.raises(KeyError, match="c"):
        vocabulary.index("c")
    for index in (-1, 2):  # -1 is how `indices` says unknown
        with pytest.raises(IndexError):
            vocabulary.id(index)
        with pytest.raises(IndexError):
            vocabulary.ids([0, index])


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        (["a", ""], "An id is empty. Received: ''"),
        (["a", "b", "a"], "The id 'a' occurs twice in a vocabulary"),
        (["a", "é" * 129], "An id is 258 bytes long"),
        (["a", 3], "An id must be a string, not int. Received: 3"),
        (["a", None], "An id must be a string, not NoneType"),
    ],
)
def test_refuses_wrong_ids(ids, message):
    with pytest.raises(DataError, match=message):
        Vocabulary(ids)


def test_build_refuses_what_is_not_a_string():
    with pytest.raises(DataError, match=r"must be a string, not float. Received: nan"):
        Vocabulary.build(["b", float("nan"), "a"])


def test_takes_an_arrow_array():
    assert Vocabulary(pa.array(["b", "a"])) == Vocabulary(["b", "a"])


def test_equality_is_that_of_the_ids_in_order():
    assert Vocabulary(["a", "b"]) == Vocabulary(["a", "b"])
    assert Vocabulary(["a", "b"]) != Vocabulary(["b", "a"])
    assert Vocabulary(["a"]) != ["a"]
    with pytest.raises(TypeError, match="unhashable"):
        hash(Vocabulary(["a"]))


def test_repr_says_how_many():
    assert repr(Vocabulary(["a", "b"])) == "Vocabulary(2 ids)"


@pytest.mark.parametrize("ids", [[], ["b", "a", "Ω/ü"], [f"t{i}" for i in range(5000)]], ids=len)
def test_comes_back_from_disk(tmp_path, ids):
    Vocabulary(ids).save(tmp_path, "tracks")
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["tracks.arrow", "tracks.digests.npy", "tracks.order.npy"]
    loaded = Vocabulary.load(tmp_path, "tracks")
    assert loaded == Vocabulary(ids)
    assert [loaded.get(value) for value in ids] == list(range(len(ids)))
    assert loaded.get("unknown") is None
    assert loaded.indices([*ids, "unknown"]).tolist() == [*range(len(ids)), -1]


def test_is_opened_without_being_read(tmp_path):
    ids = [f"track-{i:06}" for i in range(50_000)]
    Vocabulary(ids).save(tmp_path, "tracks")
    before = pa.total_allocated_bytes()
    loaded = Vocabulary.load(tmp_path, "tracks")
    assert isinstance(loaded._digests, np.memmap)
    assert isinstance(loaded._order, np.memmap)
    assert pa.total_allocated_bytes() - before < 10_000
    assert loaded.index(ids[-1]) == 49_999


def test_refuses_parts_that_do_not_fit(tmp_path):
    Vocabulary(["a", "b"]).save(tmp_path, "tracks")
    np.save(tmp_path / "tracks.order.npy", np.zeros(3, np.int32))
    with pytest.raises(DataError, match="'tracks' is inconsistent"):
        Vocabulary.load(tmp_path, "tracks")
