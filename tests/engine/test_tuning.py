from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from cf_model import CFConfig, train_als
from data import DataError, ParameterError
from engine.home import Home
from engine.tuning import (
    SEARCHED,
    Limits,
    Trial,
    TrialLog,
    Tuning,
    Validation,
    Wish,
    tune,
    tuned_config,
)
from tests.engine.conftest import make_catalog, make_plays
from tests.engine.tuning_world import equal_counts, sample_plays

FEW = Limits(seconds=600, trials=7)
ROOT = Path(__file__).parents[2]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home").create()


@pytest.fixture(scope="module")
def uninterrupted() -> Tuning:
    catalog, plays = sample_plays()
    return tune(plays, CFConfig(), catalog=catalog, limits=FEW)


def outcome(tuning: Tuning) -> list[tuple[object, ...]]:
    """What must be the same whenever a search is made again: all but times."""
    return [(t.params, t.value, t.low, t.fault) for t in tuning.trials]


def kept(home: Home) -> Tuning:
    found = Tuning.load(home.root / "tuning.json")
    assert found is not None
    return found


class TestValidation:
    def test_scores_the_users_by_a_full_ranking(self) -> None:
        """The same by loops, for every user."""
        catalog, plays = sample_plays()
        task = Validation.of(plays, catalog).task
        config = CFConfig(factors=8, iterations=3)
        values = Validation(task).score(config)
        model = train_als(task.train, config, rng=np.random.default_rng(0))
        heard = np.flatnonzero(model.item_factors.any(axis=1))
        seen = task.train.matrix()
        for row, user in enumerate(task.users):
            scores = {t: model.user_factors[user] @ model.item_factors[t] for t in heard}
            for track in seen[user].indices:
                scores.pop(track)
            ranked = sorted(scores, key=scores.__getitem__, reverse=True)
            wanted = set(task.held_out[row].indices)
            gain = sum(1 / math.log2(at + 2) for at, t in enumerate(ranked[:20]) if t in wanted)
            ideal = sum(1 / math.log2(at + 2) for at in range(min(20, len(wanted))))
            if len(ranked) >= 20:  # else tracks that nobody heard fill the list
                assert values[row] == pytest.approx(gain / ideal)

    def test_splits_by_time_where_there_are_times(self) -> None:
        catalog, plays = sample_plays()
        assert Validation.of(plays, catalog).task.protocol == "temporal"
        assert Validation.of(plays, catalog, protocol="random").task.protocol == "random"
        catalog, plays = equal_counts()
        assert Validation.of(plays, catalog).task.protocol == "random"

    def test_nothing_held_out_is_learnt_from(self) -> None:
        catalog, plays = sample_plays()
        task = Validation.of(plays, catalog, protocol="random").task
        known = task.train.matrix()[task.users].astype(bool)
        assert known.multiply(task.held_out).nnz == 0

    def test_many_plays_are_sampled_by_user(self, monkeypatch: pytest.MonkeyPatch) -> None:
        catalog, plays = sample_plays()
        monkeypatch.setattr("engine.tuning.validation._MAX_PAIRS", 500)
        task = Validation.of(plays, catalog, protocol="random").task
        both = task.train.matrix()[task.users].getnnz(1) + task.held_out.getnnz(1)
        whole = plays.matrix()[task.users].getnnz(1)
        assert both.tolist() == whole.tolist()  # all of a user or nothing
        assert 400 < both.sum() <= 500

    def test_few_users_are_asked_of_a_wide_catalogue(self, monkeypatch: pytest.MonkeyPatch) -> None:
        catalog, plays = sample_plays()
        monkeypatch.setattr("engine.tuning.validation._MAX_SCORES", 48 * 25)
        task = Validation.of(plays, catalog).task
        assert len(task) == 25
        assert task.history.shape == task.held_out.shape == (25, 48)
        assert len(task.start) == 25
        assert Validation(task).score(CFConfig(factors=4, iterations=2)).shape == (25,)

    def test_too_few_users_are_an_error(self) -> None:
        catalog = make_catalog()
        with pytest.raises(DataError, match=r"too few plays .* 20 are needed"):
            Validation.of(make_plays(catalog), catalog)

    def test_an_unknown_protocol_is_an_error(self) -> None:
        catalog, plays = sample_plays()
        with pytest.raises(ParameterError, match="lunar"):
            Validation.of(plays, catalog, protocol="lunar")


class TestSearch:
    def test_begins_with_the_settings_as_they_are(self, uninterrupted: Tuning) -> None:
        first = CFConfig()
        assert uninterrupted.first.params == {name: getattr(first, name) for name in SEARCHED}
        assert len(uninterrupted.trials) == 7
        assert uninterrupted.stopped == "trials"
        assert all(trial.value is not None for trial in uninterrupted.trials)
        assert len(uninterrupted.first.per_user) == uninterrupted.users
        assert np.mean(uninterrupted.first.per_user) == pytest.approx(uninterrupted.first.value)

    def test_the_same_again_is_the_same(self, uninterrupted: Tuning) -> None:
        catalog, plays = sample_plays()
        again = tune(plays, CFConfig(), catalog=catalog, limits=FEW)
        assert outcome(again) == outcome(uninterrupted)
        assert again.fingerprint == uninterrupted.fingerprint

    def test_a_trial_has_the_value_of_its_settings(self, uninterrupted: Tuning) -> None:
        catalog, plays = sample_plays()
        trial = uninterrupted.trials[-1]
        config = CFConfig.model_validate(trial.params)
        values = Validation.of(plays, catalog).score(config)
        assert values.mean() == pytest.approx(trial.value, abs=1e-6)

    def test_a_long_trial_is_cut_off(self) -> None:
        """The first trial has 20,000 sweeps, and half a second."""
        catalog, plays = sample_plays()
        config = CFConfig(iterations=20_000)
        begun = time.monotonic()
        found = tune(plays, config, catalog=catalog, limits=Limits(0.5))
        assert time.monotonic() - begun < 10
        assert found.first.value is None
        assert found.stopped == found.first.fault == "the time was over"
        assert found.config(CFConfig()) == CFConfig()

    def test_settings_that_overflow_are_only_a_trial(self) -> None:
        catalog, plays = sample_plays()
        config = CFConfig.model_validate(
            {"confidence": "linear", "alpha": 3e38, "regularization": 1e-6}
        )
        found = tune(plays, config, catalog=catalog, limits=Limits(60))
        assert found.first.value is None
        assert "alpha" in found.first.fault
        assert found.stopped == found.first.fault

    def test_progress_is_seconds_of_the_time_and_names_the_best(self) -> None:
        catalog, plays = sample_plays()
        told: list[tuple[int, int, str]] = []
        limits = Limits(seconds=300, trials=2)
        tune(
            plays,
            CFConfig(),
            catalog=catalog,
            limits=limits,
            progress=lambda done, total, what: told.append((done, total, what)),
        )
        assert {total for _, total, _ in told} == {300}
        assert [done for done, _, _ in told] == sorted(done for done, _, _ in told)
        assert told[0] == (0, 300, "tuning, trial 1, seconds")
        assert told[-1][0] == 300
        assert "tuning, trial 2, best ndcg@20 0." in told[-1][2]
        assert all(done < total for done, total, _ in told[:-1])


class TestLog:
    def test_a_killed_search_goes_on_as_if_it_had_not_been(
        self, home: Home, uninterrupted: Tuning
    ) -> None:
        code = """
import sys, time
from pathlib import Path
from cf_model import CFConfig
from engine.home import Home
from engine.tuning import Limits, tune
from tests.engine.tuning_world import sample_plays

def stay(done, total, what):
    if what.startswith("tuning, trial 4"):
        time.sleep(600)

catalog, plays = sample_plays()
home = Home(Path(sys.argv[1]))
limits = Limits(seconds=600, trials=7)
tune(plays, CFConfig(), catalog=catalog, limits=limits, home=home, progress=stay)
"""
        log = home.work / "tuning.jsonl"
        words = [sys.executable, "-c", code, str(home.root)]
        with subprocess.Popen(words, cwd=ROOT) as process:
            end = time.monotonic() + 120
            while not log.exists() or len(log.read_text().splitlines()) < 4:
                assert process.poll() is None
                assert time.monotonic() < end
                time.sleep(0.05)
            os.kill(process.pid, signal.SIGKILL)
        told: list[str] = []
        catalog, plays = sample_plays()
        found = tune(plays, CFConfig(), catalog=catalog, limits=FEW, home=home, say=told.append)
        assert "cut off after 3 trials" in told[1]
        assert outcome(found) == outcome(uninterrupted)

    def test_a_torn_line_is_dropped(self, tmp_path: Path) -> None:
        log = TrialLog(tmp_path / "a" / "log", {"search": "x"})
        trials = [Trial(params={"alpha": float(at)}, value=0.1 * at, seconds=1) for at in range(3)]
        log.write([])
        for trial in trials:
            log.add(trial)
        assert log.read() == trials
        path = tmp_path / "a" / "log"
        path.write_bytes(path.read_bytes()[:-9])
        assert log.read() == trials[:2]
        log.write(log.read())
        log.add(trials[2])
        assert log.read() == trials

    @pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"[1]\n", b'{"search": "y"}\n{}\n'])
    def test_another_log_holds_no_trial_of_this(self, tmp_path: Path, content: bytes) -> None:
        path = tmp_path / "log"
        path.write_bytes(content)
        assert TrialLog(path, {"search": "x"}).read() == []

    def test_numbers_keep_their_kinds(self, tmp_path: Path) -> None:
        log = TrialLog(tmp_path / "log", {"search": "x"})
        params = {"factors": 16, "alpha": 10.0, "confidence": "binary"}
        log.write([Trial(params=params, value=0.5, seconds=1)])
        [read] = log.read()
        assert [type(value) for value in read.params.values()] == [int, float, str]


def trial(value: float | None, low: float | None, factors: int = 64) -> Trial:
    return Trial(params={"factors": factors}, value=value, low=low, seconds=1)


def tuning(*trials: Trial) -> Tuning:
    return Tuning(
        fingerprint="f",
        protocol="random",
        users=30,
        pairs=100,
        fixed={},
        seconds=1,
        stopped="time",
        trials=trials,
    )


class TestOutcome:
    def test_the_best_mean_wins(self) -> None:
        found = tuning(
            trial(0.2, None),
            trial(0.3, 0.05, 16),
            trial(0.35, -0.01, 128),
            trial(0.35, 0.02, 64),
            trial(None, None, 256),
        )
        assert found.winner.params == {"factors": 128}
        assert found.config(CFConfig(alpha=2)) == CFConfig(alpha=2, factors=128)
        assert found.config(CFConfig(factors=9)).factors == 9  # given, so it stays

    def test_without_one_the_settings_stay(self) -> None:
        found = tuning(trial(0.2, None), trial(0.19, -0.02, 16))
        assert found.winner is found.first
        assert found.config(CFConfig()) == CFConfig()

    def test_is_read_as_it_was_written(self, tmp_path: Path) -> None:
        found = tuning(trial(0.2, None), trial(0.3, 0.05, 16))
        found.save(tmp_path / "t.json")
        assert Tuning.load(tmp_path / "t.json") == found
        json.dumps(found.summary(), allow_nan=False)

    @pytest.mark.parametrize(
        "change",
        [{"format": 2}, {"trials": []}, {"surprise": 1}, {"trials": [{"params": {"factors": 0}}]}],
    )
    def test_what_cannot_be_used_is_none(self, tmp_path: Path, change: dict[str, object]) -> None:
        path = tmp_path / "t.json"
        document = tuning(trial(0.2, None)).model_dump(mode="json")
        path.write_text(json.dumps({**document, **change}))
        assert Tuning.load(path) is None

    def test_a_winner_of_settings_that_are_gone_is_none(self, tmp_path: Path) -> None:
        odd = Trial(params={"charm": 3}, value=0.2, seconds=1)
        tuning(odd).save(tmp_path / "t.json")
        assert Tuning.load(tmp_path / "t.json") is None
        assert Tuning.load(tmp_path / "none.json") is None


class TestHome:
    def tuned(
        self,
        home: Home,
        config: CFConfig,
        told: list[str],
        limits: Limits | None,
        again: bool = False,
    ) -> CFConfig:
        catalog, plays = sample_plays()
        return tuned_config(
            home,
            plays,
            config,
            catalog=catalog,
            say=told.append,
            wish=Wish(limits, again=again),
        ).config

    def keep(self, home: Home, *trials: Trial, **changes: object) -> Tuning:
        found = tuning(*trials).model_copy(update=changes)
        found.save(home.root / "tuning.json")
        return found

    def test_the_whole_way(self, home: Home) -> None:
        """A search, its use again, and another one, which goes on with the trials of the first."""
        four = Limits(600, trials=4)
        told: list[str] = []
        config = self.tuned(home, CFConfig(), told, four)
        found = kept(home)
        assert len(found.trials) == 4
        assert not (home.work / "tuning.jsonl").exists()
        assert config == found.config(CFConfig())
        assert told[0].startswith("Searching settings of ALS for up to 600 s: ndcg@20 of ")
        told.clear()
        assert self.tuned(home, CFConfig(), told, four) == config
        assert kept(home) == found
        assert [line.partition(" on ")[0] for line in told] == ["Settings of ALS found"]
        self.tuned(home, CFConfig(), told, four, again=True)
        assert kept(home).trials[:4] == found.trials
        assert len(kept(home).trials) == 8

    def test_no_time_is_no_search(self, home: Home) -> None:
        told: list[str] = []
        assert self.tuned(home, CFConfig(alpha=3), told, None) == CFConfig(alpha=3)
        assert told == []
        assert list(home.root.iterdir()) == []

    def test_what_was_found_is_used_though_there_is_no_time_for_a_search(self, home: Home) -> None:
        self.keep(home, trial(0.2, None), trial(0.3, 0.05, 16))
        assert self.tuned(home, CFConfig(), [], None).factors == 16

    def test_what_was_found_with_other_settings_given_is_not(self, home: Home) -> None:
        self.keep(home, trial(0.2, None), trial(0.3, 0.05, 16), fixed={"alpha": 3.0})
        assert self.tuned(home, CFConfig(alpha=3), [], None).factors == 16
        assert self.tuned(home, CFConfig(alpha=4), [], None) == CFConfig(alpha=4)
        assert self.tuned(home, CFConfig(), [], None) == CFConfig()

    def test_seed_and_threads_do_not_matter_for_that(self, home: Home) -> None:
        self.keep(home, trial(0.2, None), trial(0.3, 0.05, 16))
        config = self.tuned(home, CFConfig(seed=5, threads=1), [], None)
        assert (config.factors, config.seed, config.threads) == (16, 5, 1)

    def test_many_more_plays_are_worth_a_line(self, home: Home) -> None:
        _, plays = sample_plays()
        told: list[str] = []
        self.keep(home, trial(0.2, None), pairs=plays.matrix().nnz // 2 + 1)
        self.tuned(home, CFConfig(), told, FEW)
        assert "--tune" not in told[0]
        self.keep(home, trial(0.2, None), pairs=plays.matrix().nnz // 2)
        self.tuned(home, CFConfig(), told, FEW)
        assert "`segue train --tune SECONDS` searches again" in told[1]

    def test_nothing_to_search_is_a_line_and_no_more(self, home: Home) -> None:
        config = CFConfig.model_validate(CFConfig().model_dump())  # every setting is given
        told: list[str] = []
        assert self.tuned(home, config, told, FEW) == config
        assert "Every setting" in told[0]
        catalog = make_catalog()
        plays = make_plays(catalog)
        found = tuned_config(
            home, plays, CFConfig(), catalog=catalog, wish=Wish(FEW), say=told.append
        )
        assert found.config == CFConfig()
        assert found.tuning is None
        assert "too few plays" in told[1]

    def test_a_search_without_time_for_a_trial_is_kept_and_can_be_made_again(
        self, home: Home
    ) -> None:
        told: list[str] = []
        assert self.tuned(home, CFConfig(), told, Limits(1e-6)) == CFConfig()
        assert kept(home).first.value is None
        assert "found nothing" in told[-1]
        self.tuned(home, CFConfig(), told, FEW)
        assert kept(home).first.value is None  # it is not tried again unasked
        self.tuned(home, CFConfig(), told, Limits(600, trials=2), again=True)
        assert kept(home).first.value is not None
        assert len(kept(home).trials) == 2


def test_the_service_never_imports_optuna() -> None:
    code = "import sys, api.server.web, api.http.app; assert 'optuna' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120, cwd=ROOT)
