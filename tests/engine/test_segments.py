"""Where two tracks sound alike."""

from __future__ import annotations

from dataclasses import astuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import segments
from engine.segments import MOST, Passage, matching_passages


def track(*sounds: int) -> np.ndarray:
    """Make a track of chunks of which each has a sound of its own, or none in common (0)."""
    rows = np.zeros((len(sounds), 40), np.float16)
    for at, sound in enumerate(sounds):
        rows[at, sound if sound else 20 + at] = 1
    return rows


def test_a_passage_is_found_where_it_was_put() -> None:
    # Chunks of 10 s: a passage is three of them.
    query = track(0, 0, 0, 0, 0, 0, 0, 1, 2, 3)
    item = np.roll(track(1, 2, 3, 0, 0, 0, 0, 0), 2, axis=0)
    item[[0, 1, 5, 6, 7]] = 0  # unlike anything
    (found,) = matching_passages(query, [item], seconds=10.0)
    assert found == (Passage(70.0, 100.0, 20.0, 50.0, 1.0),)


def test_two_passages_are_named_best_first_and_apart() -> None:
    query = track(1, 2, 3, 4, 5, 6, 7, 8)
    item = track(5, 6, 7, 8, 1, 2, 3, 4)  # the halves changed places
    item[4, :] = 0  # so that the first half is less alike
    item[4, 39] = 1
    (found,) = matching_passages(query, [item], seconds=7.5)  # a passage is four chunks
    assert found == (Passage(30.0, 60.0, 0.0, 30.0, 1.0), Passage(0.0, 30.0, 30.0, 60.0, 0.75))


def test_a_short_track_has_passages_of_half_its_length() -> None:
    query = track(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12)
    (found,) = matching_passages(query, [track(9, 10, 11)], seconds=3.0)
    assert found[0] == Passage(24.0, 30.0, 0.0, 6.0, 1.0)
    (one,) = matching_passages(query, [track(5)], seconds=3.0)
    assert one == (Passage(12.0, 15.0, 0.0, 3.0, 1.0),)


def test_what_is_unlike_or_unknown_has_no_passages() -> None:
    assert matching_passages(track(1, 2), [-track(1, 2)], seconds=3.0) == [()]
    assert matching_passages(track(1, 2), [track(), track(2), track()], seconds=3.0) == [
        (),
        (Passage(3.0, 6.0, 0.0, 3.0, 1.0),),
        (),
    ]
    assert matching_passages(track(1), [], seconds=3.0) == []


def test_rounding_never_makes_it_more_alike_than_equal() -> None:
    rows = np.random.default_rng(0).normal(size=(30, 8))
    rows = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float16)
    (found,) = matching_passages(rows, [rows], seconds=3.0)
    assert found[0].similarity == pytest.approx(1.0, abs=1e-3)
    assert found[0].similarity <= 1


@given(st.lists(st.integers(1, 14), min_size=1, max_size=4), st.integers(1, 14), st.integers(0, 99))
def test_it_finds_what_trying_every_pair_finds(sizes: list[int], size: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    seconds = float(rng.choice([3.0, 7.0, 40.0]))
    # Not 5 wide: see `catalogue` in test_taste.py.
    query, *items = ((rng.normal(size=(n, 6)) / 4).astype(np.float16) for n in (size, *sizes))
    for item, found in zip(items, matching_passages(query, items, seconds=seconds), strict=True):
        cosines = query.astype(np.float64) @ item.astype(np.float64).T
        n = max(1, min(round(30 / seconds), (min(size, len(item)) + 1) // 2))
        pairs = {
            (i, j): float(np.mean([cosines[i + k, j + k] for k in range(n)]))
            for i in range(size - n + 1)
            for j in range(len(item) - n + 1)
        }
        assert len(found) <= MOST
        for passage in found:
            start, item_start = passage.start / seconds, passage.item_start / seconds
            at = round(start), round(item_start)
            assert passage.end - passage.start == pytest.approx(n * seconds)
            assert passage.item_end - passage.item_start == pytest.approx(n * seconds)
            assert passage.similarity == pytest.approx(min(pairs[at], 1.0), abs=1e-5)
            assert pairs[at] == pytest.approx(max(pairs.values()), abs=1e-5)
            pairs = {
                (i, j): mean
                for (i, j), mean in pairs.items()
                if abs(i - at[0]) >= n and abs(j - at[1]) >= n
            }
        assert len(found) == MOST or max(pairs.values(), default=0.0) <= 1e-5


def test_many_items_are_compared_some_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    query, *items = (rng.normal(size=(n, 6)).astype(np.float16) / 4 for n in (9, 7, 12, 1, 30, 4))
    whole = matching_passages(query, items, seconds=3.0)
    monkeypatch.setattr(segments, "_CELLS", 100)  # ten chunks of an item at a time
    for some, all_at_once in zip(matching_passages(query, items, seconds=3.0), whole, strict=True):
        for one, other in zip(some, all_at_once, strict=True):
            assert astuple(one) == pytest.approx(astuple(other), abs=1e-6)
