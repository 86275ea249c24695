from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ranker.recordings import OneOfEach

# Tracks 1, 3 and 5 are one recording, 2 and 4 another; 0 is alone.
GROUPS = np.array([0, 3, 2, 3, 2, 3], np.int32)
PLAYED = np.array([9, 1, 0, 1, 0, 5], np.float32)


def everything() -> np.ndarray:
    return np.ones(6, bool)


def test_a_recording_is_excluded_as_a_whole() -> None:
    rule = OneOfEach(GROUPS, PLAYED)
    mask = everything()
    rule.exclude(mask, np.array([5], np.int32))
    assert np.flatnonzero(mask).tolist() == [0, 2, 4]
    rule.exclude(mask, np.array([0, 4], np.int32))
    assert not mask.any()
    mask = everything()
    rule.exclude(mask, np.empty(0, np.int32))
    assert mask.all()


def test_the_most_played_track_is_left_then_the_one_that_stands_for_it() -> None:
    rule = OneOfEach(GROUPS, PLAYED)
    mask = everything()
    rule.keep_one(mask)
    assert np.flatnonzero(mask).tolist() == [0, 2, 5]
    mask = everything()
    mask[[2, 5]] = False  # not eligible: then another one of the recording is
    rule.keep_one(mask)
    assert np.flatnonzero(mask).tolist() == [0, 3, 4]


@given(st.data())
def test_each_recording_that_was_there_is_there_once(data: st.DataObject) -> None:
    size = data.draw(st.integers(0, 12))
    labels = np.array([data.draw(st.integers(0, max(0, i))) for i in range(size)], np.int32)
    groups = labels[labels] if size else labels  # who stands for another stands for itself
    groups = np.where(groups[groups] == groups, groups, np.arange(size)).astype(np.int32)
    played = np.array(data.draw(st.lists(st.integers(0, 3), min_size=size, max_size=size)), float)
    mask = np.array(data.draw(st.lists(st.booleans(), min_size=size, max_size=size)), bool)
    left = mask.copy()
    OneOfEach(groups, played).keep_one(left)
    assert not (left & ~mask).any()
    assert sorted(groups[left].tolist()) == sorted(set(groups[mask].tolist()))
