from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.errors import ParameterError
from ranker import Candidates, cap_artists
from tests.ranker.strategies import N_TRACKS, candidates, scores_of, tracks_of

ARTISTS = st.lists(st.integers(-1, 4), min_size=N_TRACKS, max_size=N_TRACKS).map(tracks_of)


def listed(*tracks):
    return Candidates("rrf", tracks_of(tracks), scores_of(range(len(tracks), 0, -1)))


def test_tracks_over_the_cap_make_room():
    artists = tracks_of([0, 0, 0, 1, -1, -1])
    capped = cap_artists(listed(0, 1, 2, 4, 5, 3), artists, 1, n=4)
    assert capped.tracks.tolist() == [0, 4, 5, 3]
    assert capped.scores.tolist() == [6, 3, 2, 1]
    assert capped.source == "rrf"


def test_tracks_over_the_cap_come_back_where_others_run_out():
    artists = tracks_of([0, 0, 0, 1])
    capped = cap_artists(listed(0, 1, 2, 3), artists, 1, n=3)
    assert capped.tracks.tolist() == [0, 3, 1]


@settings(deadline=None)
@given(candidates(), ARTISTS, st.integers(1, 4), st.integers(0, 40))
def test_agrees_with_counting_one_by_one(found, artists, cap, n):
    kept, over, seen = [], [], Counter()
    for track in found.tracks.tolist():
        artist = int(artists[track])
        (over if artist >= 0 and seen[artist] >= cap else kept).append(track)
        seen[artist] += 1
    capped = cap_artists(found, artists, cap, n=n)
    assert capped.tracks.tolist() == (kept + over)[:n]
    score = dict(zip(found.tracks.tolist(), found.scores.tolist(), strict=True))
    assert capped.scores.tolist() == [score[track] for track in capped.tracks.tolist()]


@settings(deadline=None)
@given(candidates(), ARTISTS, st.integers(1, 4), st.integers(0, 40))
def test_holds_the_cap_wherever_it_can_and_never_answers_less(found, artists, cap, n):
    capped = cap_artists(found, artists, cap, n=n)
    assert len(capped) == min(n, len(found))
    assert len(set(capped.tracks.tolist())) == len(capped)
    most = Counter(artists[found.tracks][artists[found.tracks] >= 0].tolist())
    room = sum(min(cap, count) for count in most.values())
    room += int((artists[found.tracks] == -1).sum())
    codes = Counter(artists[capped.tracks][artists[capped.tracks] >= 0].tolist())
    if room >= n:
        assert all(count <= cap for count in codes.values())


@pytest.mark.parametrize("cap", [0, -1, 1.5, True])
def test_refuses_a_cap_that_is_not_a_positive_integer(cap):
    with pytest.raises(ParameterError, match="`artist_cap` must be a positive integer"):
        cap_artists(listed(0), tracks_of([0]), cap, n=1)
