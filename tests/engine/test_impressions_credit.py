from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.impressions.credit import credited


def slots_of(*rows: tuple[str, str, int]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["user_id", "track_id", "served_at"])


def liked_of(*rows: tuple[str, str, int]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["user_id", "track_id", "at"])


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (("ann", "x", 101), [True, False, False]),
        (("ann", "x", 100), [False, False, False]),  # in the same second
        (("ann", "x", 199), [True, False, False]),
        (("ann", "x", 201), [False, True, False]),  # the last one that showed it
        (("ann", "x", 250), [False, True, False]),
        (("ann", "x", 251), [False, False, False]),  # 51 s later
        (("ann", "x", 99), [False, False, False]),
        (("ann", "y", 110), [False, False, False]),
        (("bob", "x", 310), [False, False, True]),
        (("cid", "x", 110), [False, False, False]),
    ],
)
def test_by_hand(event: tuple[str, str, int], expected: list[bool]) -> None:
    slots = slots_of(("ann", "x", 100), ("ann", "x", 200), ("bob", "x", 300))
    window = 50 if event[2] > 199 else 99
    assert credited(slots, liked_of(event), window_s=window).tolist() == expected


def test_nothing_shown_or_heard() -> None:
    assert credited(slots_of(), liked_of(("ann", "x", 1)), window_s=9).size == 0
    assert not credited(slots_of(("ann", "x", 1)), liked_of(), window_s=9).any()


rows = st.lists(
    st.tuples(st.sampled_from("ab"), st.sampled_from("xyz"), st.integers(0, 30)), max_size=15
)


@given(rows, rows, st.integers(0, 20))
def test_equals_a_plain_search(
    shown: list[tuple[str, str, int]], events: list[tuple[str, str, int]], window: int
) -> None:
    expected = [False] * len(shown)
    for user, track, at in events:
        before = [(s, n) for n, (u, t, s) in enumerate(shown) if (u, t) == (user, track) and s < at]
        if before and at - max(before)[0] <= window:
            expected[max(before)[1]] = True
    found = credited(slots_of(*shown), liked_of(*events), window_s=window)
    assert found.tolist() == expected
    assert isinstance(found, np.ndarray)
