"""What an encoder hears: retrieval among artists that its training never heard.

::

    files -> split_artists -> train on the others -> embed the held-out -> scores -> HearingReport

Importing this is light; `engine.hearing.run` (`evaluate_audio`) loads TensorFlow.
"""

from engine.hearing.held_out import ArtistSplit, label_codes, split_artists
from engine.hearing.report import HearingReport, Section, render_hearing
from engine.hearing.retrieval import MEASURES, genre_accuracy, retrieval_scores

__all__ = [
    "MEASURES",
    "ArtistSplit",
    "HearingReport",
    "Section",
    "genre_accuracy",
    "label_codes",
    "render_hearing",
    "retrieval_scores",
    "split_artists",
]
