"""Debian packages made here, fetched by the real apt-get and unpacked by the real dpkg-deb."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest

from data.deb import VERSION_FILE, fetch_deb, sound_files, unpack_deb
from data.debian import PACKAGES_FILE, fetch_debian, read_packages
from data.debian_rules import is_held_back, is_music
from data.debian_tracks import list_tracks
from data.errors import DataError
from data.readers import read_tracks
from tests.data.debs import make_deb, make_source, sound

needs_dpkg = pytest.mark.skipif(
    shutil.which("dpkg-deb") is None, reason="dpkg-deb is not installed"
)
needs_apt = pytest.mark.skipif(
    shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None,
    reason="apt-get and dpkg-deb are not installed",
)

COPYRIGHT = b"""\
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/

Files: *
Copyright: 2001 Ann
License: GPL-2+

Files: music/*
Copyright: 2002 Bo
License: CC-BY-4.0
"""
LONG = sound(26)
POND = {
    "./usr/share/doc/pond/copyright": COPYRIGHT,
    "./usr/share/pond/music/frog.ogg": sound(25, title="Frog", artist="Bo  Reed"),
    "./usr/share/pond/music/duck.FLAC": sound(30, name="duck.flac", pitch=300),
    "./usr/share/pond/music/albums/deep_water/carp.mp3": sound(26, name="carp.mp3"),
    "./usr/share/pond/music/same.ogg": LONG,
    "./usr/share/pond/music/twice.ogg": LONG,
    "./usr/share/pond/title.ogg": sound(26, pitch=500),
    "./usr/share/pond/ambient/rain.ogg": sound(26, pitch=600),
    "./usr/share/pond/music/plop.ogg": sound(24.9),
    "./usr/share/pond/music/broken.ogg": b"no sound",
    "./usr/share/pond/music/readme.txt": b"not wanted",
}


@pytest.fixture(scope="module")
def pond(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the package pond is unpacked."""
    root = tmp_path_factory.mktemp("pond")
    unpack_deb(make_deb(root / "debs", "pond", POND), root / "music" / "pond")
    return root / "music"


@needs_dpkg
class TestUnpack:
    def test_long_sounds_the_copyright_file_and_the_version(self, pond: Path) -> None:
        found = {str(p.relative_to(pond / "pond")) for p in pond.rglob("*") if p.is_file()}
        assert found == {
            "VERSION",
            "usr/share/doc/pond/copyright",
            "usr/share/pond/ambient/rain.ogg",
            "usr/share/pond/title.ogg",
            *(
                f"usr/share/pond/music/{name}"
                for name in ("frog.ogg", "duck.FLAC", "same.ogg", "twice.ogg")
            ),
            "usr/share/pond/music/albums/deep_water/carp.mp3",
        }
        assert (pond / "pond" / VERSION_FILE).read_text() == "1.0-1\n"

    def test_a_large_file_behind_the_sounds(self, tmp_path: Path) -> None:
        # More than a pipe holds: dpkg-deb would fail if nobody read to the end.
        files = {"./usr/a.ogg": LONG, "./usr/z.bin": bytes(3_000_000)}
        unpack_deb(make_deb(tmp_path, "big", files), tmp_path / "big")
        assert [p.name for p in sound_files(tmp_path / "big")] == ["a.ogg"]

    def test_what_a_broken_run_left_is_replaced(self, tmp_path: Path) -> None:
        (tmp_path / ".a-b.part").mkdir()
        (tmp_path / ".a-b.part" / "half.ogg").write_bytes(LONG)
        unpack_deb(make_deb(tmp_path, "a-b", {"./whole.ogg": LONG}), tmp_path / "a-b")
        assert [p.name for p in sound_files(tmp_path)] == ["whole.ogg"]

    def test_nothing_leaves_the_folder(self, tmp_path: Path) -> None:
        deb = make_deb(tmp_path, "evil", {"./a.ogg": LONG, "../../evil.ogg": LONG})
        with pytest.raises(DataError, match=r"evil_1\.0-1_all\.deb cannot be unpacked: .*outside"):
            unpack_deb(deb, tmp_path / "deep" / "evil")
        assert list(tmp_path.rglob("*.ogg")) == []

    @pytest.mark.parametrize("size", [0, 100, -2000])
    def test_a_damaged_package(self, tmp_path: Path, size: int) -> None:
        deb = make_deb(tmp_path, "cut", {"./a.ogg": LONG, "./b.bin": bytes(9)})
        deb.write_bytes(deb.read_bytes()[:size])
        with pytest.raises(DataError, match=r"cannot be unpacked: .*Fetch it anew"):
            unpack_deb(deb, tmp_path / "cut")
        assert [p.name for p in tmp_path.iterdir()] == [deb.name]


@pytest.fixture(scope="module")
def tracks(pond: Path) -> pd.DataFrame:
    return list_tracks(pond, ["pond"]).set_index("audio_path")


@needs_dpkg
class TestTracks:
    def test_tags_and_what_stands_in_for_them(self, tracks: pd.DataFrame) -> None:
        frog, duck = (
            tracks.loc[f"pond/usr/share/pond/music/{n}"] for n in ("frog.ogg", "duck.FLAC")
        )
        assert [frog["title"], frog["artist"], frog["album"]] == ["Frog", "Bo Reed", "pond"]
        assert [duck["title"], duck["artist"], duck["album"]] == ["duck", "pond", "pond"]

    def test_a_folder_of_an_album(self, tracks: pd.DataFrame) -> None:
        carp = tracks.loc["pond/usr/share/pond/music/albums/deep_water/carp.mp3"]
        assert carp["album"] == "pond deep_water"

    def test_licences(self, tracks: pd.DataFrame) -> None:
        assert tracks.loc["pond/usr/share/pond/music/frog.ogg", "license"] == "CC-BY-4.0"
        assert tracks.loc["pond/usr/share/pond/title.ogg", "license"] == "GPL-2+"

    def test_no_noise_and_nothing_twice(self, tracks: pd.DataFrame) -> None:
        names = [path.rpartition("/")[2] for path in tracks.index]
        assert names == ["carp.mp3", "duck.FLAC", "frog.ogg", "same.ogg", "title.ogg"]

    def test_ids_depend_on_the_package_and_the_path_alone(self, tracks: pd.DataFrame) -> None:
        # sha256("pond/usr/share/pond/title.ogg")
        assert tracks.loc["pond/usr/share/pond/title.ogg", "track_id"] == "debian-557a67922112"
        assert tracks["track_id"].is_unique

    def test_held_back_artists(self, tmp_path: Path) -> None:
        files = {
            "./usr/a.ogg": sound(25, artist="MaxStack"),
            "./usr/b.ogg": sound(25, artist="Wansti"),
            "./usr/c.ogg": sound(25, pitch=300),
        }
        unpack_deb(make_deb(tmp_path, "supertux-data", files), tmp_path / "supertux-data")
        tracks = list_tracks(tmp_path, ["supertux-data"])
        assert list(tracks["artist"]) == ["Wansti"]
        assert list(tracks["license"]) == [None]


@needs_apt
class TestFetch:
    @pytest.fixture(autouse=True)
    def source(
        self, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
    ) -> Path:
        root = tmp_path_factory.mktemp("apt")
        debs = [
            make_deb(root / "debs", "pond", {"./usr/frog.ogg": LONG}),
            make_deb(root / "debs", "lake", {"./usr/pike.ogg": sound(25)}, version="1:2.0"),
        ]
        monkeypatch.setenv("APT_CONFIG", str(make_source(root, debs)))
        return root / "debs"

    def test_one_package(self, source: Path, tmp_path: Path) -> None:
        deb = fetch_deb("pond", tmp_path)
        assert deb.parent == tmp_path
        assert deb.read_bytes() == (source / "pond_1.0-1_all.deb").read_bytes()

    def test_packages_become_a_tracks_file(self, tmp_path: Path) -> None:
        calls: list[tuple[int, int, str]] = []
        wanted = {"lake": "1:2.0", "absent": "", "pond": "0.9"}
        music = fetch_debian(tmp_path / "new", wanted, progress=lambda *call: calls.append(call))
        assert music.count == 2
        assert music.missing == {"absent": "Unable to locate package absent"}
        assert music.other_versions == {"pond": "1.0-1"}
        assert calls == [(1, 3, "lake"), (2, 3, "absent"), (3, 3, "pond")]
        tracks = pd.concat(read_tracks(music.tracks))
        assert list(tracks["title"]) == ["pike", "frog"]
        assert all(Path(path).is_file() for path in tracks["audio_path"])
        assert sorted(p.name for p in (tmp_path / "new").iterdir()) == [
            "lake",
            "pond",
            "tracks.csv",
        ]

    def test_what_is_there_is_not_fetched_again(self, source: Path, tmp_path: Path) -> None:
        first = fetch_debian(tmp_path, {"pond": ""})
        (source / "pond_1.0-1_all.deb").unlink()
        assert fetch_debian(tmp_path, {"pond": ""}) == first
        (tmp_path / "pond" / VERSION_FILE).unlink()  # as if it were not of our making
        with pytest.raises(DataError, match="None of the 1 packages can be had"):
            fetch_debian(tmp_path, {"pond": ""})

    def test_none_can_be_had(self, tmp_path: Path) -> None:
        with pytest.raises(
            DataError, match=r"None of the 2 .* Unable to locate package b1.*update"
        ):
            fetch_debian(tmp_path, {"a1": "", "b1": ""})

    def test_a_folder_that_cannot_be_written(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        with pytest.raises(DataError, match=r"file cannot be written: .* Choose another"):
            fetch_debian(tmp_path / "file", {"pond": ""})


def test_without_the_programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DataError, match="apt-get and dpkg-deb cannot be found"):
        fetch_debian(tmp_path / "out", {"pond": ""})


class TestList:
    def test_the_shipped_list(self) -> None:
        packages = read_packages()
        assert len(packages) == 63
        assert packages["widelands-data"] == "2:1.1-3"
        assert all(packages.values())
        assert list(packages) == sorted(packages)
        dropped = {"bumprace-data", "megaglest-data", "planetblupi-music-ogg"}
        dropped |= {"starfighter-data", "val-and-rick-data"}
        assert not dropped & set(packages)
        assert all(name in PACKAGES_FILE.read_text() for name in dropped)

    def test_names_versions_and_comments(self, tmp_path: Path) -> None:
        path = tmp_path / "list.txt"
        path.write_text("# music\n\npond  1:2.0~rc1-3 # good\n lib+x1.0\n")
        assert read_packages(path) == {"pond": "1:2.0~rc1-3", "lib+x1.0": ""}

    @pytest.mark.parametrize("line", ["-oDir=/", "Pond", "../pond", "p", "pond 1 2", "a b c"])
    def test_lines_that_are_no_package(self, tmp_path: Path, line: str) -> None:
        path = tmp_path / "list.txt"
        path.write_text(f"pond\n{line}\n")
        with pytest.raises(DataError, match=r"^list\.txt, line 2: a package's name"):
            read_packages(path)

    def test_lists_that_cannot_be_read(self, tmp_path: Path) -> None:
        path = tmp_path / "list.txt"
        with pytest.raises(DataError, match="cannot be read as a list of packages"):
            read_packages(path)
        path.write_text("# nothing\n")
        with pytest.raises(DataError, match="names no package"):
            read_packages(path)


class TestRules:
    @pytest.mark.parametrize(
        "path",
        [
            "usr/share/games/btanks/data/sounds/ambient/city.ogg",
            "usr/share/games/lugaru/Sounds/Wind.ogg",
            "usr/share/games/lugaru/Sounds/DesertAmbient.ogg",
            "usr/share/games/widelands/data/sound/animals/coyote_00.ogg",
            "usr/share/unknown-horizons/content/audio/music/waves.ogg",
        ],
    )
    def test_noise(self, path: str) -> None:
        assert not is_music(path)

    @pytest.mark.parametrize("name", ["tailwind.ogg", "Ambience.ogg", "AmbientBattle.ogg"])
    def test_music_that_is_called_like_noise(self, name: str) -> None:
        assert is_music(f"usr/share/games/x/music/{name}")

    def test_held_back(self) -> None:
        assert is_held_back("supertux-data", "http://zhaymusic.com/")
        assert is_held_back("supertux-data", None)
        assert not is_held_back("supertux-data", "Wansti")
        assert is_held_back("widelands-data", "")
        assert not is_held_back("pond", None)
