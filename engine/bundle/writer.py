"""Writing bundles: to a temporary directory, fsynced, then renamed."""

from __future__ import annotations

import secrets
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from data.files import sha256, sync
from engine.bundle.contents import BundleContents
from engine.bundle.manifest import MANIFEST, FileEntry, Manifest, library_versions


def write_bundle(
    root: Path,
    contents: BundleContents,
    *,
    parent: str | None = None,
    config: dict[str, Any] | None = None,
    metrics: dict[str, Any] | None = None,
) -> str:
    """Write a bundle, without publishing it.

    Parameters
    ----------
    root : Path
        Directory of bundles; made if missing.
    contents : BundleContents
        What it holds.
    parent : str, optional
        Id of the bundle that it shall replace.
    config, metrics : dict, optional
        Recorded in the manifest; JSON values.

    Returns
    -------
    str
        The new bundle's id: its time and a random tail, so that ids sort by age.

    Raises
    ------
    BundleError
        If an array holds NaN or infinite values.
    """
    contents.check_finite()
    root.mkdir(parents=True, exist_ok=True)
    now = datetime.now(UTC)
    bundle_id = f"{now:%Y%m%dT%H%M%S%f}Z-{secrets.token_hex(3)}"
    temporary = root / f".{bundle_id}.tmp"
    temporary.mkdir()
    try:
        shapes = _write_parts(temporary, contents)
        files = sorted(p for p in temporary.rglob("*") if p.is_file())
        manifest = Manifest(
            bundle_id=bundle_id,
            created_at=now,
            parent=parent,
            versions=library_versions(),
            config=config or {},
            acoustic_space=contents.acoustic.space if contents.acoustic else None,
            chunk_seconds=_chunk_seconds(contents),
            shapes=shapes,
            metrics=metrics or {},
            files={
                p.relative_to(temporary).as_posix(): FileEntry(
                    sha256=sha256(p), size=p.stat().st_size
                )
                for p in files
            },
        )
        (temporary / MANIFEST).write_text(manifest.model_dump_json(indent=2), "utf-8")
        for path in [*files, temporary / MANIFEST]:
            sync(path)
        sync(temporary)
        temporary.rename(root / bundle_id)
        sync(root)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return bundle_id


def _chunk_seconds(contents: BundleContents) -> float | None:
    segments = contents.acoustic.segments if contents.acoustic else None
    return segments.seconds if segments else None


def _write_parts(directory: Path, contents: BundleContents) -> dict[str, list[int]]:
    contents.catalog.save(directory, "tracks")
    contents.users.save(directory, "users")
    arrays: dict[str, np.ndarray[Any, Any]] = {
        "listeners": contents.listeners,
        "plays": contents.plays,
    }
    if contents.acoustic is not None:
        arrays["embeddings"] = contents.acoustic.embeddings
        arrays["embedded"] = contents.acoustic.known
        if contents.acoustic.segments is not None:
            arrays["segments"] = contents.acoustic.segments.vectors
            arrays["segment_offsets"] = contents.acoustic.segments.offsets
        if contents.acoustic.encoder is not None:
            shutil.copytree(contents.acoustic.encoder, directory / "encoder")
    if contents.behaviour is not None:
        arrays.update(contents.behaviour.arrays())
    if contents.recent is not None:
        arrays["recent"] = contents.recent
    if contents.ranker is not None:
        contents.ranker.save(directory / "ranker")
    if contents.neighbours is not None:
        arrays |= contents.neighbours.arrays()
    if contents.duplicates is not None:
        arrays["duplicates"] = contents.duplicates.representatives
        arrays["recordings"] = contents.duplicates.recordings.words
        arrays["recording_offsets"] = contents.duplicates.recordings.offsets
        arrays["recording_index"] = contents.duplicates.keys
    for name, array in arrays.items():
        np.save(directory / f"{name}.npy", np.ascontiguousarray(array), allow_pickle=False)
    return {name: list(array.shape) for name, array in arrays.items()}
