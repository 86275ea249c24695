"""Training that starts from the weights of another encoder."""

import logging

import numpy as np
import pytest

from audio_model.cache import MelCache
from audio_model.config import AudioConfig
from audio_model.keras_encoder import KerasEncoder
from audio_model.training import train_encoder
from data.errors import ParameterError

STEP = 1e-3  # of Adam, which moves a weight by about as much in its first step


@pytest.fixture
def one_step(tiny) -> AudioConfig:
    return tiny.model_copy(update={"max_steps": 1, "recipe": "article"})


@pytest.fixture
def train(tmp_path, sound, one_step):
    """Train for one step, and keep the checkpoint."""

    def run(start: KerasEncoder | None = None, config: AudioConfig = one_step) -> KerasEncoder:
        cache = MelCache(tmp_path / "mel", config)
        work = tmp_path / "work"
        return train_encoder([sound()], config, checkpoint_dir=work, cache=cache, start=start)

    return run


def farthest(one: KerasEncoder, other: KerasEncoder) -> float:
    """The largest difference among the weights that a gradient moves."""
    pairs = zip(one.weights, other.weights, strict=True)
    return max(float(np.abs(a - b).max()) for a, b in pairs if a.ndim > 1)


def test_a_training_goes_on_from_the_weights_that_it_is_given(train, one_step):
    start = KerasEncoder.untrained(one_step.model_copy(update={"seed": 9}))
    trained = train(start)
    assert 0 < farthest(trained, start) < 1.5 * STEP
    assert farthest(train(), start) > 0.05


def test_a_checkpoint_of_another_start_is_not_used(train, one_step, caplog):
    starts = [KerasEncoder.untrained(one_step.model_copy(update={"seed": s})) for s in (1, 2)]
    first = train(starts[0])
    with caplog.at_level(logging.WARNING, "segue.audio"):
        second = train(starts[1])
    assert "training starts afresh" in caplog.text
    assert farthest(second, starts[1]) < 1.5 * STEP < farthest(second, first)
    assert train(starts[1]).fingerprint == second.fingerprint  # it had ended


def test_another_network_is_no_start(train, one_step):
    other = KerasEncoder.untrained(one_step)
    other.weights[0] = other.weights[0][..., :16]
    with pytest.raises(ParameterError, match="cannot start from an encoder of 'article'"):
        train(other)
