"""The music in unpacked Debian packages, as a table of tracks."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import pandas as pd
import soundfile as sf

from data.deb import sound_files
from data.debian_copyright import licenses
from data.debian_rules import is_held_back, is_music
from data.files import sha256


def list_tracks(directory: Path, packages: Iterable[str]) -> pd.DataFrame:
    """List the music of unpacked packages.

    Parameters
    ----------
    directory : Path
        Holds a folder for each package, as `unpack_deb` leaves it.
    packages : iterable of str

    Returns
    -------
    DataFrame
        Columns of a tracks file, each str or None, in the order of the packages and of the paths
        in each. `track_id` depends on the package and the path alone. Without a tag, `title` is
        the name of the file and `artist` that of the package. `album` is the package, and behind
        it the folder under `albums/` if there is one. `audio_path` is relative to the directory.
        Of files with the same content only the first is listed; sounds that are no music, and
        music that is held back, are not.
    """
    columns = ["track_id", "title", "artist", "album", "license", "audio_path"]
    rows = [row for package in packages for row in _package_rows(directory, package)]
    frame = pd.DataFrame(rows, columns=[*columns, "content"], dtype=object)
    return frame.drop_duplicates("content", ignore_index=True)[columns]


def _package_rows(directory: Path, package: str) -> Iterator[dict[str, str | None]]:
    folder = directory / package
    copyright_text = _copyright_text(folder, package)
    for file in sound_files(folder):
        path = file.relative_to(folder).as_posix()
        tags = _tags(file)
        if is_music(path) and not is_held_back(package, tags.get("artist")):
            yield {
                "track_id": _track_id(package, path),
                "title": tags.get("title", file.stem),
                "artist": tags.get("artist", package),
                "album": _album(package, path),
                "license": licenses(copyright_text, path) or None,
                "audio_path": f"{package}/{path}",
                "content": sha256(file),
            }


def _track_id(package: str, path: str) -> str:
    return "debian-" + hashlib.sha256(f"{package}/{path}".encode()).hexdigest()[:12]


def _album(package: str, path: str) -> str:
    _, found, below = path.partition("/albums/")
    return f"{package} {below.partition('/')[0]}" if found else package


def _copyright_text(folder: Path, package: str) -> str:
    """Return the package's copyright file; some packages leave it to another, and have none."""
    path = folder / "usr" / "share" / "doc" / package / "copyright"
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""


def _tags(file: Path) -> dict[str, str]:
    """Return the tags that say something, of those that soundfile reads: `artist`, `title`, ..."""
    with sf.SoundFile(file) as opened:
        found = {name: " ".join(text.split()) for name, text in opened.copy_metadata().items()}
    return {name: text for name, text in found.items() if text}
