from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from api.config import load_settings
from engine.bundle import BundleRegistry
from engine.bundle.manifest import Manifest
from engine.home import Home
from engine.tuning import SEARCHED, Tuning
from tests.api.cli.conftest import Segue
from tests.engine.tuning_world import sample_plays


@pytest.fixture
def imported(segue: Segue, tmp_path: Path) -> Segue:
    _, plays = sample_plays()
    listens = {
        "user_id": plays.users.ids(plays.user),
        "track_id": plays.tracks.ids(plays.track),
        "listened_at": plays.at,
    }
    pd.DataFrame(listens).to_csv(tmp_path / "listens.csv", index=False)
    assert segue("import", "listens", tmp_path / "listens.csv").status == 0
    return segue


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


def manifest(home: Home) -> Manifest:
    return BundleRegistry(home.bundles).open_current().manifest


def test_a_search_is_stored_with_the_bundle_and_used_again(imported: Segue, home: Home) -> None:
    done = imported("train", "--tune", "6", "--json")
    assert done.status == 0
    assert "tuning, trial 1, seconds: 0 of 6" in done.err
    found = Tuning.load(home.root / "tuning.json")
    assert found is not None
    first = manifest(home)
    assert first.metrics["tuning"] == done.json["tuning"] == found.summary()
    assert {name: first.config["cf"][name] for name in SEARCHED} == found.winner.params
    again = imported("train", "cf")
    assert "Settings of ALS found on " in again.err
    assert manifest(home).config["cf"] == first.config["cf"]
    assert manifest(home).metrics["tuning"] == found.summary()
    assert imported("train", "--no-tune", "--json").json["tuning"] is None
    settings = load_settings(home)
    assert manifest(home).config["cf"] == settings.cf.model_dump(mode="json")


def test_the_first_training_searches_and_leaves_what_is_set(
    imported: Segue, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEGUE_ENGINE__TUNE_SECONDS", "3")
    monkeypatch.setenv("SEGUE_CF__FACTORS", "7")
    home.settings.write_text("[cf]\nalpha = 8.0\n")
    tuning = imported("train", "--json").json["tuning"]
    assert tuning["fixed"] == {"factors": 7, "alpha": 8.0}
    assert set(tuning["params"]) == set(SEARCHED) - {"factors", "alpha"}
    assert manifest(home).config["cf"]["factors"] == 7


def test_without_time_there_is_no_search(imported: Segue, home: Home) -> None:
    assert imported("train", "--json").json["tuning"] is None
    assert not (home.root / "tuning.json").exists()


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--tune", "0"], "`seconds` must be above zero"),
        (["--tune", "-3"], "`seconds` must be above zero"),
        (["--tune", "nan"], "`seconds` must be above zero"),
        (["--tune", "inf"], "`seconds` must be finite"),
        (["--tune", "long"], "'long' is not a valid float"),
        (["--tune", "5", "--no-tune"], "exclude each other"),
        (["audio", "--tune", "5"], "does not train"),
    ],
)
def test_bad_options(segue: Segue, options: list[str], complaint: str) -> None:
    done = segue("train", *options)
    assert done.status == 2
    assert complaint in done.err


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--held-out", "x.csv", "--protocol", "random"], "leave `--protocol` out"),
        (["--validation", "x.csv"], "`--validation` is for `--tune`"),
        (["--test-fraction", "2"], "test"),
        (["--tune", "0"], "`seconds` must be above zero"),
        (["--held-out", "missing.csv"], "missing.csv"),
    ],
)
def test_bad_options_of_evaluate(imported: Segue, options: list[str], complaint: str) -> None:
    done = imported("evaluate", *options)
    assert done.status in (1, 2)
    assert complaint in done.err
    assert "Traceback" not in done.err


def test_evaluate_tunes_on_the_training_part(imported: Segue) -> None:
    done = imported("evaluate", "--tune", "0.5", "-k", "5", "--json", "-")
    assert done.status == 0
    assert {"ease", "als-plain", "als"} <= set(done.json["systems"])
    assert done.json["parameters"]["tuned"] is True


def test_warm_start(imported: Segue, home: Home) -> None:
    done = imported("train", "cf", "--warm-start")
    assert done.status == 1
    assert "A warm start needs a current bundle" in done.err
    assert imported("train").status == 0
    assert imported("train", "cf", "--warm-start").status == 0
    assert manifest(home).metrics["users"] > 0
    for wrong in (["audio", "--warm-start"], ["--warm-start", "--tune", "3"]):
        assert imported("train", *wrong).status == 2
