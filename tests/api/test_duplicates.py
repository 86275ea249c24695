"""Duplicates in the answers that are not the recommender's own."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from api.answers import duplicate_of
from api.http.views.lists import newest
from audio_model.encoder import Heard
from data.catalog import Catalog
from tests.api.conftest import make_contents
from tests.engine.prints import draw, known_duplicates, worn

CATALOG = Catalog.from_frame(
    pd.DataFrame(
        {
            "track_id": [f"t{i:02}" for i in range(12)],
            "released_at": [f"20{i:02}" for i in range(12)],
        }
    )
)
# Tracks 2, 5 and 11 are one recording.
KNOWN = known_duplicates([0, 1, 2, 3, 4, 2, 6, 7, 8, 9, 10, 2])


def test_new_lists_a_recording_once_at_its_last_release() -> None:
    listed = [item.track for item in newest(CATALOG, 20, duplicates=KNOWN)]
    assert listed == [11, 10, 9, 8, 7, 6, 4, 3, 1, 0]
    assert [item.track for item in newest(CATALOG, 7, duplicates=KNOWN)] == listed[:7]
    assert len(newest(CATALOG, 20)) == 12


def test_a_file_is_told_to_be_a_track() -> None:
    contents = replace(make_contents(CATALOG), duplicates=KNOWN)

    def heard(words: np.ndarray) -> Heard:
        return Heard(np.ones(4, np.float32), np.ones((1, 4), np.float16), words)

    cut = worn(KNOWN.recordings[7][50:], 0.04)
    assert duplicate_of(heard(cut), contents) == "t07"
    assert duplicate_of(heard(draw(1)), contents) is None
    assert duplicate_of(heard(np.empty(0, np.uint32)), contents) is None
    assert duplicate_of(heard(cut), make_contents(CATALOG)) is None
