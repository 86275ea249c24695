from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.distance import pdist

from engine.evaluation import beyond
from engine.evaluation.beyond import Background, names, of_all, of_lists
from engine.evaluation.metrics import Ranked


def lists(*rows: list[int]) -> Ranked:
    tracks = np.array(rows, np.int32)
    return Ranked(tracks, tracks < -1, np.ones(len(tracks), np.int64))


BACKGROUND = Background(
    listeners=np.array([8, 4, 1, 0, 2]),
    users=8,
    artists=np.array([0, 0, 1, -1, -1], np.int32),
    eligible=5,
    vectors=np.array([[1, 0], [0, 1], [0.6, 0.8], [0, 0], [-1, 0]], np.float32),
)


def test_novelty_by_hand():
    # Known to all of 8, to half, to one, to none (as if to one), to a quarter.
    assert BACKGROUND.information.tolist() == [0, 1, 3, 3, 2]
    found = beyond.novelty(lists([0, 1, 2], [3, 4, -1], [0, -1, -1]), 3, BACKGROUND)
    assert found == pytest.approx([4 / 3, 2.5, 0])
    assert beyond.novelty(lists([0, 1, 2]), 2, BACKGROUND) == pytest.approx([0.5])


def test_artist_concentration_by_hand():
    # t0 and t1 are by one artist; t3 and t4 are by unknown ones, so by two.
    rows = lists([0, 1, 2], [3, 4, 2], [1, -1, -1], [2, 0, 1])
    assert beyond.artist(rows, 3, BACKGROUND) == pytest.approx([2 / 3, 1 / 3, 1, 2 / 3])
    assert beyond.artist(rows, 2, BACKGROUND) == pytest.approx([1, 0.5, 1, 0.5])


def test_diversity_by_hand():
    # Cosines of t0, t1, t2: 0, 0.6, 0.8.
    rows = lists([0, 1, 2], [0, 4, -1], [0, 0, 0], [3, 1, 2])
    assert beyond.diversity(rows, 3, BACKGROUND) == pytest.approx([1.6 / 3, 2, 0, 0.2], abs=1e-7)


def test_lists_that_say_nothing():
    """One vector, none, no track at all: nothing to compare, and no division by zero."""
    rows = lists([0, 3, -1], [3, -1, -1], [-1, -1, -1])
    assert beyond.diversity(rows, 3, BACKGROUND).tolist() == [0, 0, 0]
    assert beyond.novelty(rows, 3, BACKGROUND).tolist() == [1.5, 3, 0]
    assert beyond.artist(rows, 3, BACKGROUND).tolist() == [0.5, 1, 0]
    nothing = of_all(lists([-1, -1]), [2], BACKGROUND)
    assert nothing == {"coverage@2": 0, "gini@2": 0}


def test_coverage_by_hand():
    found = of_all(lists([3, 4, -1], [3, 1, 0]), [1, 3], replace(BACKGROUND, eligible=10))
    assert found["coverage@1"] == pytest.approx(0.1)
    assert found["coverage@3"] == pytest.approx(0.4)


def test_gini_by_hand():
    even = lists([0, 1], [2, 3], [4, 0], [1, 2], [3, 4])
    assert beyond.gini(even, 2, BACKGROUND) == pytest.approx(0)
    # All exposure on one of n: (n - 1) / n.
    assert beyond.gini(lists([0], [0], [0]), 1, BACKGROUND) == pytest.approx(0.8)
    # Counts 0 0 0 1 3: differences of all ordered pairs 2 * (3 * 1 + 3 * 3 + 2) = 28, over
    # 2 * n * total = 40.
    assert beyond.gini(lists([0], [0], [0], [1]), 1, BACKGROUND) == pytest.approx(28 / 40)


def test_without_embeddings_there_is_no_diversity():
    silent = replace(BACKGROUND, vectors=None)
    assert names([5], silent) == ["novelty@5", "artist@5"]
    assert of_lists(lists([0, 1]), [1, 2], silent).shape == (1, 4)
    with pytest.raises(ValueError, match="needs embeddings"):
        beyond.diversity(lists([0, 1]), 2, silent)


def plain(row: list[int], background: Background) -> dict[str, float]:
    """One list at a time, as plain as can be."""
    row = [t for t in row if t >= 0]
    shares = [max(background.listeners[t], 1) / background.users for t in row]
    makers = Counter((background.artists[t], t if background.artists[t] < 0 else -1) for t in row)
    sounds = [background.vectors[t].astype(float) for t in row if background.vectors[t].any()]
    return {
        "novelty": float(np.mean([-np.log2(share) for share in shares])) if row else 0.0,
        "artist": max(makers.values()) / len(row) if row else 0.0,
        "diversity": float(pdist(np.array(sounds), "cosine").mean()) if len(sounds) > 1 else 0.0,
    }


@pytest.mark.parametrize("seed", range(4))
def test_agrees_with_a_plain_loop(seed: int) -> None:
    """Diversity is that of SciPy's cosine distances, Gini half the relative mean difference."""
    rng = np.random.default_rng(seed)
    users, tracks, ks = 120, 50, [1, 4, 10]
    vectors = rng.standard_normal((tracks, 6))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors[rng.random(tracks) < 0.3] = 0
    background = Background(
        rng.integers(0, 30, tracks),
        40,
        rng.integers(-1, 6, tracks).astype(np.int32),
        tracks,
        # In double precision, for SciPy computes with these very numbers.
        vectors,
    )
    answers = np.array([rng.permutation(tracks)[: max(ks)] for _ in range(users)], np.int32)
    answers[np.arange(max(ks)) >= rng.integers(0, 20, users)[:, np.newaxis]] = -1
    ranked = lists(*answers.tolist())
    found = of_lists(ranked, ks, background)
    for row, values in zip(answers, found, strict=True):
        expected = {f"{n}@{k}": v for k in ks for n, v in plain(list(row[:k]), background).items()}
        assert dict(zip(names(ks, background), values, strict=True)) == pytest.approx(
            expected, abs=1e-9
        )
    whole = of_all(ranked, ks, background)
    for k in ks:
        counts = np.bincount(answers[:, :k][answers[:, :k] >= 0], minlength=tracks)
        apart = np.abs(np.subtract.outer(counts, counts)).mean()
        assert whole[f"gini@{k}"] == pytest.approx(apart / (2 * counts.mean()), abs=1e-9)
        assert whole[f"coverage@{k}"] == pytest.approx((counts > 0).mean())
