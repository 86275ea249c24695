from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.sparse as sp
from implicit.evaluation import ranking_metrics_at_k

from engine.evaluation import metrics
from engine.evaluation.metrics import Ranked, names, of_all, per_user


def ranked(hits: list[list[int]], relevant: list[int]) -> Ranked:
    found = np.array(hits, bool)
    tracks = np.tile(np.arange(found.shape[1], dtype=np.int32), (len(found), 1))
    return Ranked(tracks, found, np.array(relevant, np.int64))


LOG2_3 = math.log2(3)


def test_ndcg_by_hand():
    # Hits at ranks 1 and 3 of 3 held out: (1 + 1/2) / (1 + 1/log2(3) + 1/2).
    assert metrics.ndcg(ranked([[1, 0, 1]], [3]), 3) == pytest.approx([1.5 / (1.5 + 1 / LOG2_3)])
    # A hit at rank 2 of 1 held out: 1 / log2(3).
    assert metrics.ndcg(ranked([[0, 1, 0]], [1]), 3) == pytest.approx([1 / LOG2_3])
    # Cut at 1, the ideal has one hit, however many are held out.
    assert metrics.ndcg(ranked([[1, 0, 1]], [3]), 1) == pytest.approx([1.0])


def test_recall_divides_by_all_held_out_tracks():
    assert metrics.recall(ranked([[1, 1]], [8]), 2) == pytest.approx([0.25])


def test_mrr_by_hand():
    lists = ranked([[0, 0, 1], [1, 1, 0], [0, 0, 0]], [1, 2, 1])
    assert metrics.mrr(lists, 3) == pytest.approx([1 / 3, 1, 0])
    assert metrics.mrr(lists, 2) == pytest.approx([0, 1, 0])


def test_average_precision_by_hand():
    # Hits at 1 and 3: precisions 1 and 2/3, of min(2, 3) and of min(5, 3) possible ones.
    assert metrics.average_precision(ranked([[1, 0, 1]] * 2, [2, 5]), 3) == pytest.approx(
        [(1 + 2 / 3) / 2, (1 + 2 / 3) / 3]
    )


def test_hit_rate_by_hand():
    lists = ranked([[0, 0, 1], [0, 0, 0]], [1, 1])
    assert metrics.hit_rate(lists, 3).tolist() == [1, 0]
    assert metrics.hit_rate(lists, 2).tolist() == [0, 0]


def test_coverage_by_hand():
    tracks = np.array([[3, 7, -1], [3, 8, 9]], np.int32)
    lists = Ranked(tracks, tracks < -1, np.array([1, 1]))
    assert metrics.coverage(lists, 2, 10) == pytest.approx(0.3)  # 3, 7, 8
    assert of_all(lists, [1, 3], eligible=10) == {"coverage@1": 0.1, "coverage@3": 0.4}


@pytest.mark.parametrize("relevant", [1, 3, 10, 40])
def test_a_perfect_ranking_scores_one(relevant: int) -> None:
    hits = [[int(i < relevant) for i in range(10)]]
    values = dict(zip(names([10]), per_user(ranked(hits, [relevant]), [10])[0], strict=True))
    assert values.pop("recall@10") == pytest.approx(min(relevant, 10) / relevant)
    assert values == pytest.approx(dict.fromkeys(values, 1.0))


def test_the_worst_ranking_scores_zero():
    assert per_user(ranked([[0] * 10], [4]), [5, 10]).tolist() == [[0.0] * 10]


def test_columns_go_by_k_then_measure():
    assert names([5, 10])[:3] == ["ndcg@5", "recall@5", "mrr@5"]
    assert len(names([5, 10])) == per_user(ranked([[1] * 10], [1]), [5, 10]).shape[1] == 10


# A second implementation, as plain as can be.


def plain(answers: list[int], held_out: set[int], k: int) -> dict[str, float]:
    gain = ideal = precision = 0.0
    found, first = 0, 0
    for rank in range(1, k + 1):
        if rank <= len(held_out):
            ideal += 1 / math.log2(rank + 1)
        if rank <= len(answers) and answers[rank - 1] in held_out:
            found += 1
            first = first or rank
            gain += 1 / math.log2(rank + 1)
            precision += found / rank
    return {
        f"ndcg@{k}": gain / ideal,
        f"recall@{k}": found / len(held_out),
        f"mrr@{k}": 1 / first if first else 0.0,
        f"map@{k}": precision / min(len(held_out), k),
        f"hit_rate@{k}": float(found > 0),
    }


@pytest.mark.parametrize("seed", range(5))
def test_agrees_with_a_plain_loop(seed: int) -> None:
    rng = np.random.default_rng(seed)
    users, tracks, ks = 200, 60, [1, 3, 10, 25]
    held_out = [set(rng.choice(tracks, rng.integers(1, 30), replace=False)) for _ in range(users)]
    answers = np.array([rng.permutation(tracks)[: max(ks)] for _ in range(users)], np.int32)
    answers[rng.random(users) < 0.2, 15:] = -1  # some lists are short
    hits = np.array([[a in h for a in row] for row, h in zip(answers, held_out, strict=True)])
    found = per_user(Ranked(answers, hits, np.array([len(h) for h in held_out])), ks)
    for row, held, values in zip(answers, held_out, found, strict=True):
        expected = {n: v for k in ks for n, v in plain(row.tolist(), held, k).items()}
        assert dict(zip(names(ks), values, strict=True)) == pytest.approx(expected, abs=1e-9)


class _Stub:
    """As much of a model as `implicit` asks for: it answers lists made beforehand."""

    def __init__(self, answers: np.ndarray) -> None:
        self.answers = answers

    def recommend(self, users: np.ndarray, _: sp.csr_matrix, N: int) -> tuple:  # noqa: N803
        return self.answers[users, :N], np.zeros((len(users), N), np.float32)


def test_agrees_with_implicit():
    """`implicit` is the library at hand that others wrote; its nDCG and MAP are defined alike."""
    rng = np.random.default_rng(1)
    users, tracks, k = 300, 80, 10
    answers = np.array([rng.permutation(tracks)[:k] for _ in range(users)], np.int32)
    test = sp.random(users, tracks, 0.15, format="csr", random_state=2, dtype=np.float32)
    test = test[test.getnnz(axis=1) > 0]
    answers = answers[: test.shape[0]]
    theirs = ranking_metrics_at_k(
        _Stub(answers), sp.csr_matrix(test.shape), test, K=k, show_progress=False
    )
    hits = np.take_along_axis(test.toarray() > 0, answers, axis=1)
    ours = per_user(Ranked(answers, hits, test.getnnz(axis=1)), [k]).mean(axis=0)
    ours = dict(zip(names([k]), ours, strict=True))
    assert ours["ndcg@10"] == pytest.approx(theirs["ndcg"], abs=1e-9)
    assert ours["map@10"] == pytest.approx(theirs["map"], abs=1e-9)
