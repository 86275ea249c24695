"""Thompson sampling on some of the slots: which slots, which tracks, and how probably."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.errors import DataError, ParameterError
from ranker.candidates import Candidates
from ranker.explore import (
    DRAWS,
    SlotPolicy,
    UncertainPool,
    explore_slots,
    plan_slots,
    rank_probabilities,
)


def ints(*values: int) -> np.ndarray:
    return np.array(values, np.int32)


def ranked_of(*tracks: int) -> Candidates:
    return Candidates("rrf", ints(*tracks), np.linspace(1, 0.1, len(tracks), dtype=np.float32))


def pool_of(*tracks: int, means: object = 0.0, deviations: object = 1.0) -> UncertainPool:
    size = len(tracks)
    full = [np.array(np.broadcast_to(v, size), np.float64) for v in (means, deviations)]  # type: ignore[arg-type]
    return UncertainPool(ints(*tracks), *full)


def phi(x: float) -> float:
    return 0.5 * (1 + math.erf(x / math.sqrt(2)))


class TestSlots:
    @pytest.mark.parametrize(
        ("n", "share", "expected"),
        [
            (20, 0.1, [9, 19]),
            (20, 0.0, []),
            (4, 1.0, [0, 1, 2, 3]),
            (4, 0.5, [1, 3]),
            (9, 0.1, []),
            (10, 0.1, [9]),
            (30, 0.3, [3, 6, 9, 13, 16, 19, 23, 26, 29]),
            (0, 0.5, []),
        ],
    )
    def test_by_hand(self, n: int, share: float, expected: list[int]) -> None:
        assert explore_slots(n, share).tolist() == expected

    @given(st.integers(0, 60), st.integers(0, 60), st.floats(0, 1))
    def test_a_shorter_answer_is_the_beginning_of_a_longer_one(
        self, n: int, more: int, share: float
    ) -> None:
        longer = explore_slots(n + more, share)
        assert explore_slots(n, share).tolist() == longer[longer < n].tolist()

    @given(st.integers(1, 1000), st.floats(0, 1))
    def test_the_share_is_kept(self, n: int, share: float) -> None:
        assert -1e-6 <= n * share - explore_slots(n, share).size <= 1

    @pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
    def test_other_shares_are_refused(self, share: float) -> None:
        with pytest.raises(ParameterError, match="`explore` must be from 0 to 1"):
            explore_slots(5, share)


class TestPlan:
    def test_the_ranking_stands_around_the_explored_slots(self) -> None:
        policy = plan_slots(ranked_of(9, 8, 7, 6, 5), pool_of(1, 2), n=4, share=0.5)
        assert policy.slots.tolist() == [1, 3]
        assert policy.ranked.tracks.tolist() == [9, 7]
        assert policy.fill(ints(1, 0)).tolist() == [9, 2, 7, 1]

    def test_what_is_shown_anyway_is_not_explored(self) -> None:
        policy = plan_slots(ranked_of(1, 2, 3, 4), pool_of(1, 4, 7), n=4, share=0.25)
        assert policy.slots.tolist() == [3]
        assert policy.ranked.tracks.tolist() == [1, 2, 3]
        assert policy.pool.tracks.tolist() == [4, 7]  # the slot of track 4 is the explored one

    def test_slots_without_an_uncertain_track_go_to_the_ranking(self) -> None:
        policy = plan_slots(ranked_of(9, 8, 7, 6), pool_of(1), n=4, share=1.0)
        assert policy.slots.tolist() == [0]
        assert policy.ranked.tracks.tolist() == [8, 7, 6]
        # Track 8 is where the ranking takes a slot back, so nothing is left to explore.
        assert plan_slots(ranked_of(9, 8), pool_of(8), n=2, share=1.0).slots.size == 0
        assert plan_slots(ranked_of(9, 8), pool_of(), n=2, share=1.0).slots.size == 0

    def test_of_too_few_tracks_all_are_shown(self) -> None:
        policy = plan_slots(ranked_of(9, 8), pool_of(8, 1), n=10, share=0.4)
        assert sorted(policy.fill(policy.draw(np.random.default_rng(0))).tolist()) == [1, 8, 9]

    def test_without_a_share_the_ranking_stands(self) -> None:
        policy = plan_slots(ranked_of(9, 8, 7), pool_of(1), n=2, share=0.0)
        assert policy.fill(ints()).tolist() == [9, 8]

    @given(
        st.lists(st.integers(0, 30), unique=True, max_size=20),
        st.lists(st.integers(0, 30), unique=True, max_size=10),
        st.integers(1, 25),
        st.floats(0, 1),
        st.integers(0, 5),
    )
    def test_every_slot_has_one_track_and_no_track_two(
        self, ranked: list[int], pool: list[int], n: int, share: float, seed: int
    ) -> None:
        policy = plan_slots(ranked_of(*ranked), pool_of(*pool), n=n, share=share)
        tracks = policy.fill(policy.draw(np.random.default_rng(seed)))
        assert len(set(tracks.tolist())) == tracks.size == min(n, len({*ranked, *pool}))
        assert set(tracks.tolist()) <= {*ranked, *pool}
        assert set(tracks[policy.slots].tolist()) <= set(pool)
        assert policy.slots.size <= explore_slots(n, share).size
        assert (policy.probabilities(tracks) > 0).all()


class TestProbabilities:
    @pytest.mark.parametrize(
        ("means", "deviations"), [((0, 0), (1, 1)), ((0.3, 0.1), (0.2, 0.5)), ((1, 0), (0.5, 0.1))]
    )
    def test_of_two_tracks_follow_from_their_difference(
        self, means: tuple[float, float], deviations: tuple[float, float]
    ) -> None:
        pool = pool_of(5, 6, means=means, deviations=deviations)
        first = phi((means[0] - means[1]) / math.hypot(*deviations))
        found = rank_probabilities(pool, ints(0, 1, 0, 1), ints(0, 0, 1, 1))
        assert found == pytest.approx([first, 1 - first, 1 - first, first], abs=1e-6)

    @pytest.mark.parametrize("size", [1, 3, 7])
    def test_of_equals_are_equal_at_every_rank(self, size: int) -> None:
        pool = pool_of(*range(size), means=0.4, deviations=0.2)
        every = np.arange(size, dtype=np.int32)
        for rank in range(size):
            found = rank_probabilities(pool, every, np.full(size, rank, np.int32))
            assert found == pytest.approx(1 / size, abs=1e-6)

    def test_add_up_over_tracks_and_over_ranks(self) -> None:
        rng = np.random.default_rng(3)
        pool = pool_of(*range(8), means=rng.normal(size=8), deviations=rng.uniform(0.3, 1, 8))
        rows, ranks = (a.ravel().astype(np.int32) for a in np.indices((8, 8)))
        table = rank_probabilities(pool, rows, ranks).reshape(8, 8)
        assert table.sum(axis=0) == pytest.approx(1, abs=1e-5)
        assert table.sum(axis=1) == pytest.approx(1, abs=1e-5)

    def test_agree_with_what_is_drawn(self) -> None:
        rng = np.random.default_rng(4)
        pool = pool_of(*range(6), means=rng.normal(size=6), deviations=rng.uniform(0.3, 1, 6))
        policy = SlotPolicy(ranked_of(), ints(0, 1, 2), pool)
        draws = 20_000
        drawn = np.array([policy.draw(rng) for _ in range(draws)])
        for rank in range(3):
            exact = rank_probabilities(
                pool, np.arange(6, dtype=np.int32), np.full(6, rank, np.int32)
            )
            seen = np.bincount(drawn[:, rank], minlength=6) / draws
            assert np.abs(seen - exact).max() < 4 * 0.5 / math.sqrt(draws)

    def test_of_late_ranks_are_counted(self) -> None:
        size = 20
        pool = pool_of(*range(size))
        found = rank_probabilities(pool, ints(3, 4), ints(16, 19))
        assert np.abs(found - 1 / size).max() < 5 * math.sqrt(0.05 * 0.95 / DRAWS)
        hopeless = pool_of(*range(size), means=[*range(size)], deviations=0.01)
        assert rank_probabilities(hopeless, ints(19), ints(19)) == pytest.approx(1 / (DRAWS + 1))

    def test_of_what_is_certain(self) -> None:
        pool = pool_of(1, 2, means=(1.0, 0.0), deviations=0.0)
        assert rank_probabilities(pool, ints(0), ints(0)) == pytest.approx(1)
        tied = pool_of(1, 2, means=1.0, deviations=0.0)
        assert rank_probabilities(tied, ints(0), ints(0)) == pytest.approx(0.5)

    def test_of_an_answer(self) -> None:
        policy = SlotPolicy(ranked_of(9, 8), ints(1), pool_of(1, 2))
        assert policy.probabilities(ints(9, 1, 8)) == pytest.approx([1, 0.5, 1], abs=1e-6)
        assert policy.probabilities(ints(8, 9, 8)).tolist() == [0, 0, 1]
        assert policy.probabilities(ints(-1, 2)) == pytest.approx([0, 0.5], abs=1e-6)
        assert policy.probabilities(ints(9, 1, 8, 7, -1))[3:].tolist() == [0, 0]
        assert policy.probabilities(ints()).size == 0


class TestThompson:
    def test_the_same_generator_draws_the_same(self) -> None:
        policy = SlotPolicy(ranked_of(), ints(0, 1), pool_of(*range(50)))
        draws = [policy.draw(np.random.default_rng(7)).tolist() for _ in range(2)]
        assert draws[0] == draws[1]
        assert draws[0] != policy.draw(np.random.default_rng(8)).tolist()

    def test_prefers_what_is_thought_to_be_better_and_tries_what_is_uncertain(self) -> None:
        pool = pool_of(0, 1, 2, means=(0.5, 0.0, 0.0), deviations=(0.1, 0.1, 1.0))
        chances = rank_probabilities(pool, ints(0, 1, 2), ints(0, 0, 0))
        assert chances[0] > 0.5 > chances[2] > 0.2 > 0.01 > chances[1]

    def test_the_head_is_by_what_a_score_may_be(self) -> None:
        pool = pool_of(0, 1, 2, means=(0.5, 0.0, 0.4), deviations=(0.0, 0.3, 0.0))
        assert pool.head(2).tracks.tolist() == [1, 0]


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ((ints(1), np.zeros(2), np.ones(1)), "differ in length"),
        ((ints(1), np.array([np.nan]), np.ones(1)), "not finite"),
        ((ints(1), np.zeros(1), -np.ones(1)), "below zero"),
    ],
)
def test_wrong_pools_are_refused(arrays: tuple[np.ndarray, ...], message: str) -> None:
    with pytest.raises(DataError, match=message):
        UncertainPool(*arrays)
