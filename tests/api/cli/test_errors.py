from __future__ import annotations

from pathlib import Path

import pytest

from tests.api.cli.conftest import Segue


def test_help_and_version(segue: Segue) -> None:
    shown = segue("--help")
    assert shown.status == 0
    assert "Serve recommendations over HTTP." in shown.out
    assert segue("--version").out.startswith("segue, version ")
    assert segue("train", "--help").status == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["sing"], "No such command 'sing'"),
        (["train", "--loudly"], "No such option"),
        (["train", "everything"], "'everything' is not one of"),
        (["recommend", "u", "-n", "many"], "'many' is not a valid integer"),
        (["recommend", "u", "--artist-cap", "abc"], "'abc' is not a valid integer."),
        (["recommend", "u", "--explore", "abc"], "'abc' is not a valid float."),
        (["recommend", "u", "--artist-cap", "1001"], "1001 is not in the range 1<=x<=1000"),
        (["evaluate", "--seed", "-1"], "-1 is not in the range"),
        (["evaluate", "--repeats", "0"], "0 is not in the range 1<=x<=100"),
        (["data", "sample", "--out", "x", "--seed", "-1"], "-1 is not in the range"),
        (["data", "listeners", "--out", "x.csv", "--seed", "-1"], "-1 is not in the range"),
        (["demo", "--seed", "-1"], "-1 is not in the range"),
        (["recommend"], "Name a USER, or give one of --all-users and --history"),
        (["recommend", "u", "--all-users"], "Name a USER, or give one of"),
        (["export", "tracks"], "Missing option '--out'"),
        (["train", "ranker", "--tune", "5"], "which `segue train ranker` does not train"),
        (["train", "ranker", "--warm-start"], "not for `segue train audio` or `ranker`"),
        (["train", "cf", "--from-scratch"], "is for `segue train audio`"),
        (["train", "--from", "x"], "`--from` is for `segue train audio`"),
        (["train", "audio", "--from", "x", "--from-scratch"], "not with `--from-scratch`"),
        (["map"], "Missing option '--out'"),
        (["bundle", "publish", ""], "An ID must not be empty."),
        (["bundle", "show", ""], "An ID must not be empty."),
        (["bundle", "verify", ""], "An ID must not be empty."),
    ],
)
def test_wrong_arguments_are_one_line_and_status_2(
    segue: Segue, words: list[str], message: str
) -> None:
    result = segue(*words)
    assert result.status == 2
    assert message in result.complaint
    assert result.out == ""


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["recommend", "u"], "There is no bundle yet. Make one with `segue train`."),
        (["similar", "t"], "There is no bundle yet"),
        (["bundle", "show", "x"], "There is no bundle 'x'"),
        (["bundle", "show"], "There is no bundle yet"),
        (["bundle", "rollback"], "no earlier bundle"),
        (["bundle", "publish", "x"], "There is no bundle 'x'"),
        (["train"], "There is nothing to learn from"),
        (["evaluate"], "There are no plays to evaluate on"),
        (["embed"], "There is nothing to embed"),
        (["serve"], "segue train"),
        (["data", "listeners", "--out", "x.csv"], "There are no tracks"),
        (["import", "tracks", "nowhere.csv"], "nowhere.csv"),
    ],
)
def test_work_that_fails_is_one_line_and_status_1(
    segue: Segue, tmp_path: Path, words: list[str], message: str
) -> None:
    (tmp_path / "home").mkdir()
    result = segue(*words)
    assert result.status == 1
    assert message in result.complaint


@pytest.mark.parametrize(
    "words",
    [
        ["recommend", "u"],
        ["similar", "t"],
        ["map", "--out", "map.html"],
        ["bundle", "list"],
        ["bundle", "rollback"],
        ["duplicates"],
        ["evaluate"],
        ["evaluate", "--off-policy"],
        ["evaluate", "audio"],
        ["evaluate", "duplicates"],
        ["experiments", "list"],
        ["experiments", "report", "x"],
        ["experiments", "prune"],
        *(["export", what, "--out", "x.csv"] for what in ("tracks", "listens", "embeddings")),
    ],
)
def test_a_home_that_is_not_there_has_nothing_to_read(
    segue: Segue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    result = segue(*words)
    assert result.status == 1
    assert f"There is no home '{tmp_path / 'home'}'. Choose another" in result.complaint
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("words", [["recommend", "x"], ["import", "tracks", "x.csv"], ["train"]])
def test_a_home_that_is_a_file_is_a_wrong_argument(
    segue: Segue, tmp_path: Path, words: list[str]
) -> None:
    (tmp_path / "home").touch()
    result = segue(*words)
    assert result.status == 2
    assert f"The home '{tmp_path / 'home'}' " in result.complaint
    assert "Choose another with --home or SEGUE_HOME." in result.complaint


def test_the_home_of_a_command_behind_evaluate_counts(segue: Segue, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    result = segue("evaluate", "duplicates", "--home", tmp_path / "other")
    assert result.status == 1
    assert "There is no home" not in result.complaint


def test_a_database_elsewhere_needs_no_home(
    segue: Segue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEGUE_DATA__DATABASE_URL", f"sqlite:///{tmp_path / 'elsewhere.db'}")
    assert segue("export", "tracks", "--out", tmp_path / "x.csv").status == 0


def test_settings_are_checked(
    segue: Segue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "segue.toml").write_text("[cf]\nfactor = 3\n")
    result = segue("bundle", "list")
    assert result.status == 2
    assert "factor" in result.complaint
    (home / "segue.toml").write_text("[cf]\nfactors = 3\n")
    assert segue("bundle", "list").status == 0
    monkeypatch.setenv("SEGUE_CF__FACTORS", "-1")
    assert segue("bundle", "list").status == 2


def test_a_surprise_is_one_line_too(
    segue: Segue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "home").mkdir()

    def explode(_home: object) -> None:
        raise RuntimeError("boom\nand more")

    monkeypatch.setattr("engine.bundle.registry.BundleRegistry.ids", explode)
    result = segue("bundle", "list")
    assert result.status == 1
    assert result.complaint.startswith("segue: Unexpected RuntimeError: boom and more")


def test_an_interrupt_ends_with_130(
    segue: Segue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "home").mkdir()

    def interrupt(_home: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("engine.bundle.registry.BundleRegistry.ids", interrupt)
    assert segue("bundle", "list").status == 130
