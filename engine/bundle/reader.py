"""Opening bundles: hashes checked, arrays memory-mapped."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from cf_model.config import CFConfig
from cf_model.neighbours import ItemNeighbours
from data.catalog import Catalog
from data.errors import BundleError, DataError
from data.files import sha256
from data.vocabulary import Vocabulary
from engine.bundle.contents import Acoustic, Behaviour, BundleContents, Segments
from engine.bundle.manifest import Manifest, read_manifest
from engine.duplicates import Duplicates, Recordings
from ranker.lambdamart import LambdaMART

logger = logging.getLogger("segue.engine")


@dataclass(frozen=True)
class Bundle:
    """An opened bundle.

    Attributes
    ----------
    path : Path
        Its directory.
    manifest : Manifest
        Its description.
    contents : BundleContents
        Its parts, memory-mapped and read-only.
    """

    path: Path
    manifest: Manifest
    contents: BundleContents

    @classmethod
    def open(cls, path: Path, *, verify: bool = True) -> Bundle:
        """Open a bundle.

        Parameters
        ----------
        path : Path
            Its directory.
        verify : bool
            Whether to compare every file with its hash (some 1.5 GB a second and core); sizes,
            shapes and vocabularies are always checked.

        Raises
        ------
        BundleError
            If it is missing, or anything in it is not what its manifest says.
        """
        if not path.is_dir():
            raise BundleError(f"There is no bundle {path.name!r}. `segue bundle list` names them.")
        manifest = read_manifest(path)
        problem = next(problems(path, manifest, hashes=verify), None)
        if problem is not None:
            raise BundleError(f"Bundle {path.name!r} is corrupt: {problem}.")
        try:
            contents = _read_parts(path, manifest)
        except (OSError, ValueError, KeyError, DataError, BundleError) as error:
            raise BundleError(f"Bundle {path.name!r} cannot be opened: {error}") from None
        return cls(path, manifest, contents)

    @property
    def cf(self) -> CFConfig:
        """What its factors were trained with; an older version had a single penalty for all."""
        return CFConfig.model_validate(
            {"frequency_power": 0.0, **self.manifest.config.get("cf", {})}
        )

    @property
    def id(self) -> str:
        """The bundle's id."""
        return self.manifest.bundle_id


def problems(path: Path, manifest: Manifest, *, hashes: bool) -> Iterator[str]:
    """Say what in a bundle differs from its manifest; nothing if all is well."""
    for name, entry in manifest.files.items():
        file = path / name
        if not file.is_file():
            yield f"{name} is missing"
        elif file.stat().st_size != entry.size:
            yield f"{name} has {file.stat().st_size} bytes, its manifest says {entry.size}"
    if not hashes:
        return
    names = [n for n in manifest.files if (path / n).is_file()]
    with ThreadPoolExecutor() as pool:
        for name, digest in zip(names, pool.map(lambda n: sha256(path / n), names), strict=True):
            if digest != manifest.files[name].sha256:
                yield f"{name} does not match its SHA-256"


def _read_parts(path: Path, manifest: Manifest) -> BundleContents:
    arrays = {name: _load(path, name, shape) for name, shape in manifest.shapes.items()}
    acoustic = behaviour = None
    if "embeddings" in arrays:
        encoder = path / "encoder"
        acoustic = Acoustic(
            space=manifest.acoustic_space or "unknown",
            embeddings=arrays["embeddings"],
            known=arrays["embedded"],
            encoder=encoder if encoder.is_dir() else None,
            segments=_segments(arrays, manifest),
        )
    if "item_factors" in arrays:
        behaviour = Behaviour.of(arrays)
    return BundleContents(
        catalog=Catalog.load(path, "tracks"),
        users=Vocabulary.load(path, "users"),
        listeners=arrays["listeners"],
        plays=arrays["plays"],
        acoustic=acoustic,
        behaviour=behaviour,
        duplicates=_duplicates(arrays),
        recent=arrays.get("recent"),
        neighbours=ItemNeighbours.of(arrays),
        ranker=_ranker(path),
    )


def _ranker(path: Path) -> LambdaMART | None:
    """Return the learned ranker; None where there is none, or none that this version can use."""
    if not (path / "ranker").is_dir():
        return None
    try:
        return LambdaMART.load(path / "ranker")
    except DataError as error:
        logger.warning("Bundle %s is blended by rank fusion: %s", path.name, error)
        return None


def _segments(arrays: dict[str, npt.NDArray[Any]], manifest: Manifest) -> Segments | None:
    """Return the chunks of the tracks; a bundle of an older version has none."""
    if manifest.chunk_seconds is None:
        return None
    return Segments(arrays["segments"], arrays["segment_offsets"], manifest.chunk_seconds)


def _duplicates(arrays: dict[str, npt.NDArray[Any]]) -> Duplicates | None:
    """Return the groups of one recording; a bundle of an older version has none."""
    if "duplicates" not in arrays:
        return None
    recordings = Recordings(arrays["recordings"], arrays["recording_offsets"])
    return Duplicates(arrays["duplicates"], recordings, arrays["recording_index"])


def _load(path: Path, name: str, shape: list[int]) -> npt.NDArray[Any]:
    # An empty file cannot be mapped, and there is nothing in it to share.
    array = np.load(path / f"{name}.npy", mmap_mode="r" if all(shape) else None, allow_pickle=False)
    if list(array.shape) != shape:
        raise BundleError(f"{name}.npy has shape {array.shape}, its manifest says {shape}.")
    return np.asarray(array)
