"""Three sounds and what the pretrained encoder makes of them, in `golden.json`.

After the weights, or anything else that an embedding depends on, were changed on purpose:
`python -m tests.audio_model.golden` writes that file anew.
"""

import json
from io import BytesIO
from pathlib import Path

import numpy as np
import soundfile as sf

from audio_model.pretrained import load_pretrained

from .conftest import SR, chirp

FILE = Path(__file__).with_name("golden.json")
TOLERANCE = 2e-3  # in any of the numbers of a unit vector; kernels differ by some 1e-6


def sounds() -> dict[str, np.ndarray]:
    """A chirp of 8 s, noise that is hardly there, and a composed clip of 12 s."""
    hiss = 1e-3 * np.random.default_rng(1).standard_normal(6 * SR)
    return {"chirp": chirp(8.0), "near silence": hiss, "clip": clip()}


def clip() -> np.ndarray:
    """Four bars of plucked chords over a beat of noise, at 80 beats a minute."""
    beat = int(0.75 * SR)
    rng = np.random.default_rng(2)
    hit = 0.2 * rng.standard_normal(beat) * np.exp(-40 * np.arange(beat) / SR)
    bars = [(220.0, 261.63, 329.63), (174.61, 220.0, 261.63)] * 2
    played = [(pluck(bar[i % 3], beat) + pluck(bar[0] / 2, beat)) for bar in bars for i in range(4)]
    return np.concatenate([0.4 * notes + hit for notes in played])


def pluck(hertz: float, samples: int) -> np.ndarray:
    """A note of six partials, the higher ones dying away sooner."""
    time = np.arange(samples) / SR
    partials = range(1, 7)
    return sum(np.sin(2 * np.pi * hertz * k * time) * np.exp(-3 * k * time) / k for k in partials)


def embeddings() -> dict[str, list[float]]:
    """Each sound as a WAV file, embedded."""
    encoder = load_pretrained()
    found = {}
    for name, samples in sounds().items():
        file = BytesIO()
        sf.write(file, samples, SR, format="WAV", subtype="FLOAT")
        found[name] = encoder.embed_file(file.getvalue()).astype(float).round(5).tolist()
    return found


if __name__ == "__main__":
    golden = {"fingerprint": load_pretrained().fingerprint, "embeddings": embeddings()}
    FILE.write_text(json.dumps(golden) + "\n", "utf-8")
