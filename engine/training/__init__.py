"""Training: from the store to a published bundle."""

from engine.training.pipeline import TrainingReport, train

__all__ = ["TrainingReport", "train"]
