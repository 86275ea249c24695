"""The gate against bundles that lack most of what the one before knew."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from data import Vocabulary
from engine.bundle import Acoustic, BundleContents
from engine.duplicates import Duplicates, Recordings
from engine.gate import shrinkage
from tests.engine.conftest import TRACKS, World


def embedded(contents: BundleContents, count: int) -> BundleContents:
    acoustic = Acoustic("imported", np.ones((TRACKS, 4), np.float32), np.arange(TRACKS) < count)
    return replace(contents, acoustic=acoustic)


def test_a_bundle_like_the_one_before_lost_nothing(world: World) -> None:
    assert shrinkage(world.contents, world.contents, most=0.0) == []


@pytest.mark.parametrize(("left", "refused"), [(0, True), (4, True), (5, False), (12, False)])
def test_more_than_half_of_the_sound_is_too_much(world: World, left: int, refused: bool) -> None:
    lost = shrinkage(embedded(world.contents, left), embedded(world.contents, 10), most=0.5)
    clause = (
        f"it has {left} tracks with an embedding, the current bundle has 10: more than 50% are "
        "lost (`engine.gate_loss`)"
    )
    assert lost == ([clause] if refused else [])


def test_no_sound_at_all_is_named_with_all_that_it_lost(world: World) -> None:
    [clause] = shrinkage(replace(world.contents, acoustic=None), world.contents, most=0.5)
    assert clause.startswith("it has 0 tracks with an embedding, the current bundle has 11:")
    # Where there was none, none is missing.
    silent = replace(world.contents, acoustic=None)
    assert shrinkage(silent, silent, most=0.5) == []
    assert shrinkage(world.contents, silent, most=0.5) == []


def test_users_and_plays_count_too(world: World) -> None:
    few = replace(
        world.contents, users=Vocabulary(["u00"]), plays=world.contents.plays * 0.25, behaviour=None
    )
    lost = shrinkage(few, world.contents, most=0.5)
    assert [clause.split(",")[0] for clause in lost] == [
        "it has 1 users",
        f"it has {round(float(few.plays.sum()))} plays",
    ]
    assert len(shrinkage(few, world.contents, most=0.8)) == 1  # 3/4 of the plays may go, not 11/12
    assert shrinkage(few, world.contents, most=1.0) == []


def test_tracks_that_have_become_one_recording_are_lost(world: World) -> None:
    prints = Recordings(np.empty(0, np.uint32), np.zeros(TRACKS + 1, np.int64))
    alike = Duplicates(np.zeros(TRACKS, np.int32), prints, np.empty(0, np.uint64))
    [clause] = shrinkage(replace(world.contents, duplicates=alike), world.contents, most=0.5)
    assert clause.startswith("it has 1 distinct recordings, the current bundle has 12:")
