"""Verdicts over questions of two candidates, worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from engine.bootstrap import Estimate
from engine.ranking import Answers, Verdict, judge
from engine.ranking.answers import plain_lists
from engine.ranking.holdout import Kind
from engine.ranking.verdict import ndcg
from ranker import Candidates, RankerConfig, ReciprocalRankFusion, merge
from tests.ranker.models import linear_model, table_of

FUSION = ReciprocalRankFusion(RankerConfig())
SECOND = 1 / np.log2(3)
MODEL = linear_model(cf_score=1)


def ids(*values: int) -> np.ndarray:
    return np.array(values, np.int32)


def answers_of(*asked: tuple[Kind, int, bool], fusion: ReciprocalRankFusion = FUSION) -> Answers:
    """Make questions: so many of a kind; whether the model puts the right one first.

    Tracks 3 and 5 are proposed. `cf` says 3 first, which is wrong, `popular` says 5 first.
    """
    scores = {True: [0.0, 1.0], False: [1.0, 0.0]}
    kinds, tracks, tables, plain = [], [], [], []
    for kind, many, first in asked:
        for _ in range(many):
            kinds.append(kind)
            lists = [
                Candidates("cf", ids(3, 5), np.array([2, 1], np.float32)),
                Candidates("popular", ids(5), np.array([1], np.float32)),
            ]
            pool = merge(lists)
            tracks.append(pool.tracks)
            tables.append(table_of(2, cf_score=scores[first]))
            plain.append(plain_lists(pool, fusion, kind))
    return Answers(kinds, [ids(5)] * len(kinds), tracks, tables, plain)


def test_a_ranker_that_is_right_wins() -> None:
    found = judge([(MODEL, answers_of(("warm", 12, True)))])
    # Fusion: track 3 has 1 / 11, track 5 has 1 / 12 + 0.1 / 11, which is more.
    values = {"learned": 1, "fusion": 1, "cf": SECOND, "audio": 0, "popular": 1}
    assert found.ndcg["warm"] == pytest.approx(values)
    lone = ReciprocalRankFusion(RankerConfig(weight_popular=0))
    found = judge([(MODEL, answers_of(("warm", 12, True), fusion=lone))])
    assert found.ndcg["warm"]["fusion"] == pytest.approx(SECOND)
    gain = pytest.approx(1 - SECOND)
    same = Estimate(gain, gain, gain)  # type: ignore[arg-type] # compares as a number
    assert found.over_fusion == {"overall": same, "warm": same}
    assert found.questions == {"overall": 12, "warm": 12}
    assert found.objection == ""


def test_a_ranker_that_is_no_better_is_objected_to() -> None:
    found = judge([(MODEL, answers_of(("warm", 12, True)))])
    assert found.over_fusion["overall"].mean == 0
    assert found.objection == "the learned ranker is not clearly better than rank fusion"


def test_a_ranker_that_is_worse_somewhere_is_objected_to() -> None:
    lone = ReciprocalRankFusion(RankerConfig(weight_cf=0.9, weight_popular=0))
    worse = judge([(MODEL, answers_of(("warm", 40, True), ("cold", 12, False)))])
    assert worse.ndcg["cold"]["learned"] == pytest.approx(SECOND)
    assert worse.objection == "the learned ranker is worse than rank fusion in: cold"
    # Where fusion is as wrong, that is no objection.
    same = answers_of(("warm", 40, True), ("cold", 12, False), fusion=lone)
    assert judge([(MODEL, same)]).objection == ""


def test_overall_is_warm_and_new_together() -> None:
    found = judge(
        [
            (MODEL, answers_of(("warm", 15, True), ("tail", 11, True))),
            (MODEL, answers_of(("new", 15, False), ("cold", 9, True))),
        ],
    )
    assert found.questions == {"overall": 30, "warm": 15, "new": 15, "tail": 11}  # 9 are too few
    assert found.ndcg["overall"]["learned"] == pytest.approx((1 + SECOND) / 2)


def test_without_questions_there_is_nothing_to_win() -> None:
    found = judge([(MODEL, answers_of())])
    assert found.questions == {}
    assert "not clearly better" in found.objection


def test_a_document_is_json_values() -> None:
    found = Verdict({"warm": {"learned": 0.5}}, {"overall": Estimate(0.1, 0.05, 0.2)}, {"warm": 10})
    assert found.document() == {
        "ndcg@10": {"warm": {"learned": 0.5}},
        "over_fusion": {"overall": {"mean": 0.1, "low": 0.05, "high": 0.2}},
        "questions": {"warm": 10},
        "objection": "",
    }


def test_ndcg_by_hand() -> None:
    gains = 1 / np.log2(np.arange(2, 12))
    assert ndcg(ids(7, 5, 9), ids(5)) == pytest.approx(gains[1])
    assert ndcg(ids(7, 5, 9), ids(5, 9)) == pytest.approx((gains[1] + gains[2]) / gains[:2].sum())
    assert ndcg(ids(*range(12)), ids(*range(12))) == pytest.approx(1)
    assert ndcg(ids(*range(10), 11), ids(11)) == 0  # it is the eleventh
    assert ndcg(ids(), ids(3)) == 0


def test_data_are_the_questions_that_tell_right_from_wrong() -> None:
    found = answers_of(("warm", 2, True))
    assert found.labels(0).tolist() == [0, 1]
    mixed = Answers(
        [*found.kinds, *found.kinds],
        [ids(5)] * 4,
        [*found.tracks, ids(3), ids(5)],  # 5 is not proposed, or nothing but 5 is
        [*found.tables, table_of(1), table_of(1)],
        [{}] * 4,
    )
    data = mixed.data()
    assert data.sizes.tolist() == [2, 2]
    assert data.labels.tolist() == [0, 1, 0, 1]
    np.testing.assert_array_equal(data.table, np.concatenate(found.tables))
    assert answers_of().data().table.shape == (0, table_of(1).shape[1])


def test_the_usual_questions_are_those_of_warm_and_new_users_right_or_wrong() -> None:
    found = answers_of(("warm", 1, True), ("tail", 1, True), ("new", 1, False), ("cold", 1, True))
    mixed = Answers(
        [*found.kinds, found.kinds[0]],
        [ids(5)] * 5,
        [*found.tracks, ids(3)],  # 5 is not proposed
        [*found.tables, table_of(1)],
        [{}] * 5,
    )
    usual = mixed.usual()
    assert usual.sizes.tolist() == [len(found.tracks[0]), len(found.tracks[2]), 1]
    assert usual.labels[-1] == 0
    assert usual.labels.sum() == found.labels(0).sum() + found.labels(2).sum()
