"""Trains in a process of its own, to be killed: `python -m tests.audio_model.train_script DIR`."""

import sys
from pathlib import Path

from audio_model.cache import MelCache
from audio_model.config import AudioConfig
from audio_model.training import train_encoder

CONFIG = AudioConfig(
    n_mels=16, chunk_frames=16, epochs=10, batch_size=4, threads=1, checkpoint_seconds=0
)


def run(directory: Path, checkpoints: Path, progress=None):
    paths = sorted(directory.glob("*.wav"))
    cache = MelCache(directory / "mel", CONFIG)
    return train_encoder(paths, CONFIG, checkpoint_dir=checkpoints, cache=cache, progress=progress)


if __name__ == "__main__":
    where = Path(sys.argv[1])
    run(where, where / "killed", lambda done, total, what: print(done, total, what, flush=True))
