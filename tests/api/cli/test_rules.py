from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from tests.api.cli.conftest import Segue

RULES = """
[[rules]]
kind = "filter"
name = "available"
action = "keep"
where = { listed = "available.txt" }

[[rules]]
kind = "pin"
name = "launch"
track = "t11"
placements = ["home"]
"""


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "available.txt").write_text("t02\nt03\nt11\nt05\n")
    path = tmp_path / "rules" / "rules.toml"
    path.write_text(RULES)
    return path


def test_rules_of_a_file_and_what_they_did(trained: Segue, rules: Path) -> None:
    words = ("recommend", "nobody", "-n", 3, "--rules", rules, "--placement", "home")
    document = trained(*words, "--dry-run", "--explain", "--json").json
    found = [item["track_id"] for item in document["items"]]
    assert found[0] == "t11"
    assert set(found) < {"t02", "t03", "t05", "t11"}
    assert document["items"][0]["reasons"]["rule"] == "launch"
    available, launch = document["rules"]
    assert (available["matched"], available["removed"]) == (4, 8)
    assert launch["moves"][0] == {"track_id": "t11", "from": None, "to": 1}
    (out,) = (move for move in launch["moves"] if move["to"] is None)
    assert out["from"] == 3
    plain = trained(*words, "--json").json
    assert "rules" not in plain
    table = trained(*words, "--dry-run").out.split("\n\n")[1].splitlines()
    assert table[0].split("\t") == ["rule", "kind", "matched", "removed", "moved", "unfulfilled"]
    assert table[2].startswith("launch\tpin\t1\t0\tt11 in to 1, ")
    assert f"{out['track_id']} out from 3" in table[2]


def test_rules_of_another_placement_are_told_as_such(trained: Segue, rules: Path) -> None:
    out = trained("recommend", "u01", "--rules", rules, "--dry-run").out
    assert out.splitlines()[-1].split("\t") == ["launch", "pin", "", "0", "", "not in force"]


def test_rules_hold_for_all_users(trained: Segue, rules: Path, tmp_path: Path) -> None:
    for strategy in ("hybrid", "cf"):
        out = tmp_path / f"{strategy}.csv"
        words = ("--rules", rules, "--strategy", strategy, "--placement", "home", "--out", out)
        assert trained("recommend", "--all-users", *words).status == 0
        table = pd.read_csv(out)
        assert set(table["track_id"]) <= {"t02", "t03", "t05", "t11"}
        first = table[table["rank"] == 1]
        assert len(first) == 12
        assert set(first["track_id"]) == {"t11"}


def test_rules_of_the_settings(trained: Segue, rules: Path, tmp_path: Path) -> None:
    rules.rename(rules.with_name("segue.toml"))
    document = trained(
        "recommend", "u01", "--json", "--config", rules.with_name("segue.toml"), "-n", 20
    ).json
    assert {item["track_id"] for item in document["items"]} <= {"t02", "t03", "t05", "t11"}


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("[[rules]]\nkind = 'pin'\n", "Rule 1: `track` is required"),
        ("[[rules]]\nname = 'x'\nkind = 'pin'\ntrac = 'a'\n", "Rule 1 ('x'): `trac` is not a key"),
        ("[[rule]]\nkind = 'pin'\n", "must hold [[rules]] only. Received: 'rule'"),
        ("rules = 3\n", "tables, each headed [[rules]]"),
        ("rules = [1, 2]\n", "Rule 1: `[[rules]]` must be a table (in TOML)"),
        ("rules = [[]]\n", "Rule 1: `[[rules]]` must be a table (in TOML)"),
        ("[[rules\n", "not TOML"),
        (
            "[[rules]]\nkind = 'filter'\nwhere = {listed = \"a\\u0000b\"}\n",
            "Rule 1: `where.listed` must be the path of a file, without a NUL character",
        ),
        (
            "[[rules]]\nkind = 'filter'\nwhere = {listed = 'nowhere.txt'}\n",
            "nowhere.txt' of a rule cannot be read: No such file",
        ),
    ],
)
def test_files_that_are_wrong(trained: Segue, tmp_path: Path, text: str, part: str) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(text)
    result = trained("recommend", "u01", "--rules", path)
    assert result.status == 2
    assert part in result.complaint


def test_arguments_that_are_wrong(trained: Segue, tmp_path: Path) -> None:
    missing = trained("recommend", "u01", "--rules", tmp_path / "none.toml")
    assert missing.status == 2
    assert "No such file" in missing.complaint
    many = trained("recommend", "--all-users", "--dry-run")
    assert many.status == 2
    assert "Name a USER" in many.complaint


def test_a_server_does_not_start_with_a_list_that_is_not_there(
    trained: Segue, tmp_path: Path
) -> None:
    path = tmp_path / "settings.toml"
    path.write_text("[[rules]]\nkind = 'filter'\nwhere = {listed = 'nowhere.txt'}\n")
    result = trained("serve", "--port", 0, "--config", path)
    assert result.status == 2
    assert "nowhere.txt" in result.complaint
