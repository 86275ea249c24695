from __future__ import annotations

from typing import Any

import numpy as np

from ranker.rules import Move, Ruled, moved_by
from ranker.rules.trace import DIVERSITY, Step, moves_of
from tests.ranker.rules.plain import one, tracks_of


def step(
    before: list[int], after: list[int], rule: Any, *about: int, by: tuple[int, ...] = ()
) -> Step:
    ruled = None if rule is None else Ruled(rule, np.isin(np.arange(20), about))
    return Step(ruled, tracks_of(before), tracks_of(after), tracks_of(by))


BOOST = one(kind="boost", where={"heard": True}, places=2, name="up")
CAP = one(kind="artist_cap", most=1, name="cap")


def test_a_boost_moved_what_rose_and_what_it_put_out() -> None:
    found = moves_of(step([0, 1, 2, 3], [2, 0, 3, 1], BOOST, 2, 3), 2)
    # 0 only made room within the answer; 1 left it.
    assert found == [Move(2, 3, 1), Move(1, 2, None)]


def test_a_cap_moved_what_fell_and_what_it_brought_in() -> None:
    found = moves_of(step([0, 1, 2, 3], [0, 2, 3], CAP, 0, 1, 2, 3), 3)
    assert found == [Move(3, 4, 3), Move(1, 2, None)]


def test_who_only_stood_by_came_from_nowhere() -> None:
    found = moves_of(step([0, 1, 5, 6], [0, 6, 1, 5], CAP, 0, 1, by=(5, 6)), 2)
    assert found == [Move(6, None, 2), Move(1, 2, None)]
    # Once it is in the answer, its place is one like any other.
    found = moves_of(step([0, 6, 1, 5], [0, 1, 6, 5], CAP, 6, by=(5, 6)), 2)
    assert found == [Move(1, 3, 2), Move(6, 2, None)]


def test_an_empty_order() -> None:
    assert moves_of(step([], [], BOOST), 3) == []
    assert moves_of(step([], [4], CAP), 3) == [Move(4, None, 1)]


def test_an_item_names_the_last_rule_that_moved_it_or_brought_it_in() -> None:
    steps = [
        step([0, 1, 2, 3], [0, 3, 1, 2], None),
        step([0, 3, 1, 2], [1, 0, 3, 2], BOOST, 1),
        step([1, 0, 3, 2], [1, 2], CAP, 0, 3),
    ]
    assert moved_by(steps, tracks_of([1, 2]), 2) == ["up", "cap"]
    assert moved_by(steps[:1], tracks_of([0, 3]), 2) == [None, DIVERSITY]
