from __future__ import annotations

import hashlib
import io
import zipfile
from pathlib import Path

import pandas as pd
import pytest

from data.errors import DataError
from data.lastfm import fetch_lastfm, read_artists, read_plays
from data.readers import read_listens, read_tracks
from tests.data.file_server import serving

ARTISTS = (
    "id\tname\turl\tpictureURL\n"
    "1\tMALICE MIZER\thttp://example.org/1\thttp://example.org/1.jpg\n"
    '52\t"Weird" Al\thttp://example.org/52\t\n'
    "53\tBjörk\thttp://example.org/53\t\n"
    "99\tNA\thttp://example.org/99\t\n"
)
PLAYS = "userID\tartistID\tweight\n2\t52\t11690\n2\t53\t11351\n7\t99\t1\n"


def archive(**members: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as opened:
        for name, text in members.items():
            opened.writestr(f"{name}.dat", text)
        opened.writestr("readme.txt", "not wanted")
    return content.getvalue()


GOOD = archive(artists=ARTISTS, user_artists=PLAYS)


def test_fetched_files_can_be_imported(tmp_path: Path) -> None:
    with serving(files={"/lastfm.zip": GOOD}) as server:
        url, sha256 = f"{server.url}/lastfm.zip", hashlib.sha256(GOOD).hexdigest()
        files = fetch_lastfm(tmp_path, url=url, sha256=sha256)
        asked = len(server.requests)
        assert fetch_lastfm(tmp_path, url=url, sha256=sha256) == files
        assert len(server.requests) == asked  # what is there is not fetched again
    tracks = pd.concat(read_tracks(files.tracks))
    assert tracks["track_id"].tolist() == ["52", "53", "99"]  # nobody played artist 1
    assert tracks["title"].tolist() == ['"Weird" Al', "Björk", "NA"]
    assert tracks["artist"].tolist() == tracks["title"].tolist()
    listens = pd.concat(read_listens(files.listens))
    assert listens[["user_id", "track_id", "count"]].to_numpy().tolist() == [
        ["2", "52", 11690.0],
        ["2", "53", 11351.0],
        ["7", "99", 1.0],
    ]
    assert not (tmp_path / "readme.txt").exists()


def test_a_wrong_checksum_leaves_nothing(tmp_path: Path) -> None:
    with serving(files={"/lastfm.zip": GOOD}) as server, pytest.raises(DataError) as caught:
        fetch_lastfm(tmp_path, url=f"{server.url}/lastfm.zip", sha256="0" * 64)
    assert "sha256" in str(caught.value).lower().replace("-", "")
    assert not (tmp_path / "segue-tracks.csv").exists()


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("artists", "id\tnom\n1\tx\n", "artists.dat is not of the Last.fm data set"),
        ("user_artists", "userID\tartistID\tweight\n2\t52\tmany\n", "`weight` must be a number"),
        ("user_artists", "", "is not of the Last.fm data set"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, name: str, text: str, message: str) -> None:
    path = tmp_path / f"{name}.dat"
    path.write_text(text)
    with pytest.raises(DataError, match=message):
        (read_artists if name == "artists" else read_plays)(path)


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"artists\.dat"):
        read_artists(tmp_path / "artists.dat")
