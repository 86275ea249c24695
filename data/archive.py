"""Zip archives unpacked safely, and so that a second run does only what the first left."""

from __future__ import annotations

import contextlib
import shutil
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

from data.errors import DataError
from data.files import atomic_path
from data.transfer import Progress, check_space


def unpack(
    archive: Path,
    folder: Path,
    *,
    wanted: Callable[[str], bool] = lambda name: True,  # noqa: ARG005 - all are wanted
    progress: Progress | None = None,
) -> list[Path]:
    """Unpack a zip archive.

    Parameters
    ----------
    archive : Path
    folder : Path
        Where the members go, under the names that they have in the archive.
    wanted : callable, optional
        Tells by its name whether to unpack a member; by default every one.
    progress : callable, optional
        Called with the members so far, the members in all, and the archive's name.

    Returns
    -------
    list of Path
        The files of the wanted members. One that exists and has the right size is left alone.

    Raises
    ------
    DataError
        If the archive is damaged, compressed in a way that Python cannot read, or encrypted, if a
        member would land outside of `folder`, or if the disk is too full.
    """
    with _readable(archive), zipfile.ZipFile(archive) as opened:
        members = [m for m in opened.infolist() if not m.is_dir() and wanted(m.filename)]
        targets = [_target(archive, folder, member) for member in members]
        todo = [not _done(*pair) for pair in zip(targets, members, strict=True)]
        folder.mkdir(parents=True, exist_ok=True)
        check_space(folder, sum(m.file_size for m, new in zip(members, todo, strict=True) if new))
        for count, (member, target, new) in enumerate(zip(members, targets, todo, strict=True), 1):
            if new:
                _extract(opened, member, target)
            if progress is not None:
                progress(count, len(members), archive.name)
    return targets


@contextlib.contextmanager
def _readable(archive: Path) -> Iterator[None]:
    try:
        yield
    except (zipfile.BadZipFile, EOFError, zlib.error) as error:
        raise DataError(f"{archive} is damaged: {error}. Remove it and fetch it anew.") from error
    except (NotImplementedError, RuntimeError, OSError) as error:  # compression, encryption, disk
        raise DataError(
            f"{archive} cannot be unpacked: {error}. Unpack it by other means."
        ) from error


def _target(archive: Path, folder: Path, member: zipfile.ZipInfo) -> Path:
    """Return where a member goes, if that is a plain file inside of the folder."""
    path = PurePosixPath(member.filename.replace("\\", "/"))
    linked = stat.S_ISLNK(member.external_attr >> 16)
    if linked or path.is_absolute() or ".." in path.parts or not path.parts:
        raise DataError(
            f"{archive} is not safe: its member {member.filename!r:.200} would leave {folder}."
        )
    return folder.joinpath(*path.parts)


def _done(target: Path, member: zipfile.ZipInfo) -> bool:
    return target.is_file() and target.stat().st_size == member.file_size


def _extract(opened: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path) -> None:
    with (
        atomic_path(target, durable=False) as temporary,
        opened.open(member) as source,
        temporary.open("xb") as file,
    ):
        shutil.copyfileobj(source, file, 1 << 20)  # reading to the end checks the CRC
