"""Trains in processes of their own: `python -m tests.audio_model.train_script start|end DIR`.

`start` is there to be killed. `end` resumes it, is interrupted three times, ends it, and compares
the weights with those of training that nobody disturbed.
"""

import logging
import sys
from contextlib import suppress
from pathlib import Path

from audio_model.cache import MelCache
from audio_model.config import AudioConfig
from audio_model.keras_encoder import KerasEncoder
from audio_model.training import train_encoder

CONFIG = AudioConfig(
    recipe="article",
    n_mels=16,
    chunk_frames=16,
    epochs=10,
    batch_size=4,
    threads=1,
    checkpoint_seconds=0,
)


def run(directory: Path, checkpoints: str, moments: list[int]) -> KerasEncoder:
    """Train, interrupted at the first of `moments`, which is then taken out."""

    def progress(done: int, total: int, what: str) -> None:
        print(done, total, what, flush=True)
        if moments and done == moments[0]:
            moments.pop(0)
            raise KeyboardInterrupt

    return train_encoder(
        sorted(directory.glob("*.wav")),
        CONFIG,
        checkpoint_dir=directory / checkpoints,
        cache=MelCache(directory / "mel", CONFIG),
        progress=progress,
    )


def end(directory: Path) -> None:
    """Compare disturbed training with undisturbed training."""
    logging.basicConfig(level="INFO", format="%(message)s", stream=sys.stdout)
    moments = [21, 30, 31]  # in the midst of an epoch, at the end of one, and right after
    while moments:
        with suppress(KeyboardInterrupt):
            run(directory, "killed", moments)
    disturbed = run(directory, "killed", moments)
    print("UNDISTURBED")
    undisturbed = run(directory, "undisturbed", moments)
    print("same" if disturbed.fingerprint == undisturbed.fingerprint else "different")


if __name__ == "__main__":
    where = Path(sys.argv[2])
    run(where, "killed", []) if sys.argv[1] == "start" else end(where)
