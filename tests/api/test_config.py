from __future__ import annotations

from pathlib import Path

import pytest

from api.config import ApiConfig, Settings, load_settings
from data.errors import ParameterError
from engine.home import Home


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SEGUE_CONFIG", "SEGUE_HOME", "SEGUE_REDIS_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def write(home: Home, text: str) -> Path:
    home.settings.write_text(text, "utf-8")
    return home.settings


def test_defaults_need_no_file(home: Home) -> None:
    assert load_settings(home) == Settings()
    assert Settings().api.max_upload_bytes == 64 * 1024 * 1024
    assert Settings().api.max_events == 1000


def test_file_of_the_home(home: Home) -> None:
    write(home, "[api]\nport = 9000\n[cf]\nfactors = 8\n")
    settings = load_settings(home)
    assert (settings.api.port, settings.cf.factors) == (9000, 8)
    assert settings.api.host == ApiConfig().host


def test_order_of_files(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(home, "[api]\nport = 1\n")
    named, given = tmp_path / "named.toml", tmp_path / "given.toml"
    named.write_text("[api]\nport = 2\n")
    given.write_text("[api]\nport = 3\n")
    monkeypatch.setenv("SEGUE_CONFIG", str(named))
    assert load_settings(home).api.port == 2
    assert load_settings(home, given).api.port == 3


def test_variables_win_over_the_file(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    write(home, "[cf]\nfactors = 8\nalpha = 2.5\n")
    monkeypatch.setenv("SEGUE_CF__FACTORS", "32")
    settings = load_settings(home)
    assert settings.cf.factors == 32
    assert settings.cf.alpha == 2.5


def test_redis_url_has_a_variable_of_its_own(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    write(home, "[api]\nredis_url = 'redis://file'\nport = 5\n")
    monkeypatch.setenv("SEGUE_REDIS_URL", "redis://variable:1/0")
    settings = load_settings(home)
    assert (settings.api.redis_url, settings.api.port) == ("redis://variable:1/0", 5)


@pytest.mark.parametrize(
    "name", ["SEGUE_HOME", "SEGUE_TEST_X__Y", "SEGUE_PORT", "SEGUE_SERVICE_HOST"]
)
def test_variables_that_are_no_settings(
    home: Home, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "tcp://10.0.0.1:8000")
    assert load_settings(home) == Settings()


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("[cf]\nfactors = 'many'\n", ["`cf.factors`", "integer", "'many'"]),
        ("[cf]\nfactor = 3\n", ["`cf.factor` is not a setting", "factors", "3"]),
        ("[hifi]\nx = 1\n", ["`hifi` is not a setting", "api", "cf"]),
        ("[api]\nport = 70000\n", ["`api.port`", "65535", "70000"]),
        ("[impressions]\nkeep_days = 36501\n", ["`impressions.keep_days`", "36500", "36501"]),
        ("[ranker]\nweight_cf = inf\n", ["`ranker.weight_cf` must be a finite number", "inf"]),
        ("api = 3\n", ["`api` must be a table", "3"]),
        ("[api\n", ["not TOML", "line 1"]),
        ("[api]\nredis_url = 'http://x'\n", ["`api.redis_url` must begin with redis://"]),
        ("[rules]\nkind = 'pin'\n", ["`rules` must be tables, each headed [[rules]]"]),
        ("rules = [1]\n", ["Rule 1: `[[rules]]` must be a table (in TOML)", "1"]),
        ("[[rules]]\nkind = 'bost'\n", ["Rule 1: `kind`", "filter, boost", "'bost'"]),
        ("[[rules]]\nname = 'fresh'\n", ["Rule 1 ('fresh'): `kind` is required"]),
        (
            "[[rules]]\nkind = 'pin'\ntrack = 'a'\n"
            "[[rules]]\nkind = 'boost'\nwher = 1\nname = 'x'\n",
            ["Rule 2 ('x'): `wher` is not a key of a rule of kind boost", "where, factor", "1"],
        ),
        (
            "[[rules]]\nkind = 'filter'\nwhere = {genres = 'a'}\n",
            ["Rule 1: `where.genres` is not a key of `where`", "genre, artist", "not", "'a'"],
        ),
        (
            "[[rules]]\nkind = 'filter'\nwhere = {not = {not = 1}}\n",
            ["Rule 1: `where.not.not` is not a key of `not`", "genre, artist", "1"],
        ),
        ("[[rules]]\nkind = 'artist_cap'\nmost = 0\n", ["Rule 1: `most` must be greater", "0"]),
    ],
)
def test_bad_file_is_one_line_that_names_it(home: Home, text: str, parts: list[str]) -> None:
    path = write(home, text)
    with pytest.raises(ParameterError) as caught:
        load_settings(home)
    message = str(caught.value)
    assert "\n" not in message
    for part in [str(path), *parts]:
        assert part in message


def test_a_password_is_not_repeated(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEGUE_REDIS_URL", "http://:hunter2@host")
    with pytest.raises(ParameterError, match="SEGUE_REDIS_URL") as caught:
        load_settings(home)
    assert "hunter2" not in str(caught.value)
    assert "hunter2" not in repr(ApiConfig(redis_url="redis://:hunter2@host"))


@pytest.mark.parametrize(
    ("name", "value", "parts"),
    [
        ("SEGUE_CF__FACTORS", "many", ["The variable SEGUE_CF__FACTORS", "`cf.factors`", "'many'"]),
        (
            "SEGUE_CF__FACTOR",
            "3",
            ["The variable SEGUE_CF__FACTOR", "`cf.factor` is not a setting"],
        ),
        ("SEGUE_HIFI__X", "3", ["SEGUE_HIFI__X", "no section", "api"]),
        ("SEGUE_CF", "{", ["cf"]),
    ],
)
def test_bad_variable_is_one_line_that_names_it(
    home: Home, monkeypatch: pytest.MonkeyPatch, name: str, value: str, parts: list[str]
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ParameterError) as caught:
        load_settings(home)
    assert "\n" not in str(caught.value)
    for part in parts:
        assert part in str(caught.value)


def test_missing_and_unreadable_files(home: Home, tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match=r"nowhere\.toml.*No such file"):
        load_settings(home, tmp_path / "nowhere.toml")
    binary = tmp_path / "binary.toml"
    binary.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ParameterError, match="not UTF-8"):
        load_settings(home, binary)


def test_every_setting_is_described() -> None:
    assert all(field.description for field in ApiConfig.model_fields.values())


def test_rules_are_read_in_their_order_and_lists_from_the_folder_of_the_file(home: Home) -> None:
    write(
        home,
        "[[rules]]\nkind = 'filter'\naction = 'keep'\nwhere = {listed = 'a.txt'}\n"
        "[[rules]]\nkind = 'filter'\nwhere = {not = {listed = '/b.txt'}}\nname = 'b'\n"
        "[cf]\nfactors = 3\n",
    )
    settings = load_settings(home)
    assert [rule.name for rule in settings.rules] == ["filter-1", "b"]
    files = [path for rule in settings.rules if rule.where for path in rule.where.files]
    assert files == [home.root / "a.txt", Path("/b.txt")]
    assert settings.cf.factors == 3


@pytest.mark.parametrize("name", ["SEGUE_RULES", "SEGUE_RULES__0__KIND"])
def test_variables_cannot_set_rules(home: Home, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "[]")
    with pytest.raises(ParameterError, match=f"{name} cannot set rules"):
        load_settings(home)


def test_experiments_change_what_they_name(home: Home) -> None:
    write(
        home,
        "[ranker]\nquota = 50\n[[experiments]]\nname = 'e'\n"
        "[[experiments.variants]]\nname = 'a'\n"
        "[[experiments.variants]]\nname = 'b'\nranker = { explore = 0.2 }\n",
    )
    settings = load_settings(home)
    found = [v.settings(settings.ranker) for v in settings.experiments[0].variants]
    assert [(c.quota, c.explore) for c in found] == [(50, 0.0), (50, 0.2)]
