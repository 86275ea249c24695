"""`segue experiments` and `segue evaluate --off-policy`, on a small log."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from data.config import DataConfig
from data.store import Event, Impression, Recommendation, ShownItem, Store
from engine.bundle import BundleRegistry
from engine.home import Home
from engine.offpolicy.report import OffPolicyReport, Scope, off_policy
from tests.api.cli.conftest import Segue

SETTINGS = """
[[experiments]]
name = "louder"
[[experiments.variants]]
name = "control"
[[experiments.variants]]
name = "sound"
ranker = { weight_audio = 2.0 }

[[experiments]]
name = "duel"
kind = "interleave"
placements = ["player"]
[[experiments.variants]]
name = "a"
[[experiments.variants]]
name = "b"
"""
NOW = int(time.time())
QUERY = '{"n":2,"strategy":"hybrid","exclude_seen":true}'


@pytest.fixture
def home(trained: Segue, tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    home.settings.write_text(SETTINGS, "utf-8")
    return home


def log(
    home: Home, *rows: tuple[str, str, str | None, str | None, int], ago_s: int = 7_200
) -> None:
    """Log one answer of t02 and t04 a row, and a listen of t02 where its last field says so."""
    bundle = BundleRegistry(home.bundles).current_id()
    assert bundle is not None
    with Store.open(DataConfig().url(home.root)) as store:
        for user, experiment, variant, team, heard in rows:
            items = tuple(
                ShownItem(t, 1.0, propensity=None if team else 1.0, team=team)
                for t in ("t02", "t04")
            )
            told = Recommendation(bundle, QUERY, items, experiment, variant)
            name = f"r-{user}-{experiment}-{variant}"
            store.add_impressions([Impression(name, user, NOW - ago_s, recommendation=told)])
            if heard:
                at = NOW - ago_s + 60
                store.add_events([Event(None, user, "t02", "listen", listened_at=at)])


def test_list_tells_settings_and_log(trained: Segue, home: Home) -> None:
    log(home, ("x", "louder", "control", None, 0), ("y", "louder", "sound", None, 0))
    log(home, ("x", "duel", None, "a", 0), ("x", "past", "old", None, 0))
    rows = trained("experiments", "list", "--json").json["items"]
    told = {(r["experiment"], r["kind"], r["variant"], r["weight"], r["answers"]) for r in rows}
    assert told == {
        ("louder", "split", "control", 1.0, 1),
        ("louder", "split", "sound", 1.0, 1),
        ("duel", "interleave", "a", None, 1),
        ("duel", "interleave", "b", None, 1),
        ("past", "ended", "old", None, 1),
    }
    table = trained("experiments", "list").out.splitlines()
    assert table[0].split("\t")[:3] == ["experiment", "kind", "variant"]
    assert len(table) == 6


def test_report_of_a_split(trained: Segue, home: Home) -> None:
    control = [(f"c{n}", "louder", "control", None, int(n < 2)) for n in range(8)]
    sound = [(f"s{n}", "louder", "sound", None, int(n < 6)) for n in range(8)]
    log(home, *control, *sound)  # type: ignore[arg-type]
    document = trained("experiments", "report", "louder", "--json", "-").json
    a, b = document["variants"]
    assert (a["name"], a["users"], a["impressions"], a["listens"]) == ("control", 8, 16, 2)
    assert a["rate"]["mean"] == 2 / 16
    assert b["difference"]["mean"] == 6 / 16 - 2 / 16
    assert b["difference"]["low"] < 4 / 16 < b["difference"]["high"]
    assert document["mismatch"] == 1.0
    text = trained("experiments", "report", "louder").out
    assert "0.1250" in text
    assert "numbers of users fit the weights" in text


def test_the_window_decides_what_counts(trained: Segue, home: Home) -> None:
    log(home, ("x", "louder", "control", None, 1))
    for hours, listens in ((24, 1), (0.01, 0)):  # the listen came after a minute
        found = trained("experiments", "report", "louder", "--window", hours, "--json", "-").json
        assert found["variants"][0]["listens"] == listens
    assert trained("experiments", "report", "louder", "--days", 0.01).status == 1


def test_report_of_a_duel(trained: Segue, home: Home) -> None:
    log(home, *[(f"u{n}x", "duel", None, "b", 1) for n in range(6)])
    document = trained("experiments", "report", "duel", "--json", "-").json
    assert (document["teams"], document["wins"]) == (["a", "b"], [0, 6])
    assert document["p_value"] == pytest.approx(2 / 2**6)
    assert "preference for b over a: +0.5000" in trained("experiments", "report", "duel").out


def test_an_experiment_that_changed_its_kind(trained: Segue, home: Home) -> None:
    log(home, ("x", "louder", "control", None, 1), ("y", "louder", "sound", None, 0))
    log(home, ("x", "louder", None, "sound", 1), ago_s=3_600)  # credited to these answers alone
    words = ("experiments", "report", "louder")
    split = trained(*words, "--json", "-").json
    assert (split["kind"], split["left_out"]) == ("split", 1)
    assert [v["answers"] for v in split["variants"]] == [1, 1]
    assert "1 interleaved answers of this name are left out" in trained(*words).out
    rows = trained("experiments", "list", "--json").json["items"]
    told = {(r["kind"], r["variant"], r["answers"]) for r in rows if r["experiment"] == "louder"}
    assert told == {("split", "control", 1), ("split", "sound", 1), ("ended", None, 1)}
    both = SETTINGS.replace('name = "louder"', 'name = "louder"\nkind = "interleave"')
    home.settings.write_text(both, "utf-8")
    duel = trained(*words, "--json", "-").json
    assert (duel["kind"], duel["users"], duel["left_out"]) == ("interleave", 1, 2)
    assert "2 answers of a split of this name are left out" in trained(*words).out
    home.settings.write_text("", "utf-8")  # ended: as most of it was
    assert trained(*words, "--json", "-").json["kind"] == "split"


def test_nothing_is_reported_of_a_kind_that_nobody_saw(trained: Segue, home: Home) -> None:
    log(home, ("x", "duel", "a", None, 0))
    result = trained("experiments", "report", "duel")
    assert result.status == 1
    assert "as it is now (kind = interleave): all 1 answers" in result.complaint


def test_report_of_nothing(trained: Segue, home: Home) -> None:
    result = trained("experiments", "report", "nope")
    assert result.status == 1
    assert "Nothing was shown in an experiment 'nope'" in result.complaint


@pytest.mark.parametrize(
    "words",
    [
        ("report", "louder", "--days", "inf"),
        ("report", "louder", "--days", "nan"),
        ("report", "louder", "--days", "1e300"),
        ("report", "louder", "--days", "0"),
        ("report", "louder", "--window", "nan"),
        ("report", "louder", "--window", "inf"),
        ("report", "louder", "--seed", "-1"),
        ("report", "louder", "--seed", 2**32),
        ("prune", "--days", "99999999999999999999"),
        ("prune", "--days", "-1"),
    ],
)
def test_numbers_out_of_range_are_one_line_and_status_2(
    segue: Segue, words: tuple[str, ...]
) -> None:
    result = segue("experiments", *words)
    assert result.status == 2
    assert f"Invalid value for '{words[-2]}'" in result.complaint


def test_prune(trained: Segue, home: Home) -> None:
    log(home, ("x", "louder", "control", None, 0), ago_s=40 * 86_400)
    log(home, ("y", "louder", "control", None, 0))
    assert "Deleted 0 impressions older than 90 days" in trained("experiments", "prune").out
    assert "Deleted 1 impressions" in trained("experiments", "prune", "--days", 30).out


def test_wrong_experiments_name_their_place(trained: Segue, home: Home) -> None:
    home.settings.write_text(SETTINGS.replace("weight_audio", "weight_sound"), "utf-8")
    result = trained("experiments", "list")
    assert result.status == 2
    assert "experiments.0.variants.1.ranker.weight_sound" in result.complaint


class TestOffPolicy:
    def test_of_another_ranking(self, trained: Segue, home: Home) -> None:
        log(home, *[(f"u{n:02}", "louder", "control", None, n % 2) for n in range(6)])  # type: ignore[misc]
        document = trained(
            "evaluate", "--off-policy", "--ranker", "weight_popular=5", "--json", "-"
        ).json
        value = document["value"]
        assert (document["impressions"], value["slots"]) == (6, 12)
        assert value["logged"]["mean"] == 3 / 12
        assert document["changed"] == {"weight_popular": 5.0}
        text = trained("evaluate", "--off-policy", "--variant", "louder/sound").out
        assert "Target: weight_audio = 2.0." in text
        assert "target, SNIPS" in text
        assert "supported" in text

    @pytest.mark.usefixtures("home")
    @pytest.mark.parametrize(
        ("words", "message"),
        [
            (["--off-policy", "--ranker", "weight_popular"], "must be KEY=VALUE"),
            (["--off-policy", "--ranker", "volume=11"], "`volume` is unknown"),
            (["--off-policy", "--ranker", "rrf_k=0"], "greater than 0"),
            (["--off-policy", "--variant", "louder"], "louder/control"),
            (["--off-policy", "--ranker", "weight_cf=inf"], "must be a finite number"),
            (["--off-policy", "--ranker", "artist_cap=5000"], "less than or equal to 1000"),
            (["--off-policy", "--days", "inf"], "inf is not in the range"),
            (["--off-policy", "--days", "nan"], "nan is not a finite number"),
            (["--off-policy", "--window", "nan"], "nan is not a finite number"),
            (["--off-policy", "--window", "1e300"], "1e+300 is not in the range"),
            (["--off-policy", "--clip", "inf"], "inf is not in the range"),
            (["--off-policy", "--clip", "nan"], "nan is not a finite number"),
            (["--off-policy", "--seed", "-1"], "-1 is not in the range"),
            (["--off-policy", "--protocol", "random"], "--protocol does not go"),
            (["--ranker", "rrf_k=1"], "--ranker only goes"),
        ],
    )
    def test_wrong_arguments(self, trained: Segue, words: list[str], message: str) -> None:
        result = trained("evaluate", *words)
        assert result.status == 2
        assert message in result.complaint

    def test_a_target_explores_as_it_says_itself_or_as_each_request_asked(
        self, trained: Segue, home: Home, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        text = SETTINGS.replace("{ weight_audio = 2.0 }", "{ explore = 0.2 }")
        home.settings.write_text("[ranker]\nexplore = 0.3\n" + text, "utf-8")
        log(home, ("x", "louder", "control", None, 1))
        found: list[float | None] = []

        def look(*given: Any, scope: Scope, **more: Any) -> OffPolicyReport:
            found.append(scope.explore)
            return off_policy(*given, scope=scope, **more)

        monkeypatch.setattr("api.cli.off_policy.off_policy", look)
        for words in (
            (),
            ("--ranker", "rrf_k=5"),
            ("--variant", "louder/control"),
            ("--ranker", "explore=0"),
            ("--variant", "louder/sound"),
            ("--variant", "louder/sound", "--ranker", "explore=0.4"),
        ):
            assert trained("evaluate", "--off-policy", *words).status == 0
        assert found == [None, None, None, 0.0, 0.2, 0.4]

    def test_without_a_log(self, trained: Segue) -> None:
        result = trained("evaluate", "--off-policy")
        assert result.status == 1
        assert "no impressions of known users" in result.complaint
