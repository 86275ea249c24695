"""The state of unfinished training, on disk."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from audio_model.arrays import UNREADABLE, read_arrays, write_arrays

_log = logging.getLogger("segue.audio")

_NAME = "checkpoint.npz"


@dataclass(frozen=True)
class TrainingState:
    """All that training needs to go on as if it had never stopped.

    Attributes
    ----------
    signature : str
        Names the settings and the data; a state of other ones is of no use.
    step : int
        Steps done.
    seconds : float
        Time that they took.
    weights, optimizer : list of ndarray
        Variables of the network and of the optimizer.
    """

    signature: str
    step: int
    seconds: float
    weights: list[npt.NDArray[Any]]
    optimizer: list[npt.NDArray[Any]]


def save_state(directory: Path, state: TrainingState) -> None:
    """Replace the checkpoint in a directory; after a crash there is the old one or the new."""
    arrays: dict[str, npt.NDArray[Any]] = {
        "signature": np.array(state.signature),
        "step": np.array(state.step),
        "seconds": np.array(state.seconds),
    }
    for name, group in (("w", state.weights), ("o", state.optimizer)):
        arrays |= {f"{name}{i:03d}": value for i, value in enumerate(group)}
    write_arrays(directory / _NAME, arrays)


def load_state(directory: Path, signature: str) -> TrainingState | None:
    """Return the checkpoint in a directory, or None if there is none that fits `signature`.

    Why one is not used is logged.
    """
    for stray in directory.glob(f".{_NAME}.*.part"):  # of a process that was killed as it wrote
        stray.unlink(missing_ok=True)
    try:
        arrays = read_arrays(directory / _NAME)
        found = str(arrays.pop("signature"))
        numbers = int(arrays.pop("step")), float(arrays.pop("seconds"))
    except FileNotFoundError:
        return None
    except UNREADABLE as error:
        _log.warning("The checkpoint is corrupt (%s): training starts afresh.", error)
        return None
    if found != signature:
        _log.warning("The checkpoint is of other settings or sound: training starts afresh.")
        return None
    weights = [value for name, value in arrays.items() if name.startswith("w")]
    optimizer = [value for name, value in arrays.items() if name.startswith("o")]
    return TrainingState(found, *numbers, weights, optimizer)
