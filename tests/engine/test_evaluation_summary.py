from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp

from engine.evaluation.beyond import Background
from engine.evaluation.metrics import Ranked
from engine.evaluation.results import Slice
from engine.evaluation.scores import score
from engine.evaluation.significance import sign_flip
from engine.evaluation.slices import ALONE, alone, by_activity, by_popularity
from engine.evaluation.summary import Sampling, Summary

USERS, TRACKS, K = 80, 40, 5
SAMPLING = Sampling(resamples=200, flips=500, seed=3)


def ask(seed: int, held_out: np.ndarray, *, skill: float) -> Ranked:
    """Rank by chance, held-out tracks a little better than others."""
    scores = np.random.default_rng(seed).random((USERS, TRACKS)) + skill * held_out
    tracks = np.argsort(-scores, axis=1)[:, :K].astype(np.int32)
    return Ranked(tracks, np.take_along_axis(held_out, tracks, axis=1), held_out.sum(axis=1))


@pytest.fixture(scope="module")
def held_out() -> np.ndarray:
    drawn = np.random.default_rng(0).random((USERS, TRACKS)) < 0.1
    drawn[np.arange(USERS), np.arange(USERS) % TRACKS] = True
    return drawn


@pytest.fixture(scope="module")
def listeners() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 9, TRACKS)


@pytest.fixture(scope="module")
def summary(held_out: np.ndarray, listeners: np.ndarray) -> Summary:
    answers = {
        "weak": ask(1, held_out, skill=0.0),
        "als": ask(2, held_out, skill=0.2),
        "strong": ask(3, held_out, skill=0.6),
    }
    parts = [
        *by_activity(np.arange(USERS) // 10, held_out.sum(axis=1)),
        *by_popularity(sp.csr_matrix(held_out), listeners),
    ]
    lists = [(part, answers) for part in parts]
    scores = score(
        answers, [1, K], users=np.arange(USERS), background=background(listeners), parts=lists
    )
    return Summary(scores, sampling=SAMPLING)


def background(listeners: np.ndarray) -> Background:
    return Background(listeners, 9, np.zeros(TRACKS, np.int32), TRACKS)


def recall(ranked: Ranked, held_out: np.ndarray, wanted: np.ndarray) -> list[float]:
    """Return what each user with a wanted target found of these, in plain Python."""
    found = []
    for row, held in zip(ranked.tracks.tolist(), held_out, strict=True):
        targets = {t for t in range(TRACKS) if held[t] and wanted[t]}
        if targets:
            found.append(len(targets & set(row)) / len(targets))
    return found


def test_every_measure_is_there(summary: Summary) -> None:
    found = summary.systems()
    assert list(found) == ["weak", "als", "strong"]
    assert list(found["als"]) == [
        *(f"{m}@{k}" for k in (1, K) for m in ("ndcg", "recall", "mrr", "map", "hit_rate")),
        *(f"{m}@{k}" for k in (1, K) for m in ("novelty", "artist")),
        *(f"{m}@{k}" for k in (1, K) for m in ("coverage", "gini")),
    ]
    assert found["als"]["novelty@5"].low is not None
    assert found["als"]["gini@5"].low is None


def test_differences_are_taken_user_by_user(summary: Summary, held_out: np.ndarray) -> None:
    pairs = [("weak", "als"), ("strong", "als"), ("als", "als")]
    worse, better, same = summary.differences(pairs)
    assert (better.system, better.baseline) == ("strong", "als")
    every = np.ones(TRACKS, bool)
    strong, als = (
        np.array(recall(ask(seed, held_out, skill=skill), held_out, every))
        for seed, skill in ((3, 0.6), (2, 0.2))
    )
    assert better.metrics["recall@5"].mean == pytest.approx((strong - als).mean())
    assert better.metrics["recall@5"].low > 0
    assert worse.metrics["recall@5"].mean < 0
    (p,) = sign_flip((strong - als)[:, np.newaxis], flips=500, seed=3)
    assert better.tests["recall@5"].p == pytest.approx(p)
    assert same.tests["recall@5"].p == same.tests["recall@5"].p_holm == 1
    assert same.metrics["recall@5"].high == 0
    # The lowest of three is multiplied by three.
    lowest = min(d.tests["recall@5"].p for d in (worse, better, same))
    assert min(d.tests["recall@5"].p_holm for d in (worse, better, same)) == pytest.approx(
        3 * lowest
    )


def test_no_pairs_no_differences(summary: Summary) -> None:
    assert summary.differences([]) == ()


def test_slices_of_targets_agree_with_a_plain_loop(
    summary: Summary, held_out: np.ndarray, listeners: np.ndarray
) -> None:
    parts = by_popularity(sp.csr_matrix(held_out), listeners)
    assert len(parts) == 4
    slices = [s for s in summary.slices([("strong", "als")]) if s.by == "popularity"]
    for part, found in zip(parts, slices, strict=True):
        strong, als = (
            np.array(recall(ask(seed, held_out, skill=skill), held_out, part.tracks))
            for seed, skill in ((3, 0.6), (2, 0.2))
        )
        assert found.users == len(strong)
        assert found.targets == held_out[:, part.tracks].sum()
        assert found.systems["strong"]["recall@5"].mean == pytest.approx(strong.mean())
        apart = found.over("strong", "als")
        assert apart.metrics["recall@5"].mean == pytest.approx((strong - als).mean())
        assert apart.tests == {}
        assert found.over("weak", "als") is None


def test_slices_may_have_lists_of_their_own(held_out: np.ndarray, listeners: np.ndarray) -> None:
    parts = by_popularity(sp.csr_matrix(held_out), listeners)
    everything = np.arange(TRACKS, dtype=np.int32)
    apart = alone(parts, everything)
    assert [(part.by, part.name) for part in apart] == [(ALONE, part.name) for part in parts]
    lists = {"strong": ask(3, held_out, skill=0.6), "als": ask(2, held_out, skill=0.2)}
    swapped = {"strong": lists["als"], "als": lists["strong"]}

    def slices(own: dict[str, Ranked]) -> tuple[Slice, ...]:
        of_parts = [*((part, lists) for part in parts), *((part, own) for part in apart)]
        scores = score(
            lists, [K], users=np.arange(USERS), background=background(listeners), parts=of_parts
        )
        return Summary(scores, sampling=SAMPLING).slices([("strong", "als")])

    n = len(parts)
    for before, found, other in zip(
        slices(lists)[:n], slices(lists)[n:], slices(swapped)[n:], strict=True
    ):
        assert found.systems["strong"] == before.systems["strong"]
        assert other.systems["strong"] == before.systems["als"]
        gain, loss = (s.over("strong", "als").metrics["recall@5"].mean for s in (found, other))
        assert gain == pytest.approx(-loss)
    mid = parts[1].tracks
    assert alone(parts[1:2], np.flatnonzero(mid).astype(np.int32)) == []  # nothing else to answer


def test_slices_of_users_are_the_users(summary: Summary, held_out: np.ndarray) -> None:
    known = np.arange(USERS) // 10
    parts = by_activity(known, held_out.sum(axis=1))
    light = summary.slices([])[0]
    found = recall(ask(2, held_out, skill=0.2), held_out, np.ones(TRACKS, bool))
    assert light.users == parts[0].users.size
    assert light.systems["als"]["recall@5"].mean == pytest.approx(
        np.mean(np.array(found)[parts[0].users])
    )
    assert "novelty@5" in light.systems["als"]
