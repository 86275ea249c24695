from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ranker.interleave import Draft, team_draft


def draft(first: list[int], second: list[int], n: int, *, coins: list[int]) -> Draft:
    class Coins:
        def integers(self, _: int, *, size: int) -> np.ndarray:
            return np.array((coins + [0] * size)[:size])

    return team_draft(
        np.array(first, np.int32),
        np.array(second, np.int32),
        n=n,
        rng=Coins(),  # type: ignore[arg-type]
    )


@pytest.mark.parametrize(
    ("coins", "tracks", "teams"),
    [
        ([0, 0], [1, 2, 3, 4], [0, 1, 0, 1]),  # second's 1 is gone, so it takes 2
        ([1, 0], [1, 2, 3, 4], [1, 0, 0, 1]),
        ([0, 1], [1, 2, 4, 3], [0, 1, 1, 0]),
    ],
)
def test_by_hand(coins: list[int], tracks: list[int], teams: list[int]) -> None:
    found = draft([1, 2, 3], [1, 2, 4], 4, coins=coins)
    assert found.tracks.tolist() == tracks
    assert found.teams.tolist() == teams


def test_a_short_ranking_is_passed_over() -> None:
    found = draft([1], [1, 2, 3], 3, coins=[0, 0, 0])
    assert found.tracks.tolist() == [1, 2, 3]
    assert found.teams.tolist() == [0, 1, 1]
    assert draft([], [], 3, coins=[]).tracks.size == 0


rankings = st.lists(st.integers(0, 20), unique=True, max_size=15)


@given(rankings, rankings, st.integers(0, 40), st.integers(0, 5))
def test_holds_the_best_of_both_and_nothing_twice(
    first: list[int], second: list[int], n: int, seed: int
) -> None:
    arrays = [np.array(r, np.int32) for r in (first, second)]
    found = team_draft(*arrays, n=n, rng=np.random.default_rng(seed))
    tracks = found.tracks.tolist()
    assert len(set(tracks)) == len(tracks) == len(found.teams)
    assert len(tracks) == min(n, len({*first, *second}))
    for ranking, team in ((first, 0), (second, 1)):
        # Each team holds its tracks in the order of its ranking.
        own = [ranking.index(t) for t, of in zip(tracks, found.teams, strict=True) if of == team]
        assert own == sorted(own)
    # While neither ranking can have run out, each round gives both one pick.
    full = min(len(tracks), len(first), len(second)) // 2
    assert all(found.teams[2 * r] != found.teams[2 * r + 1] for r in range(full))


def test_neither_team_is_favoured() -> None:
    first, second = np.arange(10, dtype=np.int32), np.arange(10, 20, dtype=np.int32)
    rng = np.random.default_rng(1)
    led = sum(int(team_draft(first, second, n=10, rng=rng).teams[0]) for _ in range(4_000))
    assert abs(led - 2_000) < 4 * 32  # four standard deviations of a fair coin
