from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings

from ranker import Candidates, Query, merge
from ranker.calibration import Calibration
from ranker.features import NAMES
from ranker.learned import LearnedRanker
from ranker.sources import SIGNALS
from tests.ranker.contract import QUERY, RankerContract
from tests.ranker.models import linear_model, table_of
from tests.ranker.strategies import candidate_lists, scores_of, tracks_of

BEHAVIOUR = SIGNALS.index("behaviour")


def features(query, pool):
    """Take the scores of sources as features; 0 where a source did not propose the track."""
    columns = {"cf": "cf_score", "audio": "audio_score", "popular": "listeners"}
    found = {columns[s]: pool.scores[:, at] for at, s in enumerate(pool.sources) if s in columns}
    return table_of(len(pool.tracks), **found)


def ranker_of(**weights):
    model = linear_model(**weights)
    return LearnedRanker(replace(model, calibration=Calibration((-9, 9), (0.1, 0.9))), features)


class TestLearnedRanker(RankerContract):
    @pytest.fixture
    def ranker(self):
        return ranker_of(cf_score=1, audio_score=0.5, listeners=0.25)


def listed(source, **scores):
    tracks = sorted(scores, key=scores.get, reverse=True)
    values = [scores[track] for track in tracks]
    return Candidates(source, tracks_of([int(t[1:]) for t in tracks]), scores_of(values))


POOL = merge([listed("cf", t4=3, t1=2), listed("audio", t1=4, t8=1), listed("popular", t9=2)])


def test_scores_are_probabilities():
    model = linear_model(cf_score=1, audio_score=0.5)  # of t1 4, t4 3, t8 1/2, t9 0
    ranked = LearnedRanker(model, features).rank(QUERY, POOL, 3)
    assert ranked.tracks.tolist() == [1, 4, 8]
    # Beyond the knot at 1, of probability 3/4, logits rise as scores do; below it by log 3 a unit.
    logits = np.array([np.log(3) + 3, np.log(3) + 2, np.log(3) / 2])
    np.testing.assert_allclose(ranked.scores, 1 / (1 + np.exp(-logits)), rtol=1e-6)


def test_equal_rows_tie_wherever_they_stand():
    many = {f"t{at}": 1.1 for at in range(29)}
    ranked = ranker_of(cf_score=0.1, audio_score=0.7).rank(
        QUERY, merge([listed("cf", **many), listed("audio", **many)]), 29
    )
    assert ranked.tracks.tolist() == list(range(29))


def test_shares_are_what_signals_add_to_an_average_candidate_of_training():
    model = linear_model(cf_score=1, audio_score=0.5, listeners=1)
    means = tuple(float(name == "cf_score") for name in NAMES)
    ranker = LearnedRanker(replace(model, line=replace(model.line, means=means)), features)
    shares = ranker.shares(QUERY, POOL, tracks_of([1, 4, 9]))
    # Behaviour adds 2 - 1 to track 1, sound 4 / 2. To track 4 behaviour adds 3 - 1; to 9 popularity
    # adds 2, and behaviour, of which there is none, speaks against it.
    np.testing.assert_allclose(shares, [[2 / 3, 1 / 3, 0], [0, 1, 0], [0, 0, 1]], rtol=1e-6)


@settings(deadline=None)
@given(candidate_lists())
def test_shares_add_up_to_one_or_nothing_speaks_for_a_track(lists):
    ranker, pool = ranker_of(cf_score=1, audio_score=0.5, listeners=0.25), merge(lists)
    shares = ranker.shares(QUERY, pool, pool.tracks)
    assert shares.shape == (len(pool.tracks), len(SIGNALS))
    assert (shares >= 0).all()
    totals = shares.sum(axis=1)
    np.testing.assert_allclose(totals[totals > 0], 1)


def test_a_track_outside_of_the_pool_has_no_shares():
    ranker = ranker_of(cf_score=1)
    shares = ranker.shares(QUERY, POOL, tracks_of([2, 4, 30]))
    assert not shares[[0, 2]].any()
    assert shares[1, BEHAVIOUR] == 1
    assert not ranker.shares(QUERY, merge([]), tracks_of([4])).any()


def test_a_user_feature_is_no_signal():
    table = table_of(2, user_tracks=[1, 5], cf_score=[0, 1])
    ranker = LearnedRanker(linear_model(user_tracks=3, cf_score=1), lambda *_: table)
    pool = merge([listed("cf", t4=2, t1=1)])
    assert ranker.shares(QUERY, pool, tracks_of([4])).tolist() == [[0, 1, 0]]


def test_features_of_a_pool_are_computed_once_a_query():
    calls = []

    def counted(query, pool):
        calls.append(pool)
        return features(query, pool)

    ranker = LearnedRanker(linear_model(cf_score=1), counted)
    query = Query(QUERY.history, QUERY.eligible)
    ranker.rank(query, POOL, 3)
    ranker.shares(query, POOL, tracks_of([4]))
    assert len(calls) == 1
    ranker.rank(Query(QUERY.history, QUERY.eligible), POOL, 3)
    assert len(calls) == 2


def test_uses_every_source():
    assert all(ranker_of().uses(source) for source in ("cf", "cold", "new", "another"))
