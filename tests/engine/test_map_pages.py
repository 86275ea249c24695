from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from data.catalog import Track
from data.errors import DataError, ParameterError
from engine.maps import elsewhere, own_files, write_map
from engine.maps.groups import REST_NAME
from engine.maps.page import script_json

EVIL = "</script><script>alert(1)</script><!-- &amp; \u2028 'quoted\" \\u003c @STYLE@"


def some_tracks(n: int) -> list[Track]:
    return [
        Track(f"t{i}", title=f"Title {i}", artist=f"Artist {i % 4}", genre="Rock|Pop")
        for i in range(n)
    ]


class _Page(HTMLParser):
    """The elements of a page, its scripts, addresses and policy."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.texts: dict[str, list[str]] = {"script": [], "style": [], "h1": []}
        self.links: list[str] = []
        self.policy = ""
        self._within = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.links += [v or "" for k, v in attrs if k in ("src", "href")]
        if dict(attrs).get("http-equiv") == "Content-Security-Policy":
            self.policy = dict(attrs)["content"] or ""
        self._within = tag
        if tag in self.texts:
            self.texts[tag].append("")

    def handle_endtag(self, tag: str) -> None:  # noqa: ARG002 - as HTMLParser calls it
        self._within = ""

    def handle_data(self, data: str) -> None:
        if self._within in self.texts:
            self.texts[self._within][-1] += data

    @property
    def data(self) -> dict[str, object]:
        content: dict[str, object] = json.loads(self.texts["script"][0])
        return content


def page_of(tmp_path: Path, tracks: list[Track], **options: object) -> _Page:
    points = np.linspace(-1, 1, 2 * len(tracks)).reshape(-1, 2)
    write_map(tmp_path / "map.html", points.astype(np.float32), tracks=tracks, **options)
    return _Page((tmp_path / "map.html").read_text("utf-8"))


def unpacked(text: object, dtype: str) -> list[int]:
    return np.frombuffer(base64.b64decode(str(text)), dtype).tolist()


def test_a_page_holds_every_track(tmp_path: Path) -> None:
    page = page_of(tmp_path, [*some_tracks(3), Track("bare")], heading="A & B")
    data = page.data
    assert page.texts["h1"] == ["A & B"]
    assert data["titles"] == ["Title 0", "Title 1", "Title 2", "bare"]
    # -1 is 0, and 1 is 65535; between them are seven steps of two sevenths.
    steps = [0, 9362, 18724, 28086, 37449, 46811, 56173, 65535]
    assert unpacked(data["points"], "<u2") == steps
    assert data["artists"]["names"] == ["Artist 0", "Artist 1", "Artist 2", ""]
    assert unpacked(data["artists"]["of"], "<u4") == [0, 1, 2, 3]
    assert data["genres"]["names"] == ["Rock, Pop", ""]
    assert unpacked(data["genres"]["of"], "<u4") == [0, 0, 0, 1]
    assert data["audio"] is None


def test_a_page_has_both_colourings_the_one_asked_for_first(tmp_path: Path) -> None:
    tracks = [*some_tracks(3), Track("bare")]
    genre, artist = page_of(tmp_path, tracks).data["colourings"]
    assert (genre["by"], artist["by"]) == ("genre", "artist")
    assert unpacked(genre["of"], "u1") == [0, 0, 0, 1]
    shown = [(g["name"], g["size"], g["rest"]) for g in genre["groups"]]
    assert shown == [("Rock", 3, False), (REST_NAME, 1, True)]
    assert unpacked(artist["of"], "u1") == [0, 1, 2, 3]
    by = [c["by"] for c in page_of(tmp_path, tracks, colour_by="artist").data["colourings"]]
    assert by == ["artist", "genre"]


def test_a_page_needs_nothing_from_elsewhere(tmp_path: Path) -> None:
    page = page_of(tmp_path, some_tracks(3))
    assert page.links == []
    assert "http:" not in (tmp_path / "map.html").read_text("utf-8")
    assert "default-src 'none'" in page.policy


def test_the_policy_lets_the_pages_own_script_and_style_run(tmp_path: Path) -> None:
    page = page_of(tmp_path, some_tracks(3))
    for kind, text in (("script", page.texts["script"][1]), ("style", page.texts["style"][0])):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in page.policy
    assert "unsafe" not in page.policy


def test_fifty_thousand_tracks_are_a_small_page(tmp_path: Path) -> None:
    tracks = [
        Track(f"{i:012x}", title=f"A title of usual length {i}", artist=f"Artist {i % 5000}")
        for i in range(50_000)
    ]
    page_of(tmp_path, tracks, audio_url=elsewhere("https://example.org/{track_id}"))
    assert (tmp_path / "map.html").stat().st_size < 4e6


def test_hostile_names_stay_text(tmp_path: Path) -> None:
    plain = page_of(tmp_path, some_tracks(3)).elements
    tracks = [*some_tracks(2), Track(EVIL[:9], title=EVIL, artist=EVIL, genre=EVIL)]
    page = page_of(tmp_path, tracks, audio_url=lambda track: track.track_id, heading=EVIL)
    assert page.elements == plain  # no element more than without them
    assert page.texts["h1"] == [EVIL]
    data = page.data
    assert data["titles"][2] == data["artists"]["names"][2] == EVIL
    assert data["audio"]["middles"][2] == "</script>"
    assert data["colourings"][0]["groups"][-1]["name"] == EVIL


def test_json_in_a_script_has_no_markup():
    text = script_json({"a": EVIL})
    assert not set(text) & set("<>&\u2028\u2029")
    assert json.loads(text) == {"a": EVIL}


def test_the_script_writes_texts_only_as_texts(tmp_path: Path) -> None:
    script = page_of(tmp_path, some_tracks(3)).texts["script"][1]
    assert "textContent" in script
    for sink in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
        assert sink not in script


def test_every_element_that_the_script_looks_for_is_there(tmp_path: Path) -> None:
    page_of(tmp_path, some_tracks(3))
    text = (tmp_path / "map.html").read_text("utf-8")
    wanted = set(re.findall(r"""(?:\$|getElementById)\("(\w+)"\)""", text))
    assert len(wanted) > 10
    assert wanted <= set(re.findall(r' id="(\w+)"', text))


# Sound


def test_own_files_are_reached_from_the_page(tmp_path: Path) -> None:
    url = own_files(tmp_path / "maps" / "map.html")
    inside = tmp_path / "maps" / "a b" / "100%?#é.mp3"
    assert url(Track("t", audio_path=str(inside))) == "a%20b/100%25%3F%23%C3%A9.mp3"
    beside = tmp_path / "clips" / "a:b.mp3"
    assert url(Track("t", audio_path=str(beside))) == "../clips/a%3Ab.mp3"
    assert url(Track("t")) is None
    assert url(Track("t", audio_path="relative.mp3")) is None


def test_a_linked_folder_of_pages_is_seen_through(tmp_path: Path) -> None:
    (tmp_path / "real" / "deep").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "real" / "deep")
    url = own_files(tmp_path / "link" / "map.html")
    assert url(Track("t", audio_path=str(tmp_path / "a.mp3"))) == "../../a.mp3"


@pytest.mark.parametrize(
    ("template", "url"),
    [
        ("https://x.org/clips", "https://x.org/clips/a%20b.mp3"),
        ("clips/", "clips/a%20b.mp3"),
        ("/v1/tracks/{track_id}/audio", "/v1/tracks/x%2Fy%7Bfile%7D/audio"),
        ("https://x.org/{track_id}?f={file}", "https://x.org/x%2Fy%7Bfile%7D?f=a%20b.mp3"),
    ],
)
def test_sound_elsewhere(template: str, url: str) -> None:
    assert elsewhere(template)(Track("x/y{file}", audio_path="/music/a b.mp3")) == url


def test_sound_elsewhere_without_a_file() -> None:
    assert elsewhere("clips")(Track("t")) is None
    assert elsewhere("{track_id}.mp3")(Track("t")) == "t.mp3"


@pytest.mark.parametrize("template", ["", " ", "{", "x}", "{id}", "{}", "{track_id.__class__}"])
def test_what_is_no_address_of_sound(template: str) -> None:
    with pytest.raises(
        ParameterError, match=r"fields \{track_id\} and \{file\}, or none\. Received: "
    ):
        elsewhere(template)


@pytest.mark.parametrize(
    "urls",
    [
        ["../a/1.mp3", "../a/2.mp3", None],
        ["x", "x"],
        ["aba", "aa"],  # what is common to both ends must not be counted twice
        [None, None],
        ["../a/1.mp3"],
    ],
)
def test_addresses_come_back_from_their_parts(tmp_path: Path, urls: list[str | None]) -> None:
    tracks = [Track(f"t{i}") for i in range(len(urls))]
    given = dict(zip(tracks, urls, strict=True))
    audio = page_of(tmp_path, tracks, audio_url=given.get).data["audio"]
    back = [m if m is None else audio["head"] + m + audio["tail"] for m in audio["middles"]]
    assert back == urls


# What cannot be written


def test_what_cannot_be_written(tmp_path: Path) -> None:
    points = np.zeros((3, 2), np.float32)
    with pytest.raises(ParameterError, match=r"must end in \.png or \.html. Received: '.*map.pdf'"):
        write_map(tmp_path / "map.pdf", points, tracks=some_tracks(3))
    with pytest.raises(ParameterError, match=r"`colour_by` must be one of artist, genre"):
        write_map(tmp_path / "map.png", points, tracks=some_tracks(3), colour_by="album")
    with pytest.raises(DataError, match=r"A map of 2 tracks .*shape \(3, 2\)"):
        write_map(tmp_path / "map.png", points, tracks=some_tracks(2))
    with pytest.raises(DataError, match="finite points"):
        write_map(tmp_path / "map.png", points + np.nan, tracks=some_tracks(3))
    assert not list(tmp_path.iterdir())


def test_places_that_cannot_be_written_to(tmp_path: Path) -> None:
    points, tracks = np.zeros((3, 2), np.float32), some_tracks(3)
    (tmp_path / "folder.html").mkdir()
    (tmp_path / "file").touch()
    for path in (tmp_path / "folder.html", tmp_path / "file" / "deep" / "map.png"):
        with pytest.raises(ParameterError, match=r"cannot be written here: '.*'. Choose another"):
            write_map(path, points, tracks=tracks)
    write_map(tmp_path / "new" / "folder" / "map.html", points, tracks=tracks)
    assert (tmp_path / "new" / "folder" / "map.html").is_file()
