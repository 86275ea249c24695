"""What tests have worker processes do: importable by those, and free of TensorFlow."""

import os
import signal
import sys
import time
from pathlib import Path

import numpy as np

from audio_model.cache import MelCache
from audio_model.pool import read_in_workers
from data.errors import AudioError, DataError


def obey(path: Path) -> str:
    """Do what the name of the file says."""
    if "crash" in path.name:
        os.kill(os.getpid(), signal.SIGSEGV)
    if "exit" in path.name:
        os._exit(3)
    if "hang" in path.name:
        time.sleep(60)
    if "bad" in path.name:
        raise AudioError(f"{path.name} is bad.")
    if "bug" in path.name:
        raise RuntimeError("a bug")
    if "full" in path.name:
        raise DataError("The disk is full.")
    return path.name


def count_up(path: Path) -> tuple[str, np.ndarray, np.ndarray]:
    """Return arrays of as many bytes as the file's name says, one of them in Fortran order."""
    counted = np.arange(int(path.name)).astype(np.uint8)
    return path.name, counted, np.tile(counted[:, np.newaxis], 3).T


class Unstartable:
    """Cannot be unpickled, so that no worker gets as far as its first file."""

    def __call__(self, path: Path) -> str:
        return path.name

    def __reduce__(self) -> tuple:
        return sys.exit, (1,)


class CrashingCache(MelCache):
    """Crashes like a codec on files named so."""

    def mel(self, path: Path) -> np.ndarray:
        if "crash" in path.name:
            os.kill(os.getpid(), signal.SIGSEGV)
        return super().mel(path)


if __name__ == "__main__":
    # A shell lets what it starts in the background, such as tests, ignore Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    print("started", flush=True)
    for _ in read_in_workers(obey, [Path("a"), Path("hang")], workers=2):
        print("read one", flush=True)
