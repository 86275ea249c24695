from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ranker import Candidates
from ranker.rules.boosting import scale_scores, shift_places
from tests.ranker.strategies import candidates, scores_of, tracks_of


def mask(*at: int, size: int = 5) -> np.ndarray:
    return np.isin(np.arange(size), at)


FOUND = Candidates("rrf", tracks_of([10, 11, 12, 13, 14]), scores_of([4, 2, 1, 0, -2]))


def test_a_factor_multiplies_scores_above_zero_and_divides_those_below() -> None:
    up = scale_scores(FOUND, mask(1, 3, 4), 4, up=True)
    assert up.tracks.tolist() == [11, 10, 12, 13, 14]
    assert up.scores.tolist() == [8, 4, 1, 0, -0.5]
    down = scale_scores(FOUND, mask(0, 3, 4), 4, up=False)
    assert down.tracks.tolist() == [11, 12, 10, 13, 14]
    assert down.scores.tolist() == [2, 1, 1, 0, -8]  # of equals, the buried one is behind


def test_of_equal_scores_the_boosted_one_is_first() -> None:
    assert scale_scores(FOUND, mask(1), 2, up=True).tracks.tolist() == [11, 10, 12, 13, 14]


def test_scores_stay_finite_however_many_rules_multiply_them() -> None:
    matching = mask(0, 1, 4)
    up, down = FOUND, FOUND
    for _ in range(20):
        up = scale_scores(up, matching[up.tracks - 10], 1_000, up=True)
        down = scale_scores(down, matching[down.tracks - 10], 1_000, up=False)
    highest = np.finfo(np.float32).max
    # Those that meet at the bound stay in the order in which they came.
    assert up.tracks.tolist() == [10, 11, 12, 14, 13]
    assert up.scores.tolist() == [highest, highest, 1, 0, 0]
    assert down.tracks.tolist() == [12, 13, 10, 11, 14]
    assert down.scores.tolist() == [1, 0, 0, 0, -highest]


def test_places_are_exact_for_one_track() -> None:
    assert shift_places(FOUND, mask(3), 2, up=True).tracks.tolist() == [10, 13, 11, 12, 14]
    assert shift_places(FOUND, mask(1), 2, up=False).tracks.tolist() == [10, 12, 13, 11, 14]
    assert shift_places(FOUND, mask(1), 9, up=True).tracks.tolist() == [11, 10, 12, 13, 14]
    assert shift_places(FOUND, mask(3), 9, up=False).tracks.tolist() == [10, 11, 12, 14, 13]


def test_a_block_moves_as_one() -> None:
    assert shift_places(FOUND, mask(3, 4), 2, up=True).tracks.tolist() == [10, 13, 14, 11, 12]
    assert shift_places(FOUND, mask(1, 3), 1, up=False).tracks.tolist() == [10, 12, 11, 14, 13]


@settings(deadline=None)
@given(candidates(), st.data(), st.integers(1, 9), st.booleans())
def test_moving_keeps_every_track_its_score_and_the_order_within_both_groups(
    found: Candidates, data: st.DataObject, places: int, up: bool
) -> None:
    size = len(found)
    matching = np.array(data.draw(st.lists(st.booleans(), min_size=size, max_size=size)), bool)
    moved = shift_places(found, matching, places, up=up)
    score = dict(zip(found.tracks.tolist(), found.scores.tolist(), strict=True))
    assert {t: score[t] for t in moved.tracks.tolist()} == score
    assert moved.scores.tolist() == [score[t] for t in moved.tracks.tolist()]
    chosen = set(found.tracks[matching].tolist())
    for group in (chosen, set(found.tracks.tolist()) - chosen):
        assert [t for t in moved.tracks.tolist() if t in group] == (
            [t for t in found.tracks.tolist() if t in group]
        )
    place = {t: i for i, t in enumerate(moved.tracks.tolist())}
    for before, track in enumerate(found.tracks.tolist()):
        if track in chosen:
            others = [t for t in found.tracks[:before] if t not in chosen]
            room = len(others) if up else size - len(chosen) - len(others)
            moved_by = before - place[track] if up else place[track] - before
            assert moved_by == min(places, room)
