from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cf_model import CFConfig
from data import ParameterError
from engine.tuning import SEARCHED, Limits, Plan, Space, Stop, Trial
from engine.tuning.estimator import ask
from engine.tuning.plan import _since_best
from engine.tuning.trials import Params, best_of
from tests.engine.tuning_world import equal_counts, sample_plays

SIZE = (1000, 5000, 50_000)


def trial(params: Params, value: float | None, seconds: float = 1.0, fault: str = "") -> Trial:
    return Trial(params=params, value=value, seconds=seconds, training=seconds, fault=fault)


@pytest.fixture(scope="module")
def space() -> Space:
    """What a home with some hundred users and tracks would search."""
    small = Space.of(CFConfig(), sample_plays()[1])
    bounds = type(small.distributions["factors"])(16, 512, log=True)
    return Space(small.base, {**small.distributions, "factors": bounds})


def plan(space: Space, **limits: float) -> Plan:
    return Plan(space, Limits(**limits), SIZE)  # type: ignore[arg-type]


class TestSpace:
    def test_everything_is_searched_by_default(self) -> None:
        space = Space.of(CFConfig(), sample_plays()[1])
        assert set(space.distributions) == set(SEARCHED)
        assert space.first == {name: getattr(CFConfig(), name) for name in SEARCHED}

    def test_what_was_given_is_fixed_even_at_its_default(self) -> None:
        config = CFConfig.model_validate({"alpha": 8.0, "threads": 2})
        space = Space.of(config, sample_plays()[1])
        assert set(space.distributions) == set(SEARCHED) - {"alpha"}
        assert space.config({"factors": 16}).threads == 2

    def test_there_are_no_more_factors_than_users_or_tracks_with_plays(self) -> None:
        _, plays = sample_plays()
        played = len(set(plays.track.tolist()))
        assert played < 48 < len(plays.users)
        assert Space.of(CFConfig(), plays).distributions["factors"].high == played  # type: ignore[attr-defined]

    def test_confidences_of_equal_counts_are_not_told_apart(self) -> None:
        space = Space.of(CFConfig(), equal_counts()[1])
        bounds = space.distributions.get("confidence")
        choices = set() if bounds is None else set(bounds.choices)  # type: ignore[attr-defined]
        assert not choices & {"binary", "linear"}

    def test_the_first_start_is_the_settings_as_they_are(self, space: Space) -> None:
        starts = space.starts()
        assert starts[0] == space.first
        assert len(starts) > 2
        assert all(set(start) == set(space.distributions) for start in starts)
        assert all(starts.count(start) == 1 for start in starts)

    def test_a_fixed_setting_is_in_no_start(self) -> None:
        space = Space.of(CFConfig(confidence="log"), sample_plays()[1])
        assert all("confidence" not in start for start in space.starts())
        assert all(space.config(start).confidence == "log" for start in space.starts())

    def test_what_values_depend_on_is_described(self) -> None:
        _, plays = sample_plays()
        as_is = Space.of(CFConfig(), plays).describe()
        assert Space.of(CFConfig(threads=2), plays).describe() == as_is
        for other in (CFConfig(seed=1), CFConfig(alpha=8.0), CFConfig(factors=8)):
            assert Space.of(other, plays).describe() != as_is


class TestEstimator:
    @settings(max_examples=20, deadline=None)
    @given(
        values=st.lists(st.floats(0, 1), max_size=20),
        seed=st.integers(0, 2**40),
        factors=st.integers(1, 600),
    )
    def test_asks_within_the_bounds_the_same_for_the_same_trials(
        self, space: Space, values: list[float], seed: int, factors: int
    ) -> None:
        narrow = space.up_to(factors)
        known: list[Trial] = []
        for at, value in enumerate(values):
            known.append(trial(ask(space, known[:3], seed=at), value))
        asked = ask(narrow, known, seed=seed)
        assert set(asked) == set(space.distributions)
        assert narrow.holds(asked)
        assert 16 <= int(asked["factors"]) <= max(16, min(factors, 512))
        assert asked == ask(narrow, known, seed=seed)
        narrow.config(asked)  # is valid

    def test_learns(self, space: Space) -> None:
        """Where more is better, later trials are wider than those drawn at random."""
        known: list[Trial] = []
        for at in range(30):
            params = ask(space, known, seed=at)
            known.append(trial(params, int(params["factors"]) / 512))
        widths = [int(t.params["factors"]) for t in known]
        assert sum(widths[20:]) > 1.5 * sum(widths[:10])

    def test_trials_without_a_value_and_outside_are_left_out(self, space: Space) -> None:
        outside = trial({**space.first, "factors": 1000}, 0.9)
        cut = trial(space.first, None, fault="the time was over")
        assert ask(space, [outside, cut], seed=1) == ask(space, [], seed=1)


class TestPlan:
    def test_begins_with_the_settings_as_they_are_then_the_starts(self, space: Space) -> None:
        known: list[Trial] = []
        for start in space.starts():
            assert plan(space).next([], known) == start
            known.append(trial(start, 0.1))
        assert plan(space).next([], known) not in space.starts()

    def explored(self, space: Space, *, best: Params, seconds: float = 1.0) -> list[Trial]:
        starts = [
            trial(start, 0.1, seconds * (int(start["factors"]) / 64) ** 2)
            for start in space.starts()
        ]
        return [*starts, trial(best, 0.5, seconds)]

    def test_explores_where_a_trial_is_cheap(self, space: Space) -> None:
        """At 64 factors a trial takes 2 s of 120, more than a fortieth: no wider one is drawn."""
        known = self.explored(space, best={**space.first, "alpha": 3.0}, seconds=2.0)
        known = known[:-1]
        assert sum(one.seconds for one in known) < 60
        for at in range(12):
            some = Plan(space, Limits(), SIZE, seed=at)
            asked = some.next([], known)
            assert isinstance(asked, dict)
            assert int(asked["factors"]) <= 64

    def test_explores_wider_where_there_is_time(self, space: Space) -> None:
        known = [trial(start, 0.1, 0.01) for start in space.starts()]
        asked = [Plan(space, Limits(), SIZE, seed=at).next([], known) for at in range(12)]
        assert any(int(params["factors"]) > 64 for params in asked if isinstance(params, dict))

    def test_then_doubles_the_factors_of_the_best(self, space: Space) -> None:
        best = {**space.first, "alpha": 3.0, "factors": 100}
        known = self.explored(space, best=best, seconds=1.0)
        some = plan(space, seconds=1000, trials=2 * len(known))  # half of the trials are over
        assert some.next([], known) == {**best, "factors": 200}
        wider = trial({**best, "factors": 200}, 0.6)
        assert some.next([], [*known, wider]) == {**best, "factors": 400}
        widest = [*known, wider, trial({**best, "factors": 400}, 0.7)]
        assert some.next([], widest) == {**best, "factors": 512}

    def test_does_not_double_again_what_did_not_help(self, space: Space) -> None:
        best = {**space.first, "alpha": 3.0, "factors": 100}
        known = self.explored(space, best=best)
        known.append(trial({**best, "factors": 200}, 0.4))
        asked = plan(space, seconds=1000, trials=2 * len(known)).next([], known)
        assert isinstance(asked, dict)
        assert asked not in [t.params for t in known]
        assert int(asked["factors"]) <= 200

    def test_a_trial_that_would_outlast_the_time_has_fewer_factors(self, space: Space) -> None:
        """200 factors take some 10 s by the 2.5 s of 100 factors; 4 s are left."""
        best = {**space.first, "alpha": 3.0, "factors": 100}
        known = self.explored(space, best=best, seconds=2.5)
        used = sum(t.seconds for t in known)
        some = plan(space, seconds=used + 4, trials=2 * len(known))
        assert some.expected({**best, "factors": 200}, known) > 4
        asked = some.next([], known)
        assert isinstance(asked, dict)
        assert some.expected(asked, known) <= 4

    def test_only_training_grows_with_the_factors(self, space: Space) -> None:
        """1,000 users, 5,000 tracks, 50,000 pairs; 15 sweeps: 6,000 x 10 x f^2 + 32 x 50,000 f."""
        params = {**space.first, "factors": 100}
        known = [Trial(params=params, value=0.1, seconds=5.0, training=3.0)]
        work = {f: 60_000 * f**2 + 1_600_000 * f for f in (100, 200)}
        expected = plan(space).expected({**params, "factors": 200}, known)
        assert expected == pytest.approx(2.0 + 3.0 * work[200] / work[100])

    def test_ends_where_not_even_the_narrowest_fits(self, space: Space) -> None:
        known = self.explored(space, best={**space.first, "alpha": 3.0}, seconds=50.0)
        used = sum(t.seconds for t in known)
        assert plan(space, seconds=used + 0.001).next([], known) == Stop("time")

    def test_ends_when_the_time_is_over(self, space: Space) -> None:
        assert plan(space, seconds=10).next([], [trial(space.first, 0.1, 10.5)]) == Stop("time")

    def test_ends_after_the_most_trials(self, space: Space) -> None:
        known = [trial(space.first, 0.1, 0.1)] * 5
        assert plan(space, trials=5).next([], known) == Stop("trials")

    def test_ends_without_gain(self, space: Space) -> None:
        known = [trial({**space.first, "alpha": 1.0 + at}, 0.5 - at / 100, 0.1) for at in range(6)]
        assert plan(space, stale=6).next([], known) != Stop("no gain")
        assert plan(space, stale=5).next([], known) == Stop("no gain")

    def test_ends_when_all_was_tried(self) -> None:
        space = Space.of(CFConfig(), sample_plays()[1])
        one = Space(space.base, {"iterations": type(space.distributions["iterations"])(15, 15)})
        assert plan(one).next([], [trial({"iterations": 15}, 0.1)]) == Stop("all tried")

    def test_ends_with_a_first_trial_that_failed(self, space: Space) -> None:
        known = [trial(space.first, None, fault="ALS overflowed")]
        assert plan(space).next([], known) == Stop("ALS overflowed")

    def test_earlier_trials_are_known_and_not_counted(self, space: Space) -> None:
        earlier = [trial(start, 0.1, 100.0) for start in space.starts()]
        asked = plan(space, trials=3, stale=2).next(earlier, [])
        assert isinstance(asked, dict)
        assert asked not in space.starts()

    @given(values=st.lists(st.floats(0, 1), min_size=1, max_size=12), cut=st.integers(0, 12))
    def test_counts_trials_since_the_best(self, values: list[float], cut: int) -> None:
        known = [trial({"alpha": 1.0}, value) for value in values]
        best = best_of(known)
        assert best == values.index(max(values))
        mine = known[min(cut, len(known)) :]
        assert _since_best(known, mine) == min(len(known) - 1 - best, len(mine))

    @pytest.mark.parametrize(
        "limits",
        [
            {"seconds": 0.0},
            {"seconds": float("nan")},
            {"seconds": float("inf")},
            {"trials": 0},
            {"stale": -1},
        ],
    )
    def test_limits_are_above_zero(self, limits: dict[str, float]) -> None:
        with pytest.raises(ParameterError, match=next(iter(limits))):
            Limits(**limits)  # type: ignore[arg-type]
