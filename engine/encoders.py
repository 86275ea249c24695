"""The trained audio encoders of a home."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from data.errors import BundleError
from data.files import write_atomically
from engine.home import Home


def current_encoder(home: Home) -> Path | None:
    """Return the directory of the encoder that was trained last, if any was.

    Raises
    ------
    BundleError
        If the pointer names an encoder that is not there.
    """
    pointer = home.encoders / "current"
    if not pointer.is_file():
        return None
    directory = home.encoders / pointer.read_text("utf-8").strip()
    if not directory.is_dir():
        raise BundleError(
            f"The current encoder {directory.name!r} is missing. "
            "Train one with `segue train audio`."
        )
    return directory


def keep_encoder(home: Home, fingerprint: str, save: Callable[[Path], None]) -> Path:
    """Save an encoder under its fingerprint and make it the current one.

    Parameters
    ----------
    home : Home
    fingerprint : str
        Names the directory.
    save : callable
        Writes the encoder into a directory that it is given.

    Returns
    -------
    Path
        Where it is kept.
    """
    home.encoders.mkdir(parents=True, exist_ok=True)
    target = home.encoders / fingerprint
    if not target.is_dir():
        temporary = home.encoders / f".{fingerprint}.{os.getpid()}.tmp"
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir()
        save(temporary)
        temporary.rename(target)
    write_atomically(home.encoders / "current", fingerprint.encode())
    return target
