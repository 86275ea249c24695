"""What an encoder hears: retrieval among artists that its training never heard.

::

    files -> Gallery (spectrograms) -> Plan (who is asked) -> systems (vectors)
          -> sections (scores with intervals), robustness -> HearingReport

Importing this is light; `engine.hearing.run` (`evaluate_audio`) loads TensorFlow.
"""

from engine.hearing.held_out import Fold, Plan, ask_everyone, hold_out
from engine.hearing.render import render_hearing
from engine.hearing.report import Figure, HearingReport, Section
from engine.hearing.retrieval import MEASURES, genre_accuracy, retrieval_scores

__all__ = [
    "MEASURES",
    "Figure",
    "Fold",
    "HearingReport",
    "Plan",
    "Section",
    "ask_everyone",
    "genre_accuracy",
    "hold_out",
    "render_hearing",
    "retrieval_scores",
]
