"""The description of a bundle, kept as `manifest.json` inside it."""

from __future__ import annotations

import platform
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from data.errors import BundleError

SCHEMA_VERSION = 1
MANIFEST = "manifest.json"
_LIBRARIES = ("segue", "numpy", "scipy", "pyarrow", "implicit", "tensorflow", "tensorflow-cpu")


class FileEntry(BaseModel):
    """One file of a bundle."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sha256: str
    size: int


class Manifest(BaseModel):
    """What a bundle is, where it comes from and what it consists of.

    Attributes
    ----------
    schema_version : int
        Version of the bundle format.
    bundle_id : str
        Name of the bundle and of its directory.
    created_at : datetime
        When it was written, UTC.
    parent : str or None
        The bundle that was current when this one was trained.
    versions : dict
        Versions of Python and the libraries that made it.
    config : dict
        All settings that it was trained with.
    acoustic_space : str or None
        Where its embeddings come from.
    chunk_seconds : float or None
        Length of the chunks that its segments are of.
    shapes : dict
        Shape of each array.
    metrics : dict
        Figures of the training.
    files : dict
        SHA-256 and size in bytes of each file, by its path in the bundle.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: int = SCHEMA_VERSION
    bundle_id: str
    created_at: datetime
    parent: str | None
    versions: dict[str, str]
    config: dict[str, Any]
    acoustic_space: str | None
    chunk_seconds: float | None = None
    shapes: dict[str, list[int]]
    metrics: dict[str, Any]
    files: dict[str, FileEntry]


def read_manifest(directory: Path) -> Manifest:
    """Read the manifest of a bundle.

    Raises
    ------
    BundleError
        If it is missing, unreadable, or of a schema that this version doesn't know.
    """
    try:
        text = (directory / MANIFEST).read_text("utf-8")
        manifest = Manifest.model_validate_json(text)
    except (OSError, ValidationError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not a valid manifest"
        raise BundleError(f"Bundle {directory.name!r} has no usable manifest: {reason}.") from None
    if manifest.schema_version != SCHEMA_VERSION:
        raise BundleError(
            f"Bundle {directory.name!r} has schema version {manifest.schema_version}; this "
            f"version of Segue reads {SCHEMA_VERSION}. Train a new one with `segue train`."
        )
    return manifest


def library_versions() -> dict[str, str]:
    """Return the versions of Python and of the libraries that models depend on."""
    found = {"python": platform.python_version()}
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
