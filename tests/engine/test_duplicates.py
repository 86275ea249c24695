from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.errors import BundleError
from engine.duplicates import (
    Duplicates,
    RecordingIndex,
    Recordings,
    build_index,
    find_pairs,
    group_recordings,
    look_up,
)
from engine.duplicates.match import MAX_ERROR, compare
from tests.engine.prints import SECOND, draw, worn

NOTHING = np.empty(0, np.uint32)


def index_of(prints: list[np.ndarray], **options: int) -> RecordingIndex:
    recordings = Recordings.of(prints)
    return RecordingIndex(recordings, build_index(recordings, **options))


def groups(prints: list[np.ndarray]) -> list[list[int]]:
    return Duplicates.find(Recordings.of(prints)).groups()


def test_a_copy_is_found_where_it_lies_and_strangers_are_not() -> None:
    words = draw(0)
    prints = [draw(1), words, NOTHING, worn(words), draw(2), words[100:340]]
    pairs = {(p.first, p.second): p.match for p in find_pairs(index_of(prints))}
    assert set(pairs) == {(1, 3), (1, 5), (3, 5)}
    assert pairs[1, 3].offset == 0
    assert pairs[1, 3].words == 360
    assert pairs[1, 3].error == pytest.approx(0.16, abs=0.02)  # 8% of bits, of the 50% by chance
    assert (pairs[1, 5].offset, pairs[1, 5].words, pairs[1, 5].error) == (100, 240, 0)
    assert Duplicates.find(Recordings.of(prints)).representatives.tolist() == [0, 1, 2, 1, 4, 1]


def test_error_counts_bits_against_those_that_differ_by_chance() -> None:
    one = np.tile(np.array([1, 2**31], np.uint32), 60)
    # Of two bits each is set in half of the words: by chance 1 of 32 bits differs. Of what is
    # alike in all recordings, nothing follows.
    assert compare(one, one, 0) is None
    busy = np.uint32(0x00FFFF00)
    first, second = draw(3) & busy | 1, draw(4) & busy | 1
    stranger, copy = compare(first, second, 0), compare(first, worn(first, 0.05), 0)
    assert stranger is not None
    assert stranger.error == pytest.approx(1, abs=0.1)  # a quarter of all bits, as by chance
    assert not stranger.same
    assert copy is not None
    # 5% of all bits; by chance 16 differ half of the time, 16 as often as they are worn.
    assert copy.error == pytest.approx(0.05 / 0.275, abs=0.02)
    assert copy.same


def test_prints_must_have_enough_in_common() -> None:
    words = draw(6)
    assert compare(words, words[: 3 * SECOND], 0) is not None
    assert compare(words, words[: 3 * SECOND - 1], 0) is None  # 3 s are the least
    early, late = words[:200], words[110:310]
    assert compare(early, late, 110) is None  # 90 words of 200 are less than half
    assert compare(early, words[99:299], 99) is not None
    match = compare(early, late, 110, share=0)
    assert match is not None
    assert match.same
    hole = words.copy()
    hole[40:] = 0  # silence says nothing, on either side
    assert compare(words, hole, 0).words == 40  # type: ignore[union-attr]


def test_an_offset_may_be_one_word_off() -> None:
    words = draw(7)
    for offset in (49, 50, 51):
        match = compare(words, words[50:], offset)
        assert match is not None
        assert (match.offset, match.error) == (50, 0)
    match = compare(words, words[50:], 52)
    assert match is not None
    assert match.error > 0.8


def test_a_jingle_in_front_joins_no_one() -> None:
    jingle = draw(8, 5)
    shows = [np.concatenate([jingle, draw(20 + i)]) for i in range(4)]
    assert groups(shows) == []
    # As a track of its own it is an excerpt of any show, yet joins one at most.
    found = groups([*shows, jingle])
    assert len(found) == 1
    assert len(found[0]) == 2
    assert 4 in found[0]


def test_a_file_that_holds_an_album_does_not_join_its_tracks() -> None:
    album = [draw(40 + i, 60) for i in range(4)]
    found = groups([*album, np.concatenate(album), worn(album[0])])
    assert [0, 5] in [[t for t in group if t != 4] for group in found]
    tracks = [track for group in found for track in group]
    assert len(found) == 1
    assert set(tracks) <= {0, 4, 5}


def test_excerpts_are_grouped_with_what_they_are_taken_from() -> None:
    words = draw(9, 60)
    # The two excerpts share 6 s of their 20, which is less than half, but they agree there.
    assert groups([words[:240], words, words[168:408]]) == [[1, 0, 2]]
    assert groups([words[240:], words[:360], draw(10)]) == []


def test_who_stands_for_a_group_is_the_longest_then_the_first() -> None:
    words = draw(11)
    assert groups([words[:300], worn(words), words, draw(12)]) == [[1, 0, 2]]


def test_many_copies_are_one_group() -> None:
    words = draw(13, 10)
    copies = [worn(words, 0.03, seed=i) for i in range(120)]
    assert groups([draw(14), *copies]) == [list(range(1, 121))]


def test_silence_and_runs_of_one_word_are_not_recordings_in_common() -> None:
    silence = np.zeros(360, np.uint32)
    steady = np.full(360, 12_345, np.uint32)
    quiet = [np.concatenate([draw(30 + i, 10), silence]) for i in range(3)]
    assert groups([silence, silence, steady, steady, *quiet]) == []


def test_bands_that_are_empty_in_both_prove_nothing() -> None:
    low = [draw(50 + i) & np.uint32(0xFFF) for i in range(30)]
    assert groups(low) == []
    assert groups([*low, worn(low[3], 0.03) & np.uint32(0xFFF)]) == [[3, 30]]


def test_an_index_may_keep_a_part_of_the_words() -> None:
    words = draw(15, 180)
    prints = [draw(60 + i, 180) for i in range(20)] + [words, worn(words)]
    index = index_of(prints, most=10_000)
    assert 8_000 < len(index.keys) < 12_000
    assert [(p.first, p.second) for p in find_pairs(index)] == [(20, 21)]


def test_pairs_are_the_same_in_batches_of_any_size() -> None:
    words = draw(16)
    prints = [words, draw(17), worn(words), NOTHING, words[60:]]
    index = index_of(prints)
    whole = [list(zip(c.first, c.second, c.offset, c.votes, strict=True)) for c in index.pairs()]
    small = [
        list(zip(c.first, c.second, c.offset, c.votes, strict=True)) for c in index.pairs(batch=1)
    ]
    assert len(whole) == 1
    assert len(small) == 5
    assert [row for rows in small for row in rows] == whole[0]


def test_a_print_is_looked_up() -> None:
    words = draw(18)
    index = index_of([draw(19), words, worn(words, 0.05)])
    found = look_up(worn(words[80:], 0.02, seed=5), index)
    assert found is not None
    assert found[0] == 1
    assert found[1].offset == -80  # it begins before the print does
    assert found[1].error <= MAX_ERROR
    assert look_up(draw(99), index) is None
    assert look_up(NOTHING, index) is None
    assert look_up(words, index_of([])) is None


def test_what_is_not_known_of_all_tracks_is_refused() -> None:
    good = Duplicates.find(Recordings.of([draw(1), draw(2)]))
    good.check(2)
    Duplicates.find(Recordings.of([])).check(0)
    with pytest.raises(BundleError, match="prints of recordings"):
        good.check(3)
    for wrong in ([0, 2], [1, 0], [0], [-1, 1]):
        bad = Duplicates(np.array(wrong, np.int32), good.recordings, good.keys)
        with pytest.raises(BundleError, match="groups of duplicates"):
            bad.check(2)


@given(
    st.lists(
        st.tuples(st.integers(0, 5), st.integers(0, 200), st.integers(0, 300), st.integers(0, 9)),
        max_size=14,
    )
)
@settings(max_examples=40, deadline=None)
def test_groups_hold_excerpts_of_one_recording_only(
    cuts: list[tuple[int, int, int, int]],
) -> None:
    """Of several recordings any excerpts, worn or not: no group holds two of different ones."""
    sources = [draw(70 + i, 40) for i in range(6)]
    prints = [
        worn(sources[source][start : start + length], wear / 100, seed=i)
        for i, (source, start, length, wear) in enumerate(cuts)
    ]
    recordings = Recordings.of(prints)
    pairs = find_pairs(RecordingIndex(recordings, build_index(recordings)))
    found = group_recordings(recordings, pairs)
    Duplicates(found, recordings, build_index(recordings)).check(len(cuts))
    lengths = recordings.lengths
    for track, representative in enumerate(found.tolist()):
        assert cuts[track][0] == cuts[representative][0]
        assert lengths[track] <= lengths[representative]
    joined = {(p.first, p.second) for p in pairs}
    assert all(first < second for first, second in joined)
