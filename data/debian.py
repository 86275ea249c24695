"""Free music out of Debian's packages: fetched, unpacked, and written as a tracks file.

Games bring music under licences that allow training on it. The packages that the shipped encoder
is trained on stand in `debian_packages.txt`, and what of them is left out in `debian_rules.py`.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from data.deb import VERSION_FILE, check_programs, fetch_deb, is_package_name, unpack_deb
from data.debian_tracks import list_tracks
from data.errors import DataError
from data.readers.writers import write_tracks
from data.transfer import Progress

PACKAGES_FILE = Path(__file__).with_name("debian_packages.txt")
"""The packages whose music the shipped encoder is trained on."""


@dataclass(frozen=True)
class DebianMusic:
    """What came of a fetch.

    Attributes
    ----------
    tracks : Path
        The tracks file.
    count : int
        Its tracks.
    missing : dict of str to str
        The packages that could not be had, and why.
    other_versions : dict of str to str
        The packages that came in another version than the list names, and that version.
    """

    tracks: Path
    count: int
    missing: dict[str, str]
    other_versions: dict[str, str]


def read_packages(path: Path = PACKAGES_FILE) -> dict[str, str]:
    """Read a list of packages.

    Parameters
    ----------
    path : Path
        One package a line: its name and, if it matters, its version. `#` begins a comment.

    Returns
    -------
    dict of str to str
        The version of each package, empty where none is named, in the order of the file.

    Raises
    ------
    DataError
        If the file cannot be read, names no package, or a line is none.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read as a list of packages: {error}.") from error
    packages = {}
    for number, line in enumerate(lines, 1):
        words = line.partition("#")[0].split()
        if len(words) > 2 or (words and not is_package_name(words[0])):
            raise DataError(
                f"{path.name}, line {number}: a package's name, and behind it its version or "
                f"nothing, must stand here. Received: {line!r:.200}."
            )
        if words:
            packages[words[0]] = "".join(words[1:])
    if not packages:
        raise DataError(f"{path} names no package. Write one a line.")
    return packages


def fetch_debian(
    directory: Path, packages: Mapping[str, str], *, progress: Progress | None = None
) -> DebianMusic:
    """Fetch packages by `apt-get download`, take their music out, and write it as a tracks file.

    A package that is unpacked already is not fetched again. Nothing is installed, and the `.deb`
    files are deleted. Packages that cannot be had are left out.

    Parameters
    ----------
    directory : Path
        Where the sound files go, as `PACKAGE/usr/share/...`. Of the 2.5 GB of the shipped list's
        packages 0.95 GB stay.
    packages : mapping of str to str
        What `read_packages` returns.
    progress : callable, optional
        Called with the packages so far, the packages in all, and the package's name.

    Returns
    -------
    DebianMusic
        Its tracks file is `tracks.csv` in `directory`, ready for `segue import tracks`.

    Raises
    ------
    DataError
        If `apt-get` or `dpkg-deb` is missing, no package can be had, one is damaged, or the
        directory cannot be written.
    """
    missing: dict[str, str] = {}
    try:
        for count, package in enumerate(packages, 1):
            reason = _fetch(directory, package)
            if reason is not None:
                missing[package] = reason
            if progress is not None:
                progress(count, len(packages), package)
        if len(missing) == len(packages):
            raise DataError(
                f"None of the {len(packages)} packages can be had; of {package}, apt-get says: "
                f"{missing[package]}. Is Debian bookworm's `main` among the sources of apt? "
                "Run `apt-get update`, then this again."
            )
        return _written(directory, packages, missing)
    except OSError as error:
        raise DataError(f"{directory} cannot be written: {error}. Choose another one.") from error


def _fetch(directory: Path, package: str) -> str | None:
    """Unpack a package unless that is done; return why it can't be had, or None."""
    if (directory / package / VERSION_FILE).is_file():
        return None
    check_programs()
    directory.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=directory, prefix=".fetch-") as folder:
        try:
            deb = fetch_deb(package, Path(folder))
        except DataError as error:
            return str(error)
        unpack_deb(deb, directory / package)
    return None


def _written(directory: Path, packages: Mapping[str, str], missing: dict[str, str]) -> DebianMusic:
    there = [package for package in packages if package not in missing]
    versions = {p: (directory / p / VERSION_FILE).read_text("utf-8").strip() for p in there}
    other = {p: v for p, v in versions.items() if packages[p] not in ("", v)}
    target = directory / "tracks.csv"
    count = write_tracks(target, [list_tracks(directory, there)])
    return DebianMusic(target, count, missing, other)
