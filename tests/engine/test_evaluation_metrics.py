from __future__ import annotations

import math

import numpy as np
import pytest
import pytrec_eval
import scipy.sparse as sp
from implicit.evaluation import ranking_metrics_at_k

from engine.evaluation import metrics
from engine.evaluation.metrics import Ranked, accuracy, names, restrict


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


def test_restricting_keeps_the_lists_and_turns_other_targets_into_misses():
    tracks = np.array([[3, 7, 1], [7, 3, -1], [2, 4, 5]], np.int32)
    lists = Ranked(tracks, np.array([[1, 1, 0], [1, 1, 0], [1, 0, 0]], bool), np.array([2, 3, 1]))
    wanted = np.isin(np.arange(8), [7, 5])
    kept = restrict(lists, np.array([0, 1]), tracks=wanted, relevant=np.array([1, 2]))
    assert kept.tracks.tolist() == tracks[:2].tolist()
    assert kept.hits.tolist() == [[0, 1, 0], [1, 0, 0]]
    assert metrics.recall(kept, 3).tolist() == [1, 0.5]
    assert metrics.mrr(kept, 3).tolist() == [0.5, 1]


@pytest.mark.parametrize("relevant", [1, 3, 10, 40])
def test_a_perfect_ranking_scores_one(relevant: int) -> None:
    hits = [[int(i < relevant) for i in range(10)]]
    values = dict(zip(names([10]), accuracy(ranked(hits, [relevant]), [10])[0], strict=True))
    assert values.pop("recall@10") == pytest.approx(min(relevant, 10) / relevant)
    assert values == pytest.approx(dict.fromkeys(values, 1.0))


def test_the_worst_ranking_scores_zero():
    assert accuracy(ranked([[0] * 10], [4]), [5, 10]).tolist() == [[0.0] * 10]


def test_columns_go_by_k_then_measure():
    assert names([5, 10])[:3] == ["ndcg@5", "recall@5", "mrr@5"]
    assert len(names([5, 10])) == accuracy(ranked([[1] * 10], [1]), [5, 10]).shape[1] == 10


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
    found = accuracy(Ranked(answers, hits, np.array([len(h) for h in held_out])), ks)
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
    ours = accuracy(Ranked(answers, hits, test.getnnz(axis=1)), [k]).mean(axis=0)
    ours = dict(zip(names([k]), ours, strict=True))
    assert ours["ndcg@10"] == pytest.approx(theirs["ndcg"], abs=1e-9)
    assert ours["map@10"] == pytest.approx(theirs["map"], abs=1e-9)


@pytest.mark.parametrize("k", [1, 5, 10, 20])
def test_agrees_with_trec_eval(k: int) -> None:
    """Measures of NIST's trec_eval, through pytrec_eval: many targets, no hits, short lists.

    Its reciprocal rank knows no k, so it is given no more than k tracks. Its MAP is divided by the
    number of targets, ours by as many as a list of k can hold.
    """
    rng = np.random.default_rng(k)
    users, tracks, depth = 400, 90, 20
    held_out = [rng.choice(tracks, rng.integers(1, 40), replace=False) for _ in range(users)]
    answers = np.array([rng.permutation(tracks)[:depth] for _ in range(users)], np.int32)
    lengths = np.where(rng.random(users) < 0.3, rng.integers(1, depth, users), depth)
    answers[np.arange(depth) >= lengths[:, np.newaxis]] = -1
    held_out[0] = np.setdiff1d(np.arange(tracks), answers[0])[:7]  # none is found
    held_out[1] = answers[1][answers[1] >= 0]  # all are
    hits = np.array([np.isin(row, held) for row, held in zip(answers, held_out, strict=True)])
    relevant = np.array([len(held) for held in held_out])
    found = dict(zip(names([k]), accuracy(Ranked(answers, hits, relevant), [k]).T, strict=True))
    theirs = _trec_eval([a[:k].tolist() for a in answers], [h.tolist() for h in held_out], k)
    assert found[f"ndcg@{k}"] == pytest.approx(theirs[f"ndcg_cut_{k}"], abs=1e-9)
    assert found[f"recall@{k}"] == pytest.approx(theirs[f"recall_{k}"], abs=1e-9)
    assert found[f"mrr@{k}"] == pytest.approx(theirs["recip_rank"], abs=1e-9)
    assert found[f"hit_rate@{k}"] == pytest.approx(theirs[f"success_{k}"], abs=1e-9)
    of_all_targets = theirs[f"map_cut_{k}"] * relevant / np.minimum(relevant, k)
    assert found[f"map@{k}"] == pytest.approx(of_all_targets, abs=1e-9)
    assert (relevant > k).any()
    assert found[f"recall@{k}"][0] == 0
    assert found[f"ndcg@{k}"][1] == pytest.approx(1)


def _trec_eval(answers: list[list[int]], held_out: list[list[int]], k: int) -> dict:
    measures = {f"{m}.{k}" for m in ("ndcg_cut", "recall", "map_cut", "success")} | {"recip_rank"}
    wanted = {f"u{i}": {f"t{t}": 1 for t in held} for i, held in enumerate(held_out)}
    lists = {
        f"u{i}": {f"t{t}": -float(rank) for rank, t in enumerate(row) if t >= 0}
        for i, row in enumerate(answers)
    }
    found = pytrec_eval.RelevanceEvaluator(wanted, measures).evaluate(lists)
    users = [found[f"u{i}"] for i in range(len(answers))]
    return {name: np.array([user[name] for user in users]) for name in users[0]}
