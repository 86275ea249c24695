"""Experiments: who gets which variant, and which of them users listen to more."""

from engine.experiments.assignment import assign, experiment_for
from engine.experiments.config import Experiment, Variant

__all__ = ["Experiment", "Variant", "assign", "experiment_for"]
