"""The files of a saved encoder, read and written without TensorFlow."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from audio_model.arrays import UNREADABLE, read_arrays, write_arrays
from audio_model.config import AudioConfig
from audio_model.recipes import Recipe
from data.errors import BundleError, ParameterError
from data.files import write_atomically

FORMAT = 1
DESCRIPTION, WEIGHTS = "encoder.json", "encoder.npz"


@dataclass(frozen=True)
class Description:
    """What an encoder is, apart from its weights.

    Attributes
    ----------
    fingerprint : str
        See `AudioEncoder.fingerprint`.
    dim : int
        Width of an embedding.
    config : AudioConfig
        How its chunks are made, and how it was trained.
    recipe : Recipe
        How it was trained; names the architecture.
    """

    fingerprint: str
    dim: int
    config: AudioConfig
    recipe: Recipe


def write_encoder(
    directory: Path, description: Description, weights: Sequence[npt.NDArray[np.float32]]
) -> None:
    """Write `encoder.npz` (weights) and `encoder.json` (all else) to a directory."""
    write_arrays(directory / WEIGHTS, {f"w{i:03d}": _smallest(w) for i, w in enumerate(weights)})
    document = {
        "format": FORMAT,
        "fingerprint": description.fingerprint,
        "dim": description.dim,
        "config": description.config.model_dump(),
        "recipe": description.recipe.model_dump(),
    }
    write_atomically(directory / DESCRIPTION, (json.dumps(document, indent=2) + "\n").encode())


def read_description(directory: Path) -> Description:
    """Read `encoder.json`.

    Raises
    ------
    BundleError
        If it is missing or corrupt, or was written by another version.
    """
    with one_line_errors(directory):
        document = json.loads((directory / DESCRIPTION).read_text("utf-8"))
        if document["format"] != FORMAT:
            where = repr(str(directory))
            raise BundleError(f"The encoder in {where} is of another version; train it anew.")
        return Description(
            fingerprint=str(document["fingerprint"]),
            dim=int(document["dim"]),
            config=AudioConfig(**document["config"]),
            recipe=Recipe(**document["recipe"]),
        )


def read_weights(directory: Path) -> list[npt.NDArray[np.float32]]:
    """Read `encoder.npz`: all variables of the network, in its order; see `one_line_errors`."""
    return [np.asarray(w, np.float32) for w in read_arrays(directory / WEIGHTS).values()]


@contextmanager
def one_line_errors(directory: Path) -> Iterator[None]:
    """Raise `BundleError`, in one line, for whatever reading an encoder may stumble over."""
    where = repr(str(directory))
    try:
        yield
    except FileNotFoundError as error:
        raise BundleError(f"There is no encoder in {where}; train one.") from error
    except (*UNREADABLE, ParameterError) as error:
        reason = " ".join(str(error).split())
        raise BundleError(f"The encoder in {where} is corrupt ({reason:.120}).") from error


def _smallest(weight: npt.NDArray[np.float32]) -> npt.NDArray[Any]:
    """Return a weight as float16 where that loses nothing, as for rounded ones: half the file."""
    with np.errstate(over="ignore"):
        half = weight.astype(np.float16)
    return half if np.array_equal(half, weight) else weight
