from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

from data.catalog import Track
from data.errors import DataError, ParameterError
from engine.maps import METHODS, project, write_map
from engine.maps.groups import PALETTE, REST, REST_NAME, group_tracks, usual_colouring
from engine.maps.picture import render_picture

ROOT = Path(__file__).parents[2]


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


@pytest.mark.parametrize("method", METHODS)
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


@pytest.mark.parametrize("method", ["tsne", "umap"])
def test_neighbours_stay_neighbours(method: str) -> None:
    """Along a bent line in many dimensions, the nearest on the map is one of the next ones."""
    angle = np.linspace(0, 3, 80)
    line = np.column_stack([np.cos(angle), np.sin(angle), np.zeros((80, 8))]).astype(np.float32)
    points = project(line, method=method)
    apart = np.linalg.norm(points[:, np.newaxis] - points, axis=2) + 9 * np.eye(80)
    assert np.abs(apart.argmin(axis=1) - np.arange(80)).max() <= 3


def test_pca_finds_the_long_axis():
    """Points on a line, in any direction, are laid along x in proportion."""
    line = np.outer([0, 1, 2, 4], [0.6, 0.0, 0.8]).astype(np.float32)
    points = project(line, method="pca")
    assert np.sort(np.abs(np.diff(points[:, 0]))) == pytest.approx([0.5, 0.5, 1.0], abs=1e-6)
    assert points[:, 1] == pytest.approx(np.zeros(4), abs=1e-6)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("shape", [(3, 4), (4, 1), (5, 2), (10, 1), (12, 60)])
def test_small_maps(method: str, shape: tuple[int, int]) -> None:
    points = project(np.random.default_rng(0).random(shape, np.float32), method=method)
    assert points.shape == (shape[0], 2)
    assert np.isfinite(points).all()


@pytest.mark.parametrize("method", METHODS)
def test_identical_tracks_share_a_point(method: str) -> None:
    assert project(np.ones((5, 3), np.float32), method=method).tolist() == [[0, 0]] * 5


@pytest.mark.parametrize("method", ["tsne", "umap"])
def test_many_copies_lie_together(method: str) -> None:
    copies = np.repeat(clusters(2), 20, axis=0)  # of each more than UMAP asks for neighbours
    points = project(copies, method=method)
    assert np.isfinite(points).all()
    groups = points.reshape(6, 20, 2)
    assert groups.std(axis=1).max() < points.std(axis=0).min()


@pytest.mark.parametrize(("method", "differs"), [("pca", False), ("tsne", True), ("umap", True)])
def test_other_seeds_give_other_maps_but_pca_needs_none(method: str, differs: bool) -> None:
    first, other = (project(clusters(6), method=method, seed=seed) for seed in (0, 1))
    assert (first != other).any() == differs


def test_umap_does_not_bring_tensorflow_along(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import sys\n"
        "from engine.maps.layouts import _umap\n"
        "assert 'umap' not in sys.modules\n"
        "assert callable(_umap().UMAP)\n"
        "assert 'tensorflow' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-W", "error", script], check=True, cwd=ROOT)


@pytest.mark.parametrize("method", METHODS)
def test_a_seed_gives_one_map(method: str) -> None:
    first, again = (project(clusters(6), method=method, seed=3) for _ in range(2))
    assert (first == again).all()


def test_what_cannot_be_projected():
    with pytest.raises(ParameterError, match=r"`method` must be one of.*Received: 'mds'"):
        project(clusters(), method="mds")
    with pytest.raises(DataError, match=r"at least 3 tracks.*Received: shape \(2, 8\)"):
        project(clusters()[:2])
    with pytest.raises(DataError, match="must be finite"):
        project(np.full((4, 2), np.nan, np.float32))


# Groups


def test_colour_is_genre_where_half_of_the_tracks_have_one():
    tracks = [Track("a", genre="Rock"), Track("b"), Track("c", genre=" "), Track("d", genre="Pop")]
    assert usual_colouring(tracks) == "genre"
    assert usual_colouring(tracks[:3]) == "artist"


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


def test_a_picture_of_many_tracks_is_finer(tmp_path: Path) -> None:
    """Ten times the points cover less than ten times the paper, and still show their colours."""
    rng = np.random.default_rng(0)
    inked = []
    for count in (500, 5000):
        points = rng.uniform(-1, 1, (count, 2)).astype(np.float32)
        tracks = [Track(f"{i}", artist=f"{i % 3}") for i in range(count)]
        groups = group_tracks(tracks, by="artist")
        image = imread(io.BytesIO(render_picture(points, groups, heading="$x")), format="png")
        inked.append((image[..., :3].min(axis=-1) < 0.9).mean())
    assert inked[0] < inked[1] < 4 * inked[0]


def test_the_rest_is_drawn_below() -> None:
    """A grey dot and a coloured one at one place: the coloured one is seen, whatever the order."""
    points = np.array([[0, 0], [0, 0], [-1, -1], [1, 1]], np.float32)
    for tracks in ([Track("a"), Track("b", genre="x")], [Track("b", genre="x"), Track("a")]):
        groups = group_tracks([*tracks, Track("c"), Track("d")], by="genre")
        assert {g.colour for g in groups} == {PALETTE[0], REST}
        image = imread(io.BytesIO(render_picture(points, groups, heading="")), format="png")
        blue = (image[..., 2] - image[..., 0] > 0.4).nonzero()
        assert (blue[1] < 1300).sum() > 20  # on the map, not in the legend
