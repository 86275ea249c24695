from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from engine.bundle import BundleRegistry, write_bundle
from engine.home import Home
from engine.recommender import Recommender
from engine.request import Answer, Request
from tests.api.cli.conftest import Segue
from tests.engine.conftest import with_segments


def test_recommend_to_a_user(trained: Segue) -> None:
    document = trained("recommend", "u01", "-n", 3, "--explain", "--json").json
    assert document["user_id"] == "u01"
    assert document["fallback"] is None
    assert len(document["items"]) == 3
    item = document["items"][0]
    assert set(item) == {"track_id", "title", "artist", "score", "sources", "reasons"}
    assert int(item["track_id"][1:]) % 2 == 0  # u01 likes the even, loud ones
    assert item["reasons"]["because"]
    table = trained("recommend", "u01", "-n", 3)
    assert [line.split("\t")[1] for line in table.out.splitlines()[1:]] == [
        i["track_id"] for i in document["items"]
    ]


def test_reasons_are_a_sentence_and_shares(trained: Segue) -> None:
    words = ("recommend", "u01", "-n", 3, "--explain")
    header, *lines = (line.split("\t") for line in trained(*words).out.splitlines())
    assert header[-3:] == ["because of", "why", "shares"]
    items = trained(*words, "--json").json["items"]
    for line, item in zip(lines, items, strict=True):
        reasons = item["reasons"]
        assert line[-2] == reasons["text"]
        assert f"behaviour {reasons['behaviour']:.0%}" in line[-1]
        assert f"sound {reasons['sound']:.0%}" in line[-1] or reasons["sound"] == 0


def test_the_rule_that_moved_a_track_is_named(trained: Segue, tmp_path: Path) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text('[[rules]]\nname = "first"\nkind = "pin"\ntrack = "t05"\n')
    result = trained("recommend", "u01", "-n", 2, "--explain", "--rules", rules)
    header, first, second = (line.split("\t") for line in result.out.splitlines())
    assert header[-1] == "rule"
    assert (first[1], first[-1], second[-1]) == ("t05", "first", "")


def test_reasons_go_to_no_file_and_to_one_user(trained: Segue, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    refused: list[list[object]] = [["--all-users"], ["--history", "x.csv"], ["u01", "--out", out]]
    for words in refused:
        result = trained("recommend", *words, "--explain")
        assert result.status == 2
        assert "`--explain` tells of the answer to one USER" in result.complaint
    document = trained("recommend", "u01", "--out", out, "--explain", "--json").json
    assert document["items"][0]["reasons"]["text"]


def test_genres_may_be_joined(trained: Segue) -> None:
    joined = trained("recommend", "u01", "--genre", "Rock | quiet|", "--json")
    apart = trained("recommend", "u01", "--genre", "rock", "--genre", "quiet", "--json")
    assert joined.json["items"] == apart.json["items"]
    assert trained("recommend", "u01", "--genre", "rock|never").status == 2
    assert trained("recommend", "u01", "--genre", "").status == 2


def test_slots_can_be_explored(
    trained: Segue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What exploring does is the business of the engine's tests."""
    asked = []
    recommend = Recommender.recommend

    def noting(recommender: Recommender, request: Request) -> Answer:
        asked.append(request.explore)
        return recommend(recommender, request)

    monkeypatch.setattr(Recommender, "recommend", noting)
    history = tmp_path / "history.csv"
    history.write_text("user_id,track_id\nx,t01\n")
    for words in (["u01"], ["--history", history]):
        assert trained("recommend", *words, "--explore", 0.5).status == 0
        assert trained("recommend", *words).status == 0
    assert asked == [0.5, None, 0.5, None]
    assert trained("experiments", "list", "--json").json["items"] == []
    for value, options in ((2, []), ("nan", []), (0.5, ["--strategy", "cf"])):
        assert trained("recommend", "u01", "--explore", value, *options).status == 2


def test_recommend_to_a_stranger_names_the_fallback(trained: Segue) -> None:
    result = trained("recommend", "nobody", "-n", 2)
    assert result.status == 0
    assert "fallback 'popular'" in result.err
    assert len(result.out.splitlines()) == 3


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_recommend_to_all(trained: Segue, tmp_path: Path, suffix: str) -> None:
    out = tmp_path / f"recs.{suffix}"
    result = trained("recommend", "--all-users", "-n", 4, "--out", out, "--json")
    assert result.json["users"] == 12
    table = pd.read_csv(out) if suffix == "csv" else pd.read_parquet(out)
    assert table.columns.tolist() == ["user_id", "rank", "track_id", "score"]
    assert len(table) == 48
    one = trained("recommend", "u07", "-n", 4, "--json").json
    rows = table[table["user_id"] == "u07"]
    assert rows["track_id"].tolist() == [i["track_id"] for i in one["items"]]


def test_recommend_for_a_history(trained: Segue, tmp_path: Path) -> None:
    history = tmp_path / "history.csv"
    history.write_text("user_id,track_id,event\nx,t01,listen\nx,t03,like\nx,t05,hide\n")
    result = trained("recommend", "--history", history, "-n", 3, "--json")
    found = [row["track_id"] for row in result.json["items"]]
    assert {row["user_id"] for row in result.json["items"]} == {"x"}
    assert {int(t[1:]) % 2 for t in found[:2]} == {1}
    assert not {"t01", "t03", "t05"} & set(found)


def test_among_and_exclude(trained: Segue, tmp_path: Path) -> None:
    among, exclude = tmp_path / "among.txt", tmp_path / "exclude.txt"
    among.write_text("t05\nt07\nt11\nunheard-of\n")
    exclude.write_text("t07\n")
    words = ("recommend", "u01", "--among", among, "--exclude", exclude, "--json")
    found = {i["track_id"] for i in trained(*words).json["items"]}
    assert found == {"t05", "t11"}
    among.write_text("unheard-of\n")
    result = trained("recommend", "u01", "--among", among)
    assert result.status == 2
    assert "no line of" in result.complaint


def test_lists_may_be_of_another_system(trained: Segue, tmp_path: Path) -> None:
    among, exclude = tmp_path / "among.txt", tmp_path / "exclude.txt"
    among.write_bytes("\ufefft05\r\nt07\r\n".encode())
    exclude.write_bytes("\ufefft07\n".encode())
    words = ("recommend", "u01", "--among", among, "--exclude", exclude, "--json")
    assert [i["track_id"] for i in trained(*words).json["items"]] == ["t05"]


def test_lists_hold_ids_as_they_are(segue: Segue, tmp_path: Path) -> None:
    tracks, among = tmp_path / "tracks.csv", tmp_path / "among.txt"
    tracks.write_text('track_id\n"a\u2028b"\n" lead"\nplain\n', "utf-8")
    listens = tmp_path / "listens.csv"
    listens.write_text("user_id,track_id\nann,plain\n")
    assert segue("import", "tracks", tracks).status == 0
    assert segue("import", "listens", listens).status == 0
    assert segue("train").status == 0
    among.write_text("a\u2028b\n lead\n", "utf-8")
    found = segue("recommend", "ann", "--among", among, "--json").json["items"]
    assert {item["track_id"] for item in found} == {"a\u2028b", " lead"}


def test_a_bad_row_of_a_history_names_no_option_of_another_command(
    trained: Segue, tmp_path: Path
) -> None:
    history = tmp_path / "history.csv"
    history.write_text("user_id,track_id,count\nx,t01,0\n")
    result = trained("recommend", "--history", history)
    assert result.status == 1
    assert result.complaint.endswith("Received: 0. Correct the row.")
    assert "--skip-bad-rows" in trained("import", "listens", history).complaint


def test_a_user_can_be_written_to_a_file(trained: Segue, tmp_path: Path) -> None:
    out = tmp_path / "one.csv"
    assert trained("recommend", "u01", "-n", 2, "--out", out).status == 0
    assert pd.read_csv(out)["rank"].tolist() == [1, 2]


def test_similar_to_a_track(trained: Segue) -> None:
    document = trained("similar", "t03", "-n", 3, "--json").json
    assert {int(i["track_id"][1:]) % 2 for i in document["items"]} == {1}
    assert trained("similar", "t03", "--by", "listeners", "-n", 2).status == 0


def test_similar_to_a_track_of_which_nothing_is_known(segue: Segue, files: dict[str, Path]) -> None:
    with files["tracks"].open("a") as file:
        file.write("bare,,,,,,\n")
    for kind in ("tracks", "listens", "embeddings"):
        assert segue("import", kind, files[kind]).status == 0
    assert segue("train", "cf").status == 0
    result = segue("similar", "bare")
    assert "has no embedding and no plays in the current bundle" in result.complaint


def test_similar_says_where_tracks_sound_alike(trained: Segue, tmp_path: Path) -> None:
    header = trained("similar", "t02").out.splitlines()[0]
    assert header.endswith("sources")  # nothing is known of passages
    registry = BundleRegistry(Home(tmp_path / "home").bundles)
    contents = with_segments(registry.open_current().contents)
    registry.publish(write_bundle(registry.root, contents))
    words = ("similar", "t02", "--by", "audio", "-n", 20)
    header, *lines = (line.split("\t") for line in trained(*words).out.splitlines())
    assert header[-1] == "where"
    where = {line[1]: line[-1] for line in lines}
    assert where["t05"] == "0:30-1:00 of this sounds like 0:30-1:00 of that"
    assert where["t11"] == ""
    items = {i["track_id"]: i for i in trained(*words, "--json").json["items"]}
    assert [s["similarity"] for s in items["t08"]["segments"]] == [1.0, 1.0]
    assert "segments" not in items["t11"]


def test_similar_to_nothing_known(trained: Segue, tmp_path: Path) -> None:
    result = trained("similar", "no-such-track")
    assert result.status == 1
    assert "no track and no file 'no-such-track'" in result.complaint
    nothing = trained("similar", "")
    assert nothing.status == 2
    assert "TRACK must be a track id or a sound file" in nothing.complaint
    late = tmp_path / "late.csv"
    late.write_text("track_id\nlate\n")
    assert trained("import", "tracks", late).status == 0
    result = trained("similar", "late")
    assert result.status == 1
    assert "The track 'late' came after the current bundle. `segue train`" in result.complaint
    file = tmp_path / "file.mp3"
    file.write_bytes(b"x")
    assert "no audio encoder" in trained("similar", file).complaint
    assert trained("similar", file, "--by", "listeners").status == 2


def test_evaluate(trained: Segue, tmp_path: Path) -> None:
    page, report = tmp_path / "report.html", tmp_path / "report.json"
    words = ("evaluate", "--protocol", "random", "-k", 3, "--html", page, "--json")
    result = trained(*words, report)
    assert result.status == 0
    assert "ndcg@3" in result.out
    assert page.read_text().lstrip().lower().startswith("<!doctype html>")
    printed = trained("evaluate", "--protocol", "random", "-k", 3, "--json", "-")
    assert printed.json["protocol"] == "random"
    twice = trained("evaluate", "--protocol", "random", "-k", 3, "--repeats", 2).out
    assert twice.startswith("Protocol random, 2 splits: ")
    untimed = trained("evaluate", "--protocol", "temporal")
    assert untimed.status == 1
    assert untimed.complaint


@pytest.mark.parametrize("name", ["map.html", "map.png"])
def test_map(trained: Segue, tmp_path: Path, name: str) -> None:
    out = tmp_path / name
    assert trained("map", "--out", out, "--service", "http://127.0.0.1:8000").status == 0
    assert out.stat().st_size > 1000


def test_a_map_that_cannot_be_drawn(trained: Segue, tmp_path: Path) -> None:
    out = tmp_path / "map.html"
    for words, message in (
        (["--out", tmp_path / "map.txt"], "must end in .png or .html. Received: "),
        (["--out", tmp_path / "home" / "segue.db" / "map.png"], "cannot be written here: "),
        (["--out", out, "--audio-url", "{id}"], "Received: '{id}'"),
        (["--out", out, "--audio-url", "a", "--service", "b"], "Give one of them"),
    ):
        result = trained("map", *words)
        assert result.status == 2
        assert message in result.complaint
    (tmp_path / "empty").mkdir()
    result = trained("map", "--out", out, home=tmp_path / "empty")
    assert result.status == 1
    assert "There is no bundle yet" in result.complaint
    assert not out.exists()


def test_bundles(trained: Segue, tmp_path: Path) -> None:
    first = trained("bundle", "list", "--json").json["items"][0]["bundle"]
    assert trained("train", "cf", "--no-publish").status == 0
    listed = trained("bundle", "list", "--json").json["items"]
    assert [row["current"] for row in listed] == [True, False]
    second = listed[1]["bundle"]
    assert trained("bundle", "publish", second).status == 0
    assert trained("bundle", "show").json["parent"] == first
    assert trained("bundle", "rollback").out == f"Bundle {first} is current again.\n"
    assert trained("bundle", "verify").status == 0
    plays = tmp_path / "home" / "bundles" / second / "plays.npy"
    plays.write_bytes(plays.read_bytes()[:-1])
    broken = trained("bundle", "verify", second)
    assert broken.status == 1
    assert "corrupt" in broken.complaint
    refused = trained("bundle", "publish", second)
    assert refused.status == 1
    assert trained("bundle", "show", "--home", tmp_path / "home").json["bundle_id"] == first


def test_training_reports_in_json(trained: Segue) -> None:
    report = trained("train", "--json").json
    assert report["published"] is True
    assert report["acoustic"] == "imported"
    assert report["users"] == 12
    assert report["bad_files"] == []
