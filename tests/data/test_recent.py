import numpy as np
import pytest

from data.recent import recent_listeners
from tests.data.test_splits import log

DAY = 86_400


def test_a_listener_counts_half_for_each_half_life_since():
    # The last play of all is on day 28. Track 0: users 0 and 1 on days 28 and 14; track 1: user 0
    # on day 0; track 2: user 2 on day 28, nobody played track 3.
    rows = [(0, 0, 5, 28), (1, 0, 1, 14), (0, 1, 1, 0), (2, 2, 1, 28)]
    plays = log([(u, t, n, day * DAY) for u, t, n, day in rows], tracks=4)
    found = recent_listeners(plays)
    assert found.dtype == np.float32
    assert found.tolist() == [1.5, 0.25, 1, 0]
    np.testing.assert_allclose(
        recent_listeners(plays, half_life_days=28), [1 + 0.5**0.5, 0.5, 1, 0], rtol=1e-6
    )


def test_the_last_of_several_plays_counts_and_counts_once():
    plays = log([(0, 0, 9, 0), (0, 0, 1, 28 * DAY), (0, 0, 2, 14 * DAY), (1, 1, 1, 14 * DAY)])
    assert recent_listeners(plays).tolist() == [1, 0.5, 0, 0, 0]


def test_a_play_of_unknown_time_is_left_out():
    plays = log([(0, 0, 1, -1), (1, 0, 1, 5), (2, 1, 1, -1)])
    assert recent_listeners(plays).tolist() == [1, 0, 0, 0, 0]


@pytest.mark.parametrize("rows", [[], [(0, 0, 1, -1), (1, 2, 1, -1)]])
def test_without_times_nothing_is_recent(rows):
    assert recent_listeners(log(rows)) is None
