"""Loads TensorFlow and Keras, quietly: the one place that imports them."""

from __future__ import annotations

import os

from audio_model.config import AudioConfig
from audio_model.quiet import quiet_stderr

os.environ["KERAS_BACKEND"] = "tensorflow"  # whatever else the user's own Keras runs on
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # read once, when TensorFlow is loaded
with quiet_stderr():
    import keras
    import tensorflow as tf

__all__ = ["configure_runtime", "keras", "tf"]


def configure_runtime(config: AudioConfig) -> None:
    """Set TensorFlow's threads; without effect once TensorFlow has run something."""
    try:
        tf.config.threading.set_intra_op_parallelism_threads(config.threads)
        tf.config.threading.set_inter_op_parallelism_threads(config.threads)
    except RuntimeError:  # already initialised: the threads of the first use stay
        pass
