from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from cf_model import CFConfig
from cf_model.prior import PriorConfig
from data.catalog import Catalog
from data.errors import DataError
from data.interactions import Interactions
from data.vocabulary import Vocabulary
from engine.evaluation.answering import answer, answer_and_among
from engine.evaluation.learning import (
    als,
    als_sound,
    audio,
    audio_mean,
    ease,
    learn_als,
    neighbours,
    popularity,
    shuffle_embeddings,
)
from engine.evaluation.lineup import Blend, line_up, pairs
from engine.evaluation.models import Models
from engine.evaluation.systems import Factors, Fusion, Ranking, System, exclude_seen
from engine.evaluation.task import Task
from engine.taste import TasteConfig
from ranker.config import RankerConfig

INF = np.inf
EVERYBODY = slice(0, None)


def task_of(
    train: list[list[int]], held_out: list[list[int]], *, candidates: list[int] | None = None
) -> Task:
    """Make a task of dense rows of plays; users are those with a held-out track."""
    plays = np.array(train, np.float32)
    users, tracks = plays.shape
    row, column = np.nonzero(plays)
    interactions = Interactions(
        Vocabulary([f"u{i}" for i in range(users)]),
        Vocabulary([f"t{i}" for i in range(tracks)]),
        row.astype(np.int32),
        column.astype(np.int32),
        plays[row, column],
        np.full(row.size, -1),
    )
    targets = np.array(held_out, bool)
    tested = np.flatnonzero(targets.any(axis=1)).astype(np.int32)
    eligible = np.array(range(tracks) if candidates is None else candidates, np.int32)
    return Task(
        "random",
        interactions,
        tested,
        interactions.matrix()[tested],
        sp.csr_matrix(targets[tested]),
        eligible,
        np.zeros(tested.size, np.int64),
        0,
    )


def catalog_of(task: Task) -> Catalog:
    """Make a catalogue of tracks of which nothing but the ids is known."""
    return Catalog.from_frame(pd.DataFrame({"track_id": list(task.train.tracks)}))


#        t0 t1 t2 t3 t4
TRAIN = [[9, 1, 0, 0, 0], [1, 0, 0, 1, 0], [0, 1, 0, 3, 0]]
HELD = [[0, 0, 0, 1, 0], [0, 1, 1, 0, 0], [1, 0, 0, 0, 1]]


def test_popularity_counts_listeners():
    task = task_of(TRAIN, HELD)
    # t0: u0 and u1; t1: u0 and u2; t3: u1 and u2; the nine plays of t0 count once.
    assert popularity(task).scores(slice(1, 3)).tolist() == [[2, 2, -INF, 2, -INF]] * 2


def test_popularity_by_hand():
    task = task_of([[1, 0, 0, 0], [1, 1, 0, 0], [1, 0, 1, 0], [0, 1, 0, 0]], [[0, 0, 1, 0]] * 4)
    # Listeners 3, 2, 1, 0. Left for u0: t1 t2 t3; u1: t2 t3; u2: t1 t3 (t2 is seen, so out);
    # u3: t0 t2 t3.
    found = answer([popularity(task)], task, 3)["popularity"]
    assert found.tracks.tolist() == [[1, 2, 3], [2, 3, -1], [1, 3, -1], [0, 2, 3]]
    assert found.hits.tolist() == [[0, 1, 0], [1, 0, 0], [0, 0, 0], [0, 1, 0]]
    assert found.relevant.tolist() == [1, 1, 1, 1]


def test_some_tracks_are_ranked_as_if_there_were_no_others():
    task = task_of(TRAIN, HELD, candidates=[4, 3, 1, 0])
    systems = [popularity(task)]
    among = [np.array([0, 2]), np.array([3])]  # tracks 4 and 1; track 0
    whole, (first, second) = answer_and_among(systems, task, 3, among=among)
    assert (
        whole["popularity"].tracks.tolist()
        == answer(systems, task, 3)["popularity"].tracks.tolist()
    )
    # u0 knows t0 and t1, u1 t0 and t3, u2 t1 and t3.
    assert first["popularity"].tracks.tolist() == [[4, -1, -1], [1, 4, -1], [4, -1, -1]]
    assert first["popularity"].hits.tolist() == [[0, 0, 0], [1, 0, 0], [1, 0, 0]]
    assert second["popularity"].tracks.tolist() == [[-1] * 3, [-1] * 3, [0, -1, -1]]


def test_a_system_may_say_what_it_would_answer_of_some_tracks():
    task = task_of(TRAIN, HELD)

    class Contrary:
        name = "contrary"

        def scores(self, rows):
            return np.tile(np.arange(5, dtype=np.float32), (len(range(3)[rows]), 1))

        def scores_among(self, rows, columns):
            found = np.full((len(range(3)[rows]), 5), -INF, np.float32)
            found[:, columns] = -columns
            return found

    whole, (part,) = answer_and_among([Contrary()], task, 2, among=[np.array([2, 3, 4])])
    assert whole["contrary"].tracks.tolist() == [[4, 3], [4, 2], [4, 2]]
    assert part["contrary"].tracks.tolist() == [[2, 3], [2, 4], [2, 4]]


def test_candidates_are_answered_as_tracks():
    task = task_of(TRAIN, HELD, candidates=[4, 3, 1])
    found = answer([popularity(task)], task, 3)["popularity"]
    # u0 knows t1; t3 is popular and t4 unknown, so last. u1 knows t3, u2 both.
    assert found.tracks.tolist() == [[3, 4, -1], [1, 4, -1], [4, -1, -1]]
    assert found.hits.tolist() == [[1, 0, 0], [1, 0, 0], [1, 0, 0]]


def test_seen_tracks_are_excluded():
    task = task_of(TRAIN, HELD, candidates=[3, 0, 2])
    assert exclude_seen(task, slice(1, 3), np.ones((2, 3), np.float32)).tolist() == [
        [-INF, -INF, 1],
        [-INF, 1, 1],
    ]


def test_the_mean_in_sound_by_hand():
    task = task_of([[1, 0, 0, 0], [0, 0, 0, 1], [1, 1, 0, 0]], [[0, 0, 1, 0]] * 3)
    vectors = np.array([[1, 0], [0, 1], [0.6, 0.8], [0, 0]], np.float32)
    scores = audio_mean(task, vectors).scores(EVERYBODY)
    assert scores[0] == pytest.approx([1, 0, 0.6, -INF])  # t3 has no sound: nothing is known
    assert scores[1].tolist() == [-INF] * 4  # and who played only t3 has no profile
    half = np.sqrt(0.5)
    assert scores[2] == pytest.approx([half, half, 1.4 * half, -INF])


def test_als_finds_the_blocks():
    """Even users play even tracks, odd users odd ones; each user's missing track is found."""
    train = np.add.outer(np.arange(12), np.arange(12)) % 2 == 0
    held = np.zeros((12, 12), bool)
    held[np.arange(12), (np.arange(12) + 2) % 12] = True
    task = task_of((train & ~held).astype(int).tolist(), held.astype(int).tolist())
    system = als(task, learn_als(task.train, CFConfig(factors=4), seed=0))
    found = answer([system], task, 1)["als"]
    assert found.hits.all()


def test_als_knows_nothing_of_a_track_without_plays():
    task = task_of(TRAIN, HELD)
    scores = als(task, learn_als(task.train, CFConfig(factors=2), seed=0)).scores(EVERYBODY)
    assert np.isinf(scores).tolist() == [[False, False, True, False, True]] * 3


def test_neighbours_know_what_a_walk_reaches():
    scores = neighbours(task_of(TRAIN, HELD), (1.0, 0.0)).scores(slice(0, 1))
    # From t0 (u0, u1) and t1 (u0, u2), half a step each to u0, u1 and u0, u2, and half on.
    assert scores[0].tolist() == [0.25, 0.25, -INF, 0.5, -INF]


def test_ease_does_not_know_a_track_without_plays():
    scores = ease(task_of(TRAIN, HELD), 1.0).scores(slice(1, 3))
    assert np.isinf(scores).tolist() == [[False, False, True, False, True]] * 2


def test_two_tastes_in_sound_are_two_centres():
    task = task_of([[5, 5, 0, 0]], [[0, 0, 1, 0]])
    vectors = np.array([[1, 0], [0, 1], [1, 0], [0.6, 0.8]], np.float32)
    plain = TasteConfig(whiten=False, temperature=0.05)
    near = audio(task, vectors, plain).scores(EVERYBODY)[0]
    assert near[2] > near[3]  # t2 is what one of both tastes is
    mean = audio_mean(task, vectors).scores(EVERYBODY)[0]
    assert mean[2] < mean[3]  # the mean of both is nearer to t3


def blocks_of_sound(cold: int = 8) -> tuple[Task, np.ndarray]:
    """Make two groups of users, who play what sounds like -1 or +1; the last tracks are cold."""
    rng = np.random.default_rng(5)
    group = np.arange(120) % 2
    taste = np.arange(40) % 2
    likes = taste[:, np.newaxis] == group[np.newaxis]
    plays = (likes & (rng.random((40, 120)) < 0.6)).astype(int)
    plays[:, -cold:] = 0
    held = likes & (plays == 0)
    vectors = rng.standard_normal((120, 6)).astype(np.float32)
    vectors[:, 0] += 4 * (2 * group - 1)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    task = task_of(plays.tolist(), held.astype(int).tolist(), candidates=list(range(112, 120)))
    return task, vectors


def sounding(task: Task, vectors: np.ndarray) -> System | None:
    model = learn_als(task.train, CFConfig(factors=4), seed=0)
    artists = np.full(len(vectors), -1, np.int32)
    return als_sound(task, model, vectors, artists=artists, config=PriorConfig(), seed=0)


def test_sound_tells_who_wants_a_track_that_nobody_played():
    task, vectors = blocks_of_sound()
    system = sounding(task, vectors)
    assert system is not None
    found = answer([system], task, 4)["als-sound"]
    assert found.hits.mean() > 0.95  # chance: 0.5


def test_too_few_tracks_to_learn_what_sound_says():
    assert sounding(task_of(TRAIN, HELD), np.eye(5, dtype=np.float32)) is None


def test_shuffling_deals_the_vectors_among_tracks_that_have_one():
    vectors = np.arange(40, dtype=np.float32).reshape(20, 2)
    vectors[[0, 5, 11]] = 0
    shuffled = shuffle_embeddings(vectors, rng=np.random.default_rng(0))
    assert np.flatnonzero(~shuffled.any(axis=1)).tolist() == [0, 5, 11]
    assert sorted(shuffled.tolist()) == sorted(vectors.tolist())
    assert (shuffled != vectors).any(axis=1).sum() > 10
    again = shuffle_embeddings(vectors, rng=np.random.default_rng(0))
    assert (again == shuffled).all()


def fixed(name: str, scores: list[float]) -> Factors:
    values = np.array(scores, np.float32)[:, np.newaxis]
    known = np.isfinite(values[:, 0])
    one = np.ones((1, 1), np.float32)
    return Factors(name, one, np.where(known[:, np.newaxis], values, 0), one[0] > 0, known)


def test_fusion_by_hand():
    task = task_of([[0, 0, 0, 0, 1]], [[1, 0, 0, 0, 0]])
    one = fixed("one", [0.3, 0.2, 0.1, -INF, 0.9])  # ranks 1 2 3 - and t4 is seen
    other = fixed("other", [5, 7, -INF, -INF, 9])  # ranks 2 1 - -
    fused = Fusion("fusion", [Ranking(one, task), Ranking(other, task)], [1.0, 2.0], 60)
    assert fused.scores(slice(0, 1))[0] == pytest.approx(
        [1 / 61 + 2 / 62, 1 / 62 + 2 / 61, 1 / 63, -INF, -INF]
    )


def test_the_textbook_fusion_hears_all_signals_alike_whatever_the_settings_say():
    rng = np.random.default_rng(3)
    plays = (rng.random((20, 30)) < 0.3).astype(int)
    held = ((rng.random((20, 30)) < 0.2) & (plays == 0)).astype(int)
    task = task_of(plays.tolist(), held.tolist())
    vectors = rng.standard_normal((30, 4)).astype(np.float32)

    def scores(ranker: RankerConfig) -> tuple[np.ndarray, np.ndarray]:
        systems, _ = line_up(
            task,
            vectors,
            catalog=catalog_of(task),
            models=Models(CFConfig(factors=4)),
            blend=Blend(ranker=ranker),
            seed=0,
        )
        named = {s.name: s.scores(slice(0, 20)) for s in systems}
        return named["fusion-plain"], named["fusion"]

    plain, _ = scores(RankerConfig())
    again, alike = scores(RankerConfig(rrf_k=60, weight_cf=1, weight_audio=1, weight_popular=1))
    assert (plain == again).all()
    assert (plain == alike).all()


def test_a_part_without_knowledge_leaves_the_order_to_the_others():
    task = task_of([[0, 0, 0, 1]], [[1, 0, 0, 0]])
    told, mute = fixed("told", [1, 3, 2, 0]), fixed("mute", [-INF] * 4)
    fused = Fusion("fusion", [Ranking(mute, task), Ranking(told, task)], [9.0, 1.0], 60)
    assert answer([fused], task, 3)["fusion"].tracks.tolist() == [[1, 2, 0]]


def test_users_are_ranked_the_same_in_any_block(monkeypatch: pytest.MonkeyPatch):
    rng = np.random.default_rng(0)
    plays = (rng.random((30, 40)) < 0.2).astype(int)
    held = ((rng.random((30, 40)) < 0.1) & (plays == 0)).astype(int)
    task = task_of(plays.tolist(), held.tolist())
    vectors = rng.standard_normal((40, 4)).astype(np.float32)
    systems, skipped = line_up(
        task,
        vectors,
        catalog=catalog_of(task),
        models=Models(CFConfig(factors=4), plain=CFConfig(factors=2), penalty=2.0),
        blend=Blend(),
        seed=0,
    )
    assert set(skipped) == {"blend", "blend-shuffled"}  # which 30 users are too few for
    assert "at least 60 users" in skipped["blend"]
    whole = answer(systems, task, 5)
    monkeypatch.setattr("engine.evaluation.answering._CELLS", 130)  # three users at a time
    seen: list[tuple[int, int, str]] = []
    parts = answer(systems, task, 5, progress=lambda *step: seen.append(step))
    assert all((whole[s].tracks == parts[s].tracks).all() for s in whole)
    assert seen[0] == (3, len(task), "ranking")
    assert seen[-1] == (len(task), len(task), "ranking")


def test_fusion_follows_the_weights():
    """With all weight on one signal, the fusion's list is that signal's."""
    rng = np.random.default_rng(1)
    plays = (rng.random((20, 30)) < 0.3).astype(int)
    plays[0] = 1 - (np.arange(30) < 15)  # so that every track has been played
    plays[1] = np.arange(30) < 15
    held = ((rng.random((20, 30)) < 0.2) & (plays == 0)).astype(int)
    task = task_of(plays.tolist(), held.tolist())
    vectors = rng.standard_normal((30, 4)).astype(np.float32)
    for signal, name in (("cf", "als-sound"), ("audio", "audio"), ("popular", "popularity")):
        weights = {f"weight_{s}": float(s == signal) for s in ("cf", "audio", "popular")}
        systems, _ = line_up(
            task,
            vectors,
            catalog=catalog_of(task),
            models=Models(CFConfig(factors=4)),
            blend=Blend(RankerConfig(**weights)),
            seed=0,
        )
        found = answer(systems, task, 5)
        assert (found["fusion"].tracks == found[name].tracks).all()


def test_without_embeddings_the_audio_systems_are_named_as_skipped():
    task = task_of(TRAIN, HELD)
    systems, skipped = line_up(
        task,
        None,
        catalog=catalog_of(task),
        models=Models(CFConfig(factors=2)),
        blend=Blend(),
        seed=0,
    )
    assert [s.name for s in systems] == [
        "popularity",
        "neighbours",
        "als",
        "fusion",
        "fusion-plain",
    ]
    assert list(skipped) == [
        "audio-mean",
        "audio",
        "als-sound",
        "audio-shuffled",
        "als-sound-shuffled",
        "fusion-shuffled",
        "blend-shuffled",
        "blend",
    ]
    assert "segue embed" in skipped["audio"]
    assert "segue embed" in skipped["blend-shuffled"]
    assert "segue embed" not in skipped["blend"]


def test_each_system_is_compared_with_the_baseline_its_control_and_the_mean_in_sound():
    assert pairs(["popularity", "als", "audio-mean", "audio", "fusion", "audio-shuffled"]) == [
        ("popularity", "als"),
        ("audio-mean", "als"),
        ("audio", "als"),
        ("fusion", "als"),
        ("audio-shuffled", "als"),
        ("audio", "audio-shuffled"),
        ("audio", "audio-mean"),
    ]


def test_a_score_that_is_not_a_number_stops_the_run():
    task = task_of([[0, 1]], [[1, 0]])
    vector = np.full((2, 1), np.nan, np.float32)
    system = Factors("broken", vector[:1], vector, np.array([True]), np.array([True, True]))
    with pytest.raises(DataError, match="'broken' gave a score that is not a number"):
        answer([system], task, 1)
