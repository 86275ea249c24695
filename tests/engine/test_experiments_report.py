"""Reports of experiments, on logs whose answer is known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom, chi2

from engine.experiments import Experiment, Variant
from engine.experiments.duel import duel_report
from engine.experiments.report import split_report


def experiment(*names: str, weights: tuple[float, ...] = (), kind: str = "split") -> Experiment:
    shares = weights or (1.0,) * len(names)
    variants = [Variant(name=n, weight=w) for n, w in zip(names, shares, strict=True)]
    return Experiment(name="exp", kind=kind, variants=tuple(variants))  # type: ignore[arg-type]


def slots_of(rows: list[tuple[str, str, str | None, str | None, int]]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["user_id", "impression_id", "variant", "team", "heard"])
    return frame.assign(explored=False, heard=frame.heard.astype(bool))


class TestSplit:
    def test_by_hand(self) -> None:
        rows = [
            ("ann", "i1", "a", None, 1),
            ("ann", "i1", "a", None, 0),
            ("ann", "i2", "a", None, 0),
            ("bob", "i3", "a", None, 0),
            ("cid", "i4", "b", None, 1),
            ("cid", "i4", "b", None, 1),
        ]
        report = split_report(slots_of(rows), "exp", experiment=experiment("a", "b"))
        a, b = report.variants
        assert (a.users, a.answers, a.impressions, a.listens) == (2, 3, 4, 1)
        assert (b.users, b.answers, b.impressions, b.listens) == (1, 1, 2, 2)
        assert a.rate is not None
        assert b.rate is not None
        assert (a.rate.mean, b.rate.mean) == (0.25, 1.0)
        assert a.difference is None
        assert b.difference is not None
        assert b.difference.mean == 0.75
        assert report.crossed == 0
        # Of 3 users, 1.5 each were expected: chi-square is 2 * 0.5**2 / 1.5 = 1/3.
        assert report.mismatch == pytest.approx(chi2.sf(1 / 3, df=1))
        # In some resamples nobody of one variant is drawn, so nothing bounds its rate.
        assert b.rate.low is None

    def test_a_known_difference_is_found_and_its_interval_holds_it(self) -> None:
        """Of 60 simulated experiments, about 95% of the intervals hold the truth."""
        rng = np.random.default_rng(5)
        truth = {"a": 0.1, "b": 0.13}
        held = 0
        for _ in range(60):
            taste = rng.beta(2, 2, size=400) * 2  # users differ, so their impressions are alike
            users = np.repeat(np.arange(400), 12)
            variant = np.where(np.arange(400) % 2, "b", "a")[users]
            chance = taste[users] * np.vectorize(truth.get)(variant)
            frame = pd.DataFrame(
                {
                    "user_id": users.astype(str),
                    "impression_id": users.astype(str),
                    "variant": variant,
                    "explored": False,
                    "heard": rng.random(users.size) < chance,
                }
            )
            difference = split_report(frame, "exp").variants[1].difference
            assert difference is not None
            assert difference.low is not None
            assert difference.high is not None
            held += difference.low <= 0.03 <= difference.high
        assert held >= 60 - 3 - 7  # 3 misses are expected; 10 or more have a chance of 1e-3
        assert binom.sf(9, 60, 0.05) < 1e-3

    def test_users_that_do_not_fit_the_weights_are_told(self) -> None:
        rows = [(f"u{n}", f"i{n}", "a" if n < 60 else "b", None, 0) for n in range(100)]
        even = split_report(slots_of(rows), "exp", experiment=experiment("a", "b"))
        assert even.mismatch == pytest.approx(chi2.sf(4, df=1))  # (10**2 / 50) twice
        assert not even.mismatched
        fitting = experiment("a", "b", weights=(3, 2))
        assert split_report(slots_of(rows), "exp", experiment=fitting).mismatch == 1
        tilted = split_report(
            slots_of(rows), "exp", experiment=experiment("a", "b", weights=(1, 4))
        )
        assert tilted.mismatched

    def test_who_crossed_counts_for_each(self) -> None:
        rows = [("ann", "i1", "a", None, 0), ("ann", "i2", "b", None, 1)]
        report = split_report(slots_of(rows), "exp")
        assert report.crossed == 1
        assert [v.users for v in report.variants] == [1, 1]
        assert report.mismatch is None

    def test_a_variant_that_was_never_shown_is_listed(self) -> None:
        report = split_report(
            slots_of([("ann", "i1", "b", None, 1)]), "exp", experiment=experiment("a", "b")
        )
        assert [(v.name, v.impressions) for v in report.variants] == [("a", 0), ("b", 1)]
        assert report.variants[0].rate is None


class TestDuel:
    def test_by_hand(self) -> None:
        rows = [
            ("ann", "i1", None, "a", 1),
            ("ann", "i1", None, "b", 1),
            ("ann", "i2", None, "b", 1),  # ann: 1 to 2
            ("bob", "i3", None, "b", 1),  # bob: 0 to 1
            ("bob", "i3", None, "a", 0),
            ("cid", "i4", None, "a", 1),  # cid: 1 to 0
            ("dan", "i5", None, "a", 0),  # dan: a tie
        ]
        of = experiment("a", "b", kind="interleave")
        report = duel_report(slots_of(rows), "exp", experiment=of)
        assert report.teams == ("a", "b")
        assert (report.users, report.answers) == (4, 5)
        assert report.listens == (2, 3)
        assert (report.wins, report.ties) == ((1, 2), 1)
        # (2 + 1/2) / 4 - 1/2
        assert report.preference.mean == 0.125
        # 2 of 3, two-sided: every split of 3 is as extreme, or more.
        assert report.p_value == pytest.approx(1.0)

    def test_the_sign_test_is_exact(self) -> None:
        rows = [(f"u{n}", f"i{n}", None, "b" if n else "a", 1) for n in range(10)]
        report = duel_report(slots_of(rows), "exp")
        # 9 or 10 of 10, or 1 or 0: 2 * (10 + 1) / 2**10.
        assert report.p_value == pytest.approx(22 / 1024)
        assert report.preference.excludes_zero

    def test_without_listens_nothing_is_decided(self) -> None:
        report = duel_report(slots_of([("ann", "i1", None, "a", 0)]), "exp")
        assert (report.p_value, report.ties) == (None, 1)
        assert report.preference.mean == 0

    def test_a_track_of_no_team_counts_for_none(self) -> None:
        slots = slots_of([("ann", "i1", None, None, 1), ("ann", "i1", None, "a", 1)])
        report = duel_report(slots.astype({"team": "string[pyarrow]"}), "exp")
        assert (report.teams, report.listens) == (("a", ""), (1, 0))
