import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ranker import (
    Candidates,
    RankerConfig,
    Reason,
    ReciprocalRankFusion,
    explain,
    merge,
)
from tests.ranker.contract import QUERY
from tests.ranker.strategies import N_TRACKS, candidate_lists, scores_of, tracks_of

CONFIG = RankerConfig(rrf_k=60, weight_cf=1, weight_audio=1, weight_popular=0.5)
FUSION = ReciprocalRankFusion(CONFIG)


def listed(source, *tracks):
    return Candidates(source, tracks_of(tracks), scores_of(range(len(tracks), 0, -1)))


def explained(tracks, played, *, pool, **options):
    return explain(tracks, played, shares=FUSION.shares(QUERY, pool, tracks), **options)


def test_shares_are_those_of_rank_fusion():
    pool = merge([listed("cf", 4, 1), listed("audio", 1, 8), listed("popular", 9)])
    reasons = explained(tracks_of([1, 4, 9, 2]), tracks_of([]), pool=pool)
    cf, audio = 1 / 62, 1 / 61
    assert reasons[0].behaviour == pytest.approx(cf / (cf + audio))
    assert reasons[0].sound == pytest.approx(audio / (cf + audio))
    assert reasons[1:3] == (Reason(behaviour=1.0), Reason(popularity=1.0))
    assert reasons[3] == Reason()  # nobody proposed it


def test_sources_of_other_kinds_take_their_share():
    pool = merge([listed("cf", 4), listed("another", 4)])
    (reason,) = explained(tracks_of([4]), tracks_of([]), pool=pool)
    assert reason == Reason(behaviour=0.5)


def test_sources_of_one_signal_add_up():
    config = RankerConfig(rrf_k=1, weight_neighbours=1, weight_seeds=2)
    pool = merge([listed("cf", 4), listed("neighbours", 5, 4), listed("seeds", 4)])
    # 1 / 2 of factors and 1 / 3 of neighbours are behaviour, 2 / 2 of seeds sound: 5 to 6.
    shares = ReciprocalRankFusion(config).shares(QUERY, pool, tracks_of([4]))
    assert shares.tolist() == [pytest.approx([6 / 11, 5 / 11, 0])]


def test_names_the_plays_that_weigh_most():
    # Track 1 is proposed by behaviour at rank 2 (share 61/123), by sound at rank 1 (62/123). Of
    # the plays, 20 is its double in sound (62/123); 21 adds most by behaviour, and half as much
    # sound (61/123 + 31/123); 22 speaks against it; 23 adds half as much behaviour (30.5/123).
    pool = merge([listed("cf", 4, 1), listed("audio", 1)])
    (reason,) = explained(
        tracks_of([1]),
        tracks_of([20, 21, 22, 23]),
        pool=pool,
        behaviour=scores_of([[0, 0.4, -0.3, 0.2]]),
        sound=scores_of([[0.8, 0.4, -0.5, 0]]),
        limit=5,
    )
    assert reason.because == (21, 20, 23)


def test_a_track_that_was_played_is_no_reason_for_itself():
    pool = merge([listed("cf", 20), listed("audio", 20)])
    both, alone = (
        explained(
            tracks_of([20]),
            played,
            pool=pool,
            behaviour=scores_of([[9, 0.4][: len(played)]]),
            sound=scores_of([[1, 0.4][: len(played)]]),
        )[0]
        for played in (tracks_of([20, 21]), tracks_of([20]))
    )
    assert both.because == (21,)
    assert alone.because == ()


def test_each_signal_speaks_only_for_what_it_proposed():
    pool = merge([listed("cf", 4), listed("audio", 8)])
    by_cf, by_audio = explained(
        tracks_of([4, 8]),
        tracks_of([20, 21]),
        pool=pool,
        behaviour=scores_of([[1, 0], [1, 0]]),
        sound=scores_of([[0, 1], [0, 1]]),
    )
    assert by_cf.because == (20,)
    assert by_audio.because == (21,)


def test_a_play_that_led_to_everything_is_told_behind_one_that_led_here():
    pool = merge([listed("cf", 4, 5)])
    first, second = explained(
        tracks_of([4, 5]),
        tracks_of([20, 21, 22]),
        pool=pool,
        behaviour=scores_of([[1, 0.9, 0], [1, 0, 0.6]]),
    )
    # Of 20 the mean is 1, of 21 .45, of 22 .3: 1, 1.8 and, for the second track, 1, 1.2.
    assert first.because == (21, 20)
    assert second.because == (22, 20)


def test_names_no_more_than_the_limit_and_the_earlier_of_equals():
    pool = merge([listed("cf", 4)])
    (reason,) = explained(
        tracks_of([4]),
        tracks_of([23, 20, 21]),
        pool=pool,
        behaviour=scores_of([[1, 1, 1]]),
        limit=2,
    )
    assert reason.because == (23, 20)


def test_tells_the_rule_of_each_track():
    pool = merge([listed("cf", 4, 5)])
    reasons = explained(tracks_of([4, 5]), tracks_of([]), pool=pool, rules=[None, "artist_cap"])
    assert [reason.rule for reason in reasons] == [None, "artist_cap"]


def test_nothing_to_explain():
    assert explained(tracks_of([]), tracks_of([3]), pool=merge([])) == ()


@settings(deadline=None)
@given(candidate_lists(), st.lists(st.integers(0, N_TRACKS - 1), unique=True, max_size=8))
def test_shares_are_shares(lists, tracks):
    pool = merge(lists)
    reasons = explained(tracks_of(tracks), tracks_of([]), pool=pool)
    for track, reason in zip(tracks, reasons, strict=True):
        shares = (reason.sound, reason.behaviour, reason.popularity)
        assert all(share >= 0 for share in shares)
        named = pool.sources_of(track)
        if "other" not in named:
            assert sum(shares) == pytest.approx(1.0 if named else 0.0)
        else:
            assert sum(shares) < 1
