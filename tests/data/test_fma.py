"""FMA: a small archive of the real shape, read, and served by a real server."""

import csv
import hashlib
import io
import zipfile

import pandas as pd
import pytest

from data.archive import unpack
from data.catalog import TRACK_COLUMNS, Catalog
from data.errors import DataError, ParameterError
from data.fma import CHECKSUMS, SIZES, fetch_fma, read_fma_tracks
from data.readers import read_tracks
from tests.data.file_server import serving

# The columns of the real file that are read, among some that are not.
HEADER = [
    ("album", "comments"),
    ("album", "date_released"),
    ("album", "title"),
    ("artist", "bio"),
    ("artist", "name"),
    ("set", "split"),
    ("set", "subset"),
    ("track", "genre_top"),
    ("track", "genres"),
    ("track", "genres_all"),
    ("track", "license"),
    ("track", "listens"),
    ("track", "title"),
]


def row(track_id, subset, **fields):
    values = {
        "album comments": "0",
        "album date_released": "2009-01-05 00:00:00",
        "album title": "An Album",
        "artist bio": '<p>A "long"\ntext, with\n\nline ends</p>',
        "artist name": "An Artist",
        "set split": "training",
        "set subset": subset,
        "track genre_top": "Rock",
        "track genres": "[12]",
        "track genres_all": "[12]",
        "track license": "CC BY",
        "track listens": "7",
        "track title": f"Title {track_id}",
    }
    values |= {name.replace("_", " ", 1): value for name, value in fields.items()}
    return [str(track_id), *(values[" ".join(pair)] for pair in HEADER)]


ROWS = [
    row(2, "small", track_title="NA", album_date_released=""),
    row(1480, "medium", track_genre_top="", track_genres_all="[12, 85, 999]"),
    row(155320, "large", artist_name="", track_genre_top="", track_genres_all="[]"),
    row(5, "small", album_date_released="not a date"),
]
GENRES = "genre_id,#tracks,parent,title,top_level\n12,32923,0,Rock,12\n85,9261,12,Garage,12\n"


def tracks_csv(rows=ROWS, header=HEADER, index="track_id"):
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["", *(group for group, _ in header)])
    writer.writerow(["", *(name for _, name in header)])
    writer.writerow([index, *("" for _ in header)])
    writer.writerows(rows)
    return text.getvalue()


def zipped(members, compression=zipfile.ZIP_DEFLATED):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return data.getvalue()


@pytest.fixture
def metadata(tmp_path):
    folder = tmp_path / "fma_metadata"
    folder.mkdir()
    (folder / "tracks.csv").write_text(tracks_csv(), encoding="utf-8")
    (folder / "genres.csv").write_text(GENRES)
    return folder / "tracks.csv"


class TestRead:
    @pytest.mark.parametrize(
        ("size", "ids"),
        [
            ("small", ["2", "5"]),
            ("medium", ["2", "1480", "5"]),
            ("large", ["2", "1480", "155320", "5"]),
            ("full", ["2", "1480", "155320", "5"]),
        ],
    )
    def test_sizes_are_nested(self, metadata, size, ids):
        frame = read_fma_tracks(metadata, size=size)
        assert frame["track_id"].tolist() == ids
        assert frame.columns.tolist() == ["track_id", *TRACK_COLUMNS]

    def test_the_fields(self, metadata):
        frame = read_fma_tracks(metadata, size="full").set_index("track_id")
        assert frame.loc["5"].to_dict() == {
            "title": "Title 5",
            "artist": "An Artist",
            "album": "An Album",
            "genre": "Rock",
            "released_at": None,
            "license": "CC BY",
            "audio_path": None,
        }
        assert frame.loc["2", "title"] == "NA"
        assert frame["released_at"].tolist() == [None, "2009-01-05", "2009-01-05", None]
        assert frame["genre"].tolist() == ["Rock", "Rock|Garage", None, "Rock"]
        assert frame.loc["155320", "artist"] is None

    def test_without_the_names_of_genres(self, metadata):
        metadata.with_name("genres.csv").unlink()
        frame = read_fma_tracks(metadata, size="full")
        assert frame["genre"].tolist() == ["Rock", None, None, "Rock"]

    @pytest.mark.parametrize("numbers", ["", "Rock", "12", '["12"]'])
    def test_genres_that_are_no_list_of_numbers(self, metadata, numbers):
        rows = [row(2, "small", track_genre_top="", track_genres_all=numbers)]
        metadata.write_text(tracks_csv(rows), encoding="utf-8")
        assert read_fma_tracks(metadata)["genre"].tolist() == [None]

    def test_the_layout_of_the_audio(self, metadata, tmp_path):
        for name in ("000/000002.mp3", "155/155320.mp3"):
            path = tmp_path / "audio" / name
            path.parent.mkdir(parents=True)
            path.write_bytes(b"")
        frame = read_fma_tracks(metadata, tmp_path / "audio", size="full")
        assert frame["audio_path"].tolist() == [
            str(tmp_path / "audio/000/000002.mp3"),
            None,
            str(tmp_path / "audio/155/155320.mp3"),
            None,
        ]

    def test_it_makes_a_catalogue(self, metadata):
        catalog = Catalog.from_frame(read_fma_tracks(metadata, size="full"))
        assert list(catalog.tracks) == ["1480", "155320", "2", "5"]
        assert catalog.genres.keys() == {"garage", "rock"}

    def test_an_unknown_size(self, metadata):
        with pytest.raises(ParameterError, match="`size` must be one of full, large, medium, smal"):
            read_fma_tracks(metadata, size="tiny")

    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            (None, "There is no file"),
            ("", "third row does not begin with track_id"),
            ("track_id,title\n1,a\n2,b\n", "third row does not begin with track_id"),
            (tracks_csv(index="id"), "third row does not begin with track_id"),
            (tracks_csv([], HEADER[1:-1]), "it lacks the column track title"),
            (tracks_csv([]), "No columns to parse"),
            (tracks_csv().encode("utf-8").replace(b"Rock", b"\xff"), "cannot be read"),
            (tracks_csv() + '6,"', "EOF inside string"),
        ],
    )
    def test_another_file(self, metadata, text, reason):
        if text is None:
            metadata.unlink()
        else:
            metadata.write_bytes(text if isinstance(text, bytes) else text.encode())
        with pytest.raises(DataError, match=reason):
            read_fma_tracks(metadata)

    def test_another_table_of_genres(self, metadata):
        metadata.with_name("genres.csv").write_text("a,b\n1,2\n")
        with pytest.raises(DataError, match=r"genres\.csv cannot be read"):
            read_fma_tracks(metadata)


METADATA = zipped(
    {
        "fma_metadata/README.txt": "hello",
        "fma_metadata/tracks.csv": tracks_csv(),
        "fma_metadata/genres.csv": GENRES,
        "fma_metadata/raw_tracks.csv": "x" * 1000,
    }
)
SMALL = zipped(
    {
        "fma_small/README.txt": "hello",
        "fma_small/checksums": "hello",
        "fma_small/000/000002.mp3": b"sound of 2" * 100_000,
        "fma_small/000/000005.mp3": b"sound of 5",
    },
    zipfile.ZIP_STORED,
)
SUMS = {
    "fma_metadata": hashlib.sha1(METADATA).hexdigest(),
    "fma_small": hashlib.sha1(SMALL).hexdigest(),
}


@pytest.fixture
def server():
    with serving(files={"/fma_metadata.zip": METADATA, "/fma_small.zip": SMALL}) as state:
        yield state


class TestFetch:
    def test_from_nothing_to_a_tracks_file(self, server, tmp_path):
        calls = []
        path = fetch_fma(
            tmp_path / "fma",
            base_url=server.url + "/",
            checksums=SUMS,
            progress=lambda *call: calls.append(call),
        )
        assert path == tmp_path / "fma" / "segue-tracks.csv"
        (frame,) = read_tracks(path)
        assert frame["track_id"].tolist() == ["2", "5"]
        folder = tmp_path / "fma" / "fma_small" / "000"
        assert frame["audio_path"].tolist() == [
            str(folder / "000002.mp3"),
            str(folder / "000005.mp3"),
        ]
        assert (folder / "000005.mp3").read_bytes() == b"sound of 5"
        # The folder may be moved: the file names its audio relative to itself.
        moved = (tmp_path / "fma").rename(tmp_path / "moved")
        (frame,) = read_tracks(moved / "segue-tracks.csv")
        assert frame["audio_path"][0] == str(moved / "fma_small/000/000002.mp3")
        # Nothing is unpacked that nobody reads.
        files = {str(p.relative_to(moved)) for p in moved.rglob("*") if p.is_file()}
        assert files == {
            "segue-tracks.csv",
            "fma_metadata.zip",
            "fma_metadata/tracks.csv",
            "fma_metadata/genres.csv",
            "fma_small.zip",
            "fma_small/000/000002.mp3",
            "fma_small/000/000005.mp3",
        }
        assert calls[-1] == (2, 2, "fma_small.zip")
        assert (len(SMALL), len(SMALL), "fma_small.zip") in calls

    def test_a_second_run_fetches_nothing_and_unpacks_what_is_missing(self, server, tmp_path):
        fetch_fma(tmp_path, base_url=server.url, checksums=SUMS)
        server.requests.clear()
        kept = tmp_path / "fma_small/000/000002.mp3"
        before = kept.stat().st_mtime_ns
        half = tmp_path / "fma_small/000/000005.mp3"
        half.write_bytes(b"half")
        fetch_fma(tmp_path, base_url=server.url, checksums=SUMS)
        assert server.requests == []
        assert kept.stat().st_mtime_ns == before
        assert half.read_bytes() == b"sound of 5"

    def test_it_goes_on_where_it_was_cut_off(self, server, tmp_path):
        server.cuts = [None, 600_000]  # the metadata whole, the audio not
        fetch_fma(tmp_path, base_url=server.url, checksums=SUMS)
        paths, asked = zip(*server.requests, strict=True)
        assert paths == ("/fma_metadata.zip", "/fma_small.zip", "/fma_small.zip")
        assert asked[:2] == (None, None)
        assert asked[2].startswith("bytes=")
        assert asked[2] != "bytes=0-"
        (frame,) = read_tracks(tmp_path / "segue-tracks.csv")
        assert len(frame) == 2

    def test_a_wrong_checksum(self, server, tmp_path):
        with pytest.raises(DataError, match=r"fma_metadata\.zip has the wrong sha1"):
            fetch_fma(tmp_path, base_url=server.url)  # this is not the real one
        assert list(tmp_path.iterdir()) == []

    def test_an_unknown_size(self, tmp_path):
        with pytest.raises(ParameterError, match="`size` must be one of"):
            fetch_fma(tmp_path, size="huge")

    def test_every_size_has_its_checksum(self):
        assert CHECKSUMS.keys() == {"fma_metadata", *(f"fma_{size}" for size in SIZES)}
        assert {len(value) for value in CHECKSUMS.values()} == {40}


class TestUnpack:
    def write(self, tmp_path, content):
        path = tmp_path / "a.zip"
        path.write_bytes(content)
        return path

    @pytest.mark.parametrize("name", ["../evil.mp3", "/evil.mp3", "a/../../evil.mp3", "..\\evil"])
    def test_no_member_leaves_the_folder(self, tmp_path, name):
        archive = self.write(tmp_path, zipped({"good.mp3": b"x", name: b"x"}))
        with pytest.raises(DataError, match=r"is not safe: its member"):
            unpack(archive, tmp_path / "out")
        assert [p.name for p in tmp_path.rglob("*")] == ["a.zip"]

    def test_no_link_is_made(self, tmp_path):
        link = zipfile.ZipInfo("link")
        link.external_attr = 0o120777 << 16
        data = io.BytesIO()
        with zipfile.ZipFile(data, "w") as opened:
            opened.writestr(link, "/etc")
        with pytest.raises(DataError, match="is not safe"):
            unpack(self.write(tmp_path, data.getvalue()), tmp_path / "out")

    def test_what_is_not_wanted_may_be_anything(self, tmp_path):
        archive = self.write(tmp_path, zipped({"a/b.mp3": b"x", "../evil": b"x", "a/": b""}))
        found = unpack(archive, tmp_path / "out", wanted=lambda name: name.endswith(".mp3"))
        assert found == [tmp_path / "out/a/b.mp3"]

    def test_a_damaged_member_is_not_kept(self, tmp_path):
        content = zipped({"a.mp3": b"sound" * 100}, zipfile.ZIP_STORED)
        archive = self.write(tmp_path, content.replace(b"soundsound", b"soundSound", 1))
        with pytest.raises(DataError, match=r"is damaged: Bad CRC-32 .*Remove it and fetch"):
            unpack(archive, tmp_path / "out")
        assert list((tmp_path / "out").iterdir()) == []

    def test_no_zip(self, tmp_path):
        with pytest.raises(DataError, match="is damaged: File is not a zip file"):
            unpack(self.write(tmp_path, b"hello"), tmp_path / "out")

    def test_a_compression_that_python_cannot_read(self, tmp_path):
        content = bytearray(zipped({"a.mp3": b"sound" * 100}))
        for mark, offset in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
            at = content.index(mark) + offset
            content[at : at + 2] = (9).to_bytes(2, "little")  # deflate64
        with pytest.raises(DataError, match=r"cannot be unpacked: .*(compression|deflate64)"):
            unpack(self.write(tmp_path, bytes(content)), tmp_path / "out")

    def test_no_archive(self, tmp_path):
        with pytest.raises(DataError, match=r"cannot be unpacked: .*No such file"):
            unpack(tmp_path / "none.zip", tmp_path / "out")

    def test_a_disk_that_is_too_small(self, tmp_path):
        data = io.BytesIO()
        with zipfile.ZipFile(data, "w") as opened:
            info = zipfile.ZipInfo("a.mp3")
            opened.writestr(info, b"")
            info.file_size = 10**17  # says the directory of the archive
        with pytest.raises(DataError, match="GB more are needed in"):
            unpack(self.write(tmp_path, data.getvalue()), tmp_path / "out")


def test_the_frame_holds_text_or_none_whatever_pandas_would_infer(metadata):
    frame = read_fma_tracks(metadata, size="full")
    assert {type(value) for value in frame.to_numpy().ravel()} == {str, type(None)}
    assert not any(pd.isna(value) for value in frame["title"])
