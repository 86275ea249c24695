from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from engine.evaluation.slices import by_activity, by_popularity


def test_thirds_of_the_users_by_hand():
    known, targets = np.array([5, 1, 9, 2, 7, 3]), np.array([1, 2, 3, 4, 5, 6])
    light, medium, heavy = by_activity(known, targets)
    assert (light.name, light.span, light.users.tolist()) == ("light", (1, 2), [1, 3])
    assert (medium.name, medium.span, medium.users.tolist()) == ("medium", (3, 5), [0, 5])
    assert (heavy.name, heavy.span, heavy.users.tolist()) == ("heavy", (7, 9), [2, 4])
    assert light.relevant.tolist() == [2, 4]
    assert light.tracks is None


def test_users_alike_stay_together():
    parts = by_activity(np.full(10, 4), np.ones(10, int))
    assert [(p.name, p.users.size) for p in parts] == [("light", 10)]


def test_parts_of_the_targets_by_hand():
    # Of the 12 pairs of user and track in training, 8 are of tracks with up to 2 listeners: tracks
    # alike stay together, so that nothing is left for the mid.
    listeners = np.array([4, 0, 1, 1, 2, 2, 2, 0])
    held_out = sp.csr_matrix(
        np.array(
            [
                [1, 1, 1, 0, 0, 0, 0, 0],
                [0, 1, 0, 1, 0, 0, 0, 1],
                [1, 0, 0, 0, 1, 0, 0, 0],
            ],
            bool,
        )
    )
    parts = {part.name: part for part in by_popularity(held_out, listeners)}
    assert list(parts) == ["cold", "tail", "head"]
    assert np.flatnonzero(parts["cold"].tracks).tolist() == [1, 7]
    assert parts["cold"].users.tolist() == [0, 1]
    assert parts["cold"].relevant.tolist() == [1, 2]
    assert parts["cold"].span == (0, 0)
    assert np.flatnonzero(parts["tail"].tracks).tolist() == [2, 3, 4, 5, 6]
    assert parts["tail"].span == (1, 2)
    assert parts["tail"].relevant.tolist() == [1, 1, 1]
    assert parts["head"].users.tolist() == [0, 2]
    assert parts["head"].span == (4, 4)


def test_each_part_has_about_a_third_of_the_listeners():
    listeners = np.random.default_rng(0).geometric(0.02, 3000)
    held_out = sp.csr_matrix(np.ones((2, 3000), bool))
    tail, mid, head = by_popularity(held_out, listeners)
    shares = [listeners[part.tracks].sum() / listeners.sum() for part in (tail, mid, head)]
    assert shares == pytest.approx([1 / 3] * 3, abs=0.02)
    assert tail.span[1] < mid.span[0] <= mid.span[1] < head.span[0]


def test_where_nothing_was_played_all_is_cold():
    (cold,) = by_popularity(sp.csr_matrix(np.ones((3, 4), bool)), np.zeros(4, int))
    assert (cold.name, cold.users.size) == ("cold", 3)


@given(
    hnp.arrays(bool, (5, 9)),
    hnp.arrays(np.int64, 9, elements=st.integers(0, 6)),
)
def test_every_target_is_in_one_part(held_out: np.ndarray, listeners: np.ndarray) -> None:
    parts = by_popularity(sp.csr_matrix(held_out), listeners)
    assert sum(int(part.relevant.sum()) for part in parts) == held_out.sum()
    for part in parts:
        assert (part.relevant == held_out[part.users][:, part.tracks].sum(axis=1)).all()
        assert (part.relevant > 0).all()
        assert (listeners[part.tracks] == 0).all() == (part.name == "cold")
