"""The sample: music composed, played and written as MP3, and listeners with known tastes.

Everything here is simulated, and serves tests and the demo.
"""

from data.sample.artists import KNOBS, sample_timbre
from data.sample.catalogue import sample_tracks
from data.sample.generate import generate_sample
from data.sample.listeners import simulate_listens
from data.sample.state import Parameters, SampleFiles, other_options
from data.sample.styles import STYLES
from data.sample.tastes import Tastes, draw_tastes

__all__ = [
    "KNOBS",
    "STYLES",
    "Parameters",
    "SampleFiles",
    "Tastes",
    "draw_tastes",
    "generate_sample",
    "other_options",
    "sample_timbre",
    "sample_tracks",
    "simulate_listens",
]
