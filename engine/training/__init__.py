"""Training: from the store to a published bundle."""

from engine.training.pipeline import train
from engine.training.report import TrainingReport

__all__ = ["TrainingReport", "train"]
