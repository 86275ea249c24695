from __future__ import annotations

import io
import json
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

from data.catalog import Track
from data.errors import DataError, ParameterError
from engine.maps import project, write_map
from engine.maps.groups import PALETTE, REST_NAME, group_tracks
from engine.maps.page import script_json
from engine.maps.script import SCRIPT

EVIL = "</script><script>alert(1)</script><!-- &amp; \u2028 'quoted\" \\u003c"


def clusters(size: int = 20, width: int = 8) -> np.ndarray:
    """Three well-parted bundles of unit vectors."""
    rng = np.random.default_rng(0)
    centres = np.repeat(np.eye(width)[:3], size, axis=0)
    rows = centres + 0.05 * rng.standard_normal(centres.shape)
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def some_tracks(n: int) -> list[Track]:
    return [
        Track(f"t{i}", title=f"Title {i}", artist=f"Artist {i % 4}", genre="Rock|Pop")
        for i in range(n)
    ]


# Projection


@pytest.mark.parametrize("method", ["pca", "tsne"])
def test_clusters_stay_apart(method: str) -> None:
    points = project(clusters(), method=method, seed=1)
    assert points.shape == (60, 2)
    assert points.dtype == np.float32
    assert np.abs(points).max() == pytest.approx(1.0)
    assert points.max(axis=0) == pytest.approx(-points.min(axis=0), abs=1e-6)
    groups = points.reshape(3, 20, 2)
    centres = groups.mean(axis=1)
    spread = np.linalg.norm(groups - centres[:, np.newaxis], axis=2).max()
    gaps = np.linalg.norm(centres - np.roll(centres, 1, axis=0), axis=1)
    assert gaps.min() > 2 * spread


def test_pca_finds_the_long_axis():
    """Points on a line, in any direction, are laid along x in proportion."""
    line = np.outer([0, 1, 2, 4], [0.6, 0.0, 0.8]).astype(np.float32)
    points = project(line, method="pca")
    assert np.sort(np.abs(np.diff(points[:, 0]))) == pytest.approx([0.5, 0.5, 1.0], abs=1e-6)
    assert points[:, 1] == pytest.approx(np.zeros(4), abs=1e-6)


@pytest.mark.parametrize("method", ["pca", "tsne"])
@pytest.mark.parametrize("shape", [(3, 4), (4, 1), (5, 2)])
def test_small_maps(method: str, shape: tuple[int, int]) -> None:
    points = project(np.random.default_rng(0).random(shape, np.float32), method=method)
    assert points.shape == (shape[0], 2)
    assert np.isfinite(points).all()


@pytest.mark.parametrize("method", ["pca", "tsne"])
def test_identical_tracks_share_a_point(method: str) -> None:
    assert project(np.ones((5, 3), np.float32), method=method).tolist() == [[0, 0]] * 5


@pytest.mark.parametrize("method", ["pca", "tsne"])
def test_a_seed_gives_one_map(method: str) -> None:
    first, again = (project(clusters(6), method=method, seed=3) for _ in range(2))
    assert (first == again).all()


def test_what_cannot_be_projected():
    with pytest.raises(ParameterError, match=r"'umap' is not available yet. Choose one of pca"):
        project(clusters(), method="umap")
    with pytest.raises(ParameterError, match=r"`method` must be one of.*Received: 'mds'"):
        project(clusters(), method="mds")
    with pytest.raises(DataError, match=r"at least 3 tracks.*Received: shape \(2, 8\)"):
        project(clusters()[:2])
    with pytest.raises(DataError, match="must be finite"):
        project(np.full((4, 2), np.nan, np.float32))


# Groups


def test_groups_are_the_most_frequent_then_the_rest():
    tracks = [Track("a", genre="Rock|Pop"), Track("b", genre="Jazz"), Track("c", genre=" Rock ")]
    tracks += [Track("d"), Track("e", genre="")]
    groups = group_tracks(tracks, by="genre")
    assert [(g.name, g.members) for g in groups] == [
        ("Rock", (0, 2)),
        ("Jazz", (1,)),
        (REST_NAME, (3, 4)),
    ]


def test_rare_groups_and_a_group_named_like_the_rest_are_the_rest():
    tracks = [Track(f"{i}", artist=f"artist {i:02}") for i in range(len(PALETTE) + 2)]
    tracks += [Track("x", artist=REST_NAME)] * 2
    groups = group_tracks(tracks, by="artist")
    assert len(groups) == len(PALETTE) + 1
    assert groups[-1].members == tuple(range(len(PALETTE), len(tracks)))
    assert len({g.colour for g in groups}) == len(groups)


def test_every_track_is_in_one_group():
    groups = group_tracks(some_tracks(30), by="artist")
    assert sorted(i for g in groups for i in g.members) == list(range(30))


# Pictures


def test_a_picture(tmp_path: Path) -> None:
    tracks = some_tracks(60)
    # Names that matplotlib would read as mathematics, hide, or have no glyph for.
    for i, name in enumerate(["$x^", "_hidden", "日本", "two\nlines", "x" * 300]):
        tracks[i] = Track(f"t{i}", artist=name)
    path = tmp_path / "map.PNG"
    write_map(path, project(clusters(), method="pca"), tracks=tracks, colour_by="artist")
    image = imread(io.BytesIO(path.read_bytes()), format="png")
    assert image.shape[:2] == (1200, 1800)
    for colour in PALETTE[:4]:  # the four real artists have a visible colour each
        wanted = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
        assert (np.abs(image[..., :3] - wanted).max(axis=-1) < 0.02).sum() > 50
    assert list(tmp_path.iterdir()) == [path]


# Pages


class _Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.scripts: list[str] = []
        self.links: list[str] = []
        self._within = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.links += [v or "" for k, v in attrs if k in ("src", "href")]
        self._within = tag == "script"
        if self._within:
            self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:  # noqa: ARG002 - as HTMLParser calls it
        self._within = False

    def handle_data(self, data: str) -> None:
        if self._within:
            self.scripts[-1] += data


def page_of(tmp_path: Path, tracks: list[Track], **options: object) -> _Page:
    points = np.linspace(-1, 1, 2 * len(tracks)).reshape(-1, 2)
    write_map(tmp_path / "map.html", points.astype(np.float32), tracks=tracks, **options)
    return _Page((tmp_path / "map.html").read_text("utf-8"))


def test_a_page_holds_every_track(tmp_path: Path) -> None:
    page = page_of(tmp_path, [*some_tracks(3), Track("bare")])
    data = json.loads(page.scripts[0])
    assert data["title"] == ["Title 0", "Title 1", "Title 2", "bare"]
    assert data["artist"] == ["Artist 0", "Artist 1", "Artist 2", ""]
    assert data["genre"] == ["Rock, Pop", "Rock, Pop", "Rock, Pop", ""]
    assert data["x"] == pytest.approx([-1, -0.4286, 0.1429, 0.7143])
    assert data["group"] == [0, 0, 0, 1]
    assert [(g["name"], g["size"]) for g in data["groups"]] == [("Rock", 3), (REST_NAME, 1)]
    assert data["url"] is None


def test_a_page_needs_nothing_from_elsewhere(tmp_path: Path) -> None:
    assert page_of(tmp_path, some_tracks(3)).links == []
    assert "http" not in (tmp_path / "map.html").read_text("utf-8")


def test_hostile_names_stay_text(tmp_path: Path) -> None:
    plain = page_of(tmp_path, some_tracks(3)).elements
    tracks = [*some_tracks(2), Track(EVIL[:9], title=EVIL, artist=EVIL, genre=EVIL)]
    page = page_of(tmp_path, tracks, audio_url=lambda track_id: f"/audio/{track_id}")
    assert page.elements == plain  # no element more than without them
    data = json.loads(page.scripts[0])
    assert data["title"][2] == data["artist"][2] == EVIL
    assert data["url"] == ["/audio/t0", "/audio/t1", "/audio/</script>"]
    assert data["groups"][-1]["name"] == EVIL


def test_json_in_a_script_has_no_markup():
    text = script_json({"a": EVIL})
    assert not set(text) & set("<>&\u2028\u2029")
    assert json.loads(text) == {"a": EVIL}


def test_the_script_writes_texts_only_as_texts():

    for sink in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
        assert sink not in SCRIPT


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
