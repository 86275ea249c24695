"""Segments and recordings in the store."""

from __future__ import annotations

import numpy as np
import pytest

from data.errors import DataError
from data.store import ImportCounts, Store
from data.vocabulary import Vocabulary
from tests.data.test_store_embeddings import vectors
from tests.data.test_store_tracks import frame


@pytest.fixture
def shop(store: Store) -> Store:
    store.put_tracks([frame(track_id=["a", "b", "c"])])
    return store


def chunks(*rows: tuple[float, ...]) -> bytes:
    return np.array(rows, "<f2").tobytes()


def words(*values: int) -> bytes:
    return np.array(values, "<u4").tobytes()


TWO = vectors((1, 0), (0, 1))


def test_ragged_rows_come_back_in_the_order_of_the_vocabulary(shop):
    shop.put_embeddings(
        "mel",
        ["c", "a"],
        TWO,
        segments=[chunks((1, 0), (0, 1), (0.5, 0.25)), chunks((0, -1))],
        recordings=[words(7), words(1, 2**32 - 1)],
    )
    values, offsets = shop.load_segments("mel", Vocabulary(["a", "b", "c", "none"]))
    assert values.tolist() == [[0, -1], [1, 0], [0, 1], [0.5, 0.25]]
    assert offsets.tolist() == [0, 1, 1, 4, 4]
    assert (values.dtype, offsets.dtype) == (np.float16, np.int64)
    prints, ends = shop.load_recordings("mel", Vocabulary(["a", "b", "c", "none"]))
    assert prints.tolist() == [1, 2**32 - 1, 7]
    assert ends.tolist() == [0, 2, 2, 3, 3]
    assert (prints.dtype, ends.dtype) == (np.uint32, np.int64)
    only, bounds = shop.load_segments("mel", Vocabulary(["c"]))
    assert (only.shape, bounds.tolist()) == ((3, 2), [0, 3])


def test_nothing_kept_is_no_rows(shop):
    for space in ("none", "mel"):
        values, offsets = shop.load_segments(space, Vocabulary(["a", "b"]))
        assert offsets.tolist() == [0, 0, 0]
        assert values.shape == (0, 0 if space == "none" else 2)
        prints, ends = shop.load_recordings(space, Vocabulary(["a", "b"]))
        assert (prints.size, ends.tolist()) == (0, [0, 0, 0])
        shop.put_embeddings("mel", ["a", "b"], TWO)  # vectors alone, as imported ones are


def test_what_lacks_a_part_is_half_heard(shop):
    shop.put_embeddings(
        "mel",
        ["a", "b", "c"],
        vectors((1, 0), (0, 1), (1, 1)),
        segments=[chunks((1, 0)), chunks((0, 1)), None],
        recordings=[words(), None, words(3)],
    )
    assert shop.half_heard("mel") == {"b", "c"}  # a print without words is a print
    assert shop.half_heard("other") == set()


def test_parts_are_replaced_with_their_row(shop):
    put = shop.put_embeddings
    put("mel", ["a", "b"], TWO)
    whole = {"segments": [chunks((1, 0)), chunks((0, 1))], "recordings": [words(1), words(2)]}
    assert put("mel", ["a", "b"], TWO, **whole) == ImportCounts(0, 2, 0)
    assert put("mel", ["a", "b"], TWO, **whole) == ImportCounts(0, 0, 2)
    other = whole | {"recordings": [words(1), words(3)]}
    assert put("mel", ["a", "b"], TWO, **other) == ImportCounts(0, 1, 1)
    put("mel", ["a"], TWO[:1])
    assert shop.half_heard("mel") == {"a"}
    assert shop.load_segments("mel", Vocabulary(["a", "b"]))[1].tolist() == [0, 0, 1]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"segments": [None]}, "2 tracks were given 1 segments"),
        ({"recordings": [None] * 3}, "2 tracks were given 3 recordings"),
        ({"segments": [None, b"xyz"]}, r"'b' must be whole rows of 4 bytes\. Received: 3"),
        ({"recordings": [b"x", None]}, r"'a' must be whole rows of 4 bytes\. Received: 1"),
        ({"segments": [chunks((1, float("nan"))), None]}, "'a' hold values that are not finite"),
    ],
)
def test_wrong_parts_are_refused(shop, given, message):
    with pytest.raises(DataError, match=message):
        shop.put_embeddings("mel", ["a", "b"], TWO, **given)
    assert shop.spaces() == {}


def test_many_rows_are_read_some_at_a_time(store, monkeypatch):
    monkeypatch.setattr("data.store.heard._ROWS", 7)
    rng = np.random.default_rng(0)
    ids = [f"t{n}" for n in range(50)]
    parts = [rng.integers(0, 99, n % 4).astype("<u4") for n in range(50)]
    values = rng.standard_normal((50, 2), np.float32)
    store.put_embeddings(
        "mel", ids, values, recordings=[p.tobytes() for p in parts], add_unknown_tracks=True
    )
    order = rng.permutation(50)
    prints, ends = store.load_recordings("mel", Vocabulary([ids[n] for n in order]))
    for at, n in enumerate(order):
        assert prints[ends[at] : ends[at + 1]].tolist() == parts[n].tolist()
