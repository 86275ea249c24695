"""Off-policy estimates: by hand, and on simulated logs whose truth is known."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from data.errors import DataError, ParameterError
from engine.offpolicy.estimators import SlotSamples, policy_value
from engine.offpolicy.reward import PRIOR_SLOTS, cells, cross_fitted
from ranker.candidates import Candidates
from ranker.explore import UncertainPool, plan_slots


def floats(*values: float) -> np.ndarray:
    return np.array(values, np.float64)


def by_hand() -> SlotSamples:
    return SlotSamples(
        rewards=floats(1, 0, 1, 0),
        logged=floats(0.5, 0.5, 0.25, 1.0),
        target=floats(1.0, 0.0, 0.5, 1.0),
        modelled=floats(0.5, 0.5, 0.5, 0.25),
        expected=floats(0.5, 0.25, 0.5, 0.25),
        users=np.array([0, 0, 1, 2]),
    )


class TestByHand:
    def test_every_estimate(self) -> None:
        value = policy_value(by_hand())
        # The weights are 2, 0, 2, 1.
        assert value.logged.mean == 0.5
        assert value.ips.mean == (2 + 2) / 4
        assert value.snips is not None
        assert value.snips.mean == 4 / 5
        # 0.5 + 2 * 0.5, 0.25, 0.5 + 2 * 0.5, 0.25 - 0.25
        assert value.dr.mean == (1.5 + 0.25 + 1.5 + 0.0) / 4
        assert value.gain.mean == value.dr.mean - 0.5
        assert value.supported.mean == 5 / 4
        assert value.effective == 25 / 9
        assert (value.slots, value.users) == (4, 3)
        assert (value.clipped, value.heaviest) == (0.0, 2.0)

    def test_clipped(self) -> None:
        value = policy_value(by_hand(), clip=1.5)
        assert value.ips.mean == 3 / 4
        assert value.snips is not None
        assert value.snips.mean == 3 / 4  # weights 1.5, 0, 1.5, 1
        assert value.dr.mean == (1.25 + 0.25 + 1.25 + 0.0) / 4
        assert value.clipped == 0.5
        assert value.heaviest == 2.0
        assert value.supported.mean == 5 / 4  # of the weights as they are

    def test_the_log_itself_is_its_own_value(self) -> None:
        samples = by_hand()
        same = replace(samples, target=samples.logged, expected=samples.modelled)
        value = policy_value(same)
        assert value.ips == value.snips == value.logged
        assert value.dr.mean == pytest.approx(0.5)
        assert value.effective == 4

    def test_without_support_only_the_model_speaks(self) -> None:
        value = policy_value(replace(by_hand(), target=np.zeros(4)))
        assert value.ips.mean == 0
        assert value.snips is None
        assert value.dr.mean == (0.5 + 0.25 + 0.5 + 0.25) / 4
        assert (value.effective, value.supported.mean) == (0, 0)


class TestUnbiased:
    """Two slots, three tracks: every log that can happen, weighted by how probable it is."""

    MU = floats(0.5, 0.3, 0.2)
    PI = floats(0.1, 0.0, 0.9)
    RATE = floats(0.2, 0.6, 0.7)
    MODEL = floats(0.4, 0.1, 0.9)  # wrong on purpose

    def expectation(self, name: str) -> float:
        total = 0.0
        for tracks in product(range(3), repeat=2):
            for rewards in product((0, 1), repeat=2):
                chance = 1.0
                for track, reward in zip(tracks, rewards, strict=True):
                    rate = self.RATE[track]
                    chance *= self.MU[track] * (rate if reward else 1 - rate)
                shown = np.array(tracks)
                samples = SlotSamples(
                    rewards=floats(*rewards),
                    logged=self.MU[shown],
                    target=self.PI[shown],
                    modelled=self.MODEL[shown],
                    expected=np.full(2, self.PI @ self.MODEL),
                    users=np.arange(2),
                )
                value = policy_value(samples, clip=float("inf"), resamples=2)
                total += chance * getattr(value, name).mean
        return total

    @pytest.mark.parametrize("name", ["ips", "dr"])
    def test_exactly(self, name: str) -> None:
        assert self.expectation(name) == pytest.approx(self.PI @ self.RATE)  # 0.65

    def test_the_log_and_the_support_too(self) -> None:
        assert self.expectation("logged") == pytest.approx(self.MU @ self.RATE)
        assert self.expectation("supported") == pytest.approx(1.0)


class TestOnASimulatedLog:
    """Thompson sampling logs; a ranking without exploration, but of other tracks, is estimated."""

    USERS, ANSWERS = 400, 3
    TRACKS = 12
    EXPLORED, TARGET = 1, 5  # the slot, and the track that the target shows in it

    def simulated(self, seed: int) -> tuple[SlotSamples, float]:
        rng = np.random.default_rng(seed)
        appeal = np.linspace(0.05, 0.6, self.TRACKS)
        pool = UncertainPool(
            np.arange(4, self.TRACKS, dtype=np.int32), 0.2 * appeal[4:], np.full(8, 0.15)
        )
        ranked = Candidates("rrf", np.arange(4, dtype=np.int32), np.ones(4, np.float32))
        logged = plan_slots(ranked, pool, n=2, share=0.5)
        assert logged.slots.tolist() == [1]
        chance = np.ones((2, self.TRACKS))
        for track in range(4, self.TRACKS):
            chance[1, track] = logged.probabilities(np.array([0, track], np.int32))[1]
        assert chance[1, 4:].sum() == pytest.approx(1, abs=1e-6)
        rows: list[tuple[float, float, float, int, int]] = []
        target = np.array([0, self.TARGET], np.int32)
        for user in range(self.USERS):
            mood = rng.uniform(0.5, 1.5)
            for _ in range(self.ANSWERS):
                tracks = logged.fill(logged.draw(rng))
                heard = rng.random(2) < mood * appeal[tracks]
                for at in range(2):
                    same = float(tracks[at] == target[at])
                    rows.append((float(heard[at]), chance[at, tracks[at]], same, user, at))
        rewards, mu, pi, users, slot = (np.array(c) for c in zip(*rows, strict=True))
        shown = cells(slot + 1, np.where(pi > 0, 8, 1))
        wanted = cells(slot + 1, np.full(slot.size, 8))
        modelled, expected = cross_fitted(rewards, shown, wanted=wanted, users=users)
        samples = SlotSamples(rewards, mu, pi, modelled, expected, users)
        return samples, float(appeal[target].mean())  # the mood of all is 1 on average

    def test_the_truth_is_found_on_average(self) -> None:
        values = {"ips": [], "snips": [], "dr": []}  # type: dict[str, list[float]]
        for seed in range(40):
            samples, truth = self.simulated(seed)
            value = policy_value(samples, clip=float("inf"), resamples=2)
            for name, found in values.items():
                found.append(getattr(value, name).mean)
        for name, found in values.items():
            error = np.std(found, ddof=1) / np.sqrt(len(found))
            tolerance = 4 * error + (0.005 if name == "snips" else 0)  # a ratio: biased by O(1/m)
            assert abs(np.mean(found) - truth) < tolerance, name
        assert np.std(values["dr"]) < np.std(values["ips"])

    def test_intervals_hold_the_truth_as_often_as_they_say(self) -> None:
        held = {"ips": 0, "dr": 0}
        for seed in range(40):
            samples, truth = self.simulated(100 + seed)
            value = policy_value(samples, clip=float("inf"), resamples=200)
            for name in held:
                found = getattr(value, name)
                held[name] += found.low <= truth <= found.high
        assert min(held.values()) >= 33  # 38 are expected; fewer than 33 have a chance of 1e-3


class TestRewardModel:
    def test_cells_are_powers_of_two(self) -> None:
        positions, listeners = np.array([1, 2, 3, 4, 5, 8]), np.zeros(6)
        assert (cells(positions, listeners) // 64).tolist() == [0, 1, 2, 2, 3, 3]
        assert cells(np.ones(5, int), floats(0, 1, 2, 3, 7)).tolist() == [0, 1, 2, 2, 3]

    def test_says_what_other_users_did(self) -> None:
        rewards, users = floats(1, 1, 0, 0), np.array([7, 7, 9, 9])
        shown = np.array([3, 3, 3, 3])
        modelled, expected = cross_fitted(
            rewards, shown, wanted=np.array([3, 5, -1, 3]), users=users
        )
        assert modelled.tolist() == [0, 0, 1, 1]  # each user as the other one did
        assert expected.tolist() == [0, 0, 0, 1]

    def test_is_drawn_towards_the_mean(self) -> None:
        rewards = floats(*[1, 0] * 10, 1)
        users = np.array([0] * 20 + [1])
        shown = np.array([1] * 10 + [2] * 10 + [1])
        wanted = np.full(21, 1)
        _, expected = cross_fitted(rewards, shown, wanted=wanted, users=users)
        assert expected[-1] == pytest.approx((5 + PRIOR_SLOTS * 0.5) / (10 + PRIOR_SLOTS))

    def test_of_one_user_alone(self) -> None:
        modelled, _ = cross_fitted(
            floats(1, 0), np.array([1, 1]), wanted=np.array([1, 1]), users=np.array([4, 4])
        )
        assert modelled.tolist() == [0.5, 0.5]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rewards": floats(1)}, "differ in length"),
        ({"logged": floats(0, 1, 1, 1)}, "above 0, up to 1"),
        ({"target": floats(2, 1, 1, 1)}, "from 0 to 1"),
    ],
)
def test_wrong_logs_are_refused(change: dict[str, np.ndarray], message: str) -> None:
    with pytest.raises(DataError, match=message):
        replace(by_hand(), **change)  # type: ignore[arg-type]


def test_nothing_and_a_wrong_clip_are_refused() -> None:
    none = SlotSamples(*[floats()] * 5, np.empty(0, np.int64))
    with pytest.raises(DataError, match="need logged slots"):
        policy_value(none)
    with pytest.raises(ParameterError, match="`clip` must be above zero"):
        policy_value(by_hand(), clip=0)
