"""Hypothesis strategies of the room."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from ranker import Candidates

N_TRACKS = 30
SOURCES = ("cf", "audio", "popular", "other")


def tracks_of(values):
    return np.array(values, np.int32)


def scores_of(values):
    return np.array(values, np.float32)


@st.composite
def candidates(draw, source="cf", min_size=0):
    """Distinct tracks below N_TRACKS in any order, with descending scores, often tied."""
    tracks = draw(st.lists(st.integers(0, N_TRACKS - 1), unique=True, min_size=min_size))
    scores = draw(st.lists(st.integers(-5, 5), min_size=len(tracks), max_size=len(tracks)))
    return Candidates(source, tracks_of(tracks), scores_of(sorted(scores, reverse=True)))


@st.composite
def candidate_lists(draw):
    """One `Candidates` each of some of the sources."""
    names = draw(st.lists(st.sampled_from(SOURCES), unique=True))
    return [draw(candidates(source=name)) for name in names]
