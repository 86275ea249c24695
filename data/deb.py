"""Debian packages: fetched by `apt-get`, and their sound files taken out by `dpkg-deb`."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tarfile
from pathlib import Path

import soundfile as sf

from data.errors import DataError

SOUNDS = (".ogg", ".oga", ".mp3", ".flac", ".opus")
"""Suffixes of sound files, in lower case."""

MIN_SECONDS = 25.0
"""Shorter sounds are effects and jingles, and are not kept."""

VERSION_FILE = "VERSION"
"""Holds the version of an unpacked package."""

_NAME = re.compile(r"[a-z0-9][a-z0-9+.-]+")


def is_package_name(name: str) -> bool:
    """Whether Debian's policy allows a name (section 5.6.7); no option of a program passes."""
    return _NAME.fullmatch(name) is not None


def check_programs() -> None:
    """Raise `DataError` unless `apt-get` and `dpkg-deb` are installed."""
    missing = [name for name in ("apt-get", "dpkg-deb") if shutil.which(name) is None]
    if missing:
        raise DataError(
            f"{' and '.join(missing)} cannot be found. Run this on Debian, or in a container of it."
        )


def fetch_deb(package: str, folder: Path) -> Path:
    """Fetch a package from the sources that `apt-get` knows, which checks its signature.

    Parameters
    ----------
    package : str
    folder : Path
        An empty folder, where the `.deb` file goes.

    Returns
    -------
    Path
        The `.deb` file.

    Raises
    ------
    DataError
        If it cannot be had; the message is what `apt-get` said.
    """
    done = subprocess.run(
        ["apt-get", "download", package],
        cwd=folder,
        env=os.environ | {"LC_ALL": "C"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    found = sorted(folder.glob("*.deb"))
    if done.returncode or not found:
        raise DataError(_reason(done.stderr))
    return found[0]


def _reason(said: str) -> str:
    errors = [line[3:].strip() for line in said.splitlines() if line.startswith("E: ")]
    return errors[0] if errors else "apt-get fetched nothing"


def unpack_deb(deb: Path, folder: Path) -> None:
    """Take the sound files of a package, its copyright file and its version out of a `.deb`.

    Parameters
    ----------
    deb : Path
    folder : Path
        Appears when everything is there. Sounds keep their paths in the package if soundfile can
        read them and they last `MIN_SECONDS`; the version goes into `VERSION_FILE`.

    Raises
    ------
    DataError
        If the file is damaged, or would put something outside of the folder.
    OSError
        If the disk is full or the folder cannot be written.
    """
    part = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)  # of a run that was broken off
    part.mkdir(parents=True)
    try:
        _extract(deb, part)
        for path in sound_files(part):
            if not _is_long(path):
                path.unlink()
        (part / VERSION_FILE).write_text(_version(deb) + "\n", encoding="utf-8")
        part.replace(folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def sound_files(folder: Path) -> list[Path]:
    """Return the sound files under a folder, in the order of their paths."""
    return sorted(p for p in folder.rglob("*") if p.suffix.lower() in SOUNDS and p.is_file())


def _extract(deb: Path, folder: Path) -> None:
    with subprocess.Popen(
        ["dpkg-deb", "--fsys-tarfile", str(deb.absolute())],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        assert process.stdout is not None
        try:
            with tarfile.open(fileobj=process.stdout, mode="r|") as tar:
                for member in tar:
                    if member.isreg() and _is_wanted(member.name):
                        _write(tar, member, folder)
            while process.stdout.read(1 << 16):
                pass  # the padding behind the last member: dpkg-deb fails if nobody reads it
        except tarfile.TarError as error:
            raise _damaged(deb, str(error)) from error
    if process.returncode:
        raise _damaged(deb, f"dpkg-deb ended with status {process.returncode}")


def _write(tar: tarfile.TarFile, member: tarfile.TarInfo, folder: Path) -> None:
    """Write one file where it belongs; `TarFile.extract` is safe only from Python 3.11.4 on."""
    path = (folder / member.name).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise tarfile.TarError(f"{member.name!r} would be written outside of the folder")
    path.parent.mkdir(parents=True, exist_ok=True)
    content = tar.extractfile(member)
    assert content is not None, "a regular file has content"
    with path.open("wb") as file:
        shutil.copyfileobj(content, file)


def _is_wanted(name: str) -> bool:
    return name.lower().endswith(SOUNDS) or re.search(r"/doc/[^/]+/copyright$", name) is not None


def _is_long(path: Path) -> bool:
    try:
        return bool(sf.info(str(path)).duration >= MIN_SECONDS)
    except sf.LibsndfileError:
        return False


def _version(deb: Path) -> str:
    done = subprocess.run(
        ["dpkg-deb", "--field", str(deb.absolute()), "Version"],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise _damaged(deb, done.stderr.strip())
    return done.stdout.strip()


def _damaged(deb: Path, why: str) -> DataError:
    return DataError(f"{deb.name} cannot be unpacked: {why}. Fetch it anew.")
