"""Vectors in the store."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from data.errors import DataError, ParameterError
from data.store import ImportCounts, Store
from data.vocabulary import Vocabulary
from tests.data.test_store_tracks import STRANGE, frame


@pytest.fixture
def shop(store: Store) -> Store:
    store.put_tracks([frame(track_id=["a", "b", "c"])])
    return store


def vectors(*rows: tuple[float, ...]) -> np.ndarray:
    return np.array(rows, dtype=np.float32)


def test_vectors_come_back_in_the_order_of_the_vocabulary(shop):
    shop.put_embeddings("mel", ["c", "a"], vectors((1, 2), (3, 4)))
    found, present = shop.load_embeddings("mel", Vocabulary(["a", "b", "c", "none"]))
    assert found.tolist() == [[3, 4], [0, 0], [1, 2], [0, 0]]
    assert present.tolist() == [True, False, True, False]
    assert (found.dtype, present.dtype) == (np.float32, np.bool_)
    found, present = shop.load_embeddings("mel", Vocabulary(["c"]))
    assert (found.tolist(), present.tolist()) == ([[1, 2]], [True])


def test_new_changed_and_same_are_counted(shop):
    put = shop.put_embeddings
    assert put("mel", ["a", "b"], vectors((1, 2), (3, 4))) == ImportCounts(2, 0, 0)
    assert put("mel", ["a", "b", "c"], vectors((1, 2), (0, 0), (5, 6))) == ImportCounts(1, 1, 1)
    found, _ = shop.load_embeddings("mel", Vocabulary(["a", "b", "c"]))
    assert found.tolist() == [[1, 2], [0, 0], [5, 6]]
    assert put("mel", [], np.empty((0, 2), np.float32)) == ImportCounts(0, 0, 0)


def test_spaces_are_apart(shop):
    shop.put_embeddings("mel", ["a", "b"], vectors((1, 2), (3, 4)))
    shop.put_embeddings("brought / 🎧", ["a"], vectors((1, 2, 3)))
    assert shop.spaces() == {"brought / 🎧": (3, 1), "mel": (2, 2)}
    assert shop.drop_embeddings("mel") == 2
    assert shop.drop_embeddings("mel") == 0
    assert shop.spaces() == {"brought / 🎧": (3, 1)}
    assert shop.counts()["embeddings"] == 1


def test_an_unknown_space_is_empty(shop):
    found, present = shop.load_embeddings("none", Vocabulary(["a", "b"]))
    assert found.shape == (2, 0)
    assert present.tolist() == [False, False]
    assert shop.fingerprints("none") == {}
    assert shop.spaces() == {}


def test_fingerprints_tell_what_is_done(shop):
    two = vectors((1, 2), (3, 4))
    shop.put_embeddings("mel", ["a", "b"], two, fingerprints=["fa", "fb"])
    assert shop.fingerprints("mel") == {"a": "fa", "b": "fb"}
    assert shop.put_embeddings("mel", ["a", "b"], two, fingerprints=["fa", "new"]).changed == 1
    assert shop.fingerprints("mel") == {"a": "fa", "b": "new"}
    shop.put_embeddings("mel", ["a"], two[:1])  # of unknown making
    assert shop.fingerprints("mel") == {"b": "new"}


def test_another_width_is_refused_naming_both(shop):
    shop.put_embeddings("mel", ["a"], vectors((1, 2)))
    with pytest.raises(DataError, match=r"'mel' holds vectors of 2 values\. Received: 3"):
        shop.put_embeddings("mel", ["b"], vectors((1, 2, 3)))
    assert shop.spaces() == {"mel": (2, 1)}
    shop.drop_embeddings("mel")
    shop.put_embeddings("mel", ["b"], vectors((1, 2, 3)))


def test_unknown_tracks_are_refused_or_added(shop):
    with pytest.raises(DataError, match="2 tracks are not in the catalogue: 'n1', 'n2'"):
        shop.put_embeddings("mel", ["n2", "a", "n1"], vectors((1,), (2,), (3,)))
    assert shop.counts()["embeddings"] == 0
    put = shop.put_embeddings("mel", ["n2", "a"], vectors((1,), (2,)), add_unknown_tracks=True)
    assert put == ImportCounts(2, 0, 0, new_tracks=1)
    assert shop.get_track("n2") is not None
    assert shop.get_track("n1") is None


@pytest.mark.parametrize(
    ("ids", "values", "marks", "message"),
    [
        (["a"], vectors((1, 2), (3, 4)), None, r"1 tracks .* shape \(2, 2\)"),
        (["a"], np.ones(1, np.float32), None, r"shape \(1,\)"),
        (["a"], np.ones((1, 0), np.float32), None, r"shape \(1, 0\)"),
        (["a", "a"], vectors((1, 2), (3, 4)), None, "'a' is given two"),
        (["a", ""], vectors((1, 2), (3, 4)), None, "`track_id` is empty"),
        (["a", "b"], vectors((1, 2), (3, np.nan)), None, "'b' holds values that are not finite"),
        (["a"], vectors((np.inf, 2)), None, "'a' holds values that are not finite"),
        (["a"], vectors((1, 2)), ["f", "g"], "1 tracks were given 2 fingerprints"),
    ],
)
def test_bad_vectors_are_refused(sqlite_url, ids, values, marks, message):
    with Store.open(sqlite_url) as store:
        store.put_tracks([frame(track_id=["a", "b"])])
        with pytest.raises(DataError, match=message):
            store.put_embeddings("mel", ids, values, fingerprints=marks)
        with pytest.raises(ParameterError, match="`space`"):
            store.put_embeddings("", ["a"], vectors((1, 2)))
        assert store.spaces() == {}


def test_strange_ids_are_kept(shop):
    values = np.arange(len(STRANGE), dtype=np.float32)[:, None]
    shop.put_embeddings("s", STRANGE, values, fingerprints=STRANGE, add_unknown_tracks=True)
    found, present = shop.load_embeddings("s", Vocabulary(STRANGE))
    assert present.all()
    assert found.tolist() == values.tolist()
    assert shop.fingerprints("s") == dict(zip(STRANGE, STRANGE, strict=True))


def test_many_vectors(store, monkeypatch):
    monkeypatch.setattr("data.store.reading.CHUNK", 100)
    size = 311
    ids = [f"t{n}" for n in range(size)]
    values = np.random.default_rng(0).standard_normal((size, 4), np.float32)
    store.put_embeddings("mel", ids, values, add_unknown_tracks=True)
    order = np.random.default_rng(1).permutation(size)
    found, present = store.load_embeddings("mel", Vocabulary([ids[n] for n in order]))
    assert present.all()
    np.testing.assert_array_equal(found, values[order])


@settings(
    max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(
    hnp.arrays(
        np.float32,
        st.tuples(st.integers(1, 3), st.integers(1, 5)),
        elements=st.floats(allow_nan=False, allow_infinity=False, width=32),
    )
)
def test_every_bit_is_kept(shop, values):
    shop.drop_embeddings("mel")
    shop.put_embeddings("mel", ["a", "b", "c"][: len(values)], values[:, ::-1])
    found, _ = shop.load_embeddings("mel", Vocabulary(["a", "b", "c"]))
    assert found[: len(values)].tobytes() == np.ascontiguousarray(values[:, ::-1]).tobytes()
