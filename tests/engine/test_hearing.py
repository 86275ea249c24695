from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data import DataError, ParameterError
from engine.bootstrap import Estimate, clustered_intervals, clustered_ratios, intervals
from engine.hearing import (
    ask_everyone,
    genre_accuracy,
    hold_out,
    render_hearing,
    retrieval_scores,
)
from engine.hearing.figures import Resampling, make_section
from engine.hearing.report import Figure, HearingReport, Robustness, Steadiness

# Directions of a half circle: the nearer the angles, the nearer the vectors.
ANGLES = {"a0": 0, "a1": 10, "b0": 15, "a2": 40, "b1": 90}


def on_circle(degrees: list[float]) -> np.ndarray:
    angles = np.radians(degrees)
    return np.column_stack([np.cos(angles), np.sin(angles)])


VECTORS = on_circle(list(ANGLES.values()))
ARTISTS = np.array([0, 0, 1, 0, 1])


class TestRetrieval:
    def test_by_hand(self) -> None:
        queries, scores = retrieval_scores(VECTORS, ARTISTS)
        assert queries.tolist() == [0, 1, 2, 3, 4]
        expected = [
            (1, 2 / 5, (1 / 1 + 2 / 3) / 2),  # a0: a1 b0 a2 b1
            (0, 2 / 5, (1 / 2 + 2 / 3) / 2),  # a1: b0 a0 a2 b1
            (0, 1 / 5, 1 / 4),  # b0: a1 a0 a2 b1
            (0, 2 / 5, (1 / 2 + 2 / 3) / 2),  # a2: b0 a1 a0 b1
            (0, 1 / 5, 1 / 2),  # b1: a2 b0 a1 a0
        ]
        np.testing.assert_allclose(scores, expected, rtol=0, atol=1e-12)

    def test_the_length_of_a_vector_does_not_count(self) -> None:
        lengths = np.array([[1e-3], [5], [1], [100], [7]])
        got = retrieval_scores(VECTORS * lengths, ARTISTS)[1]
        np.testing.assert_array_equal(got, retrieval_scores(VECTORS, ARTISTS)[1])

    def test_the_own_album_is_neither_candidate_nor_relevant(self) -> None:
        albums = np.array([0, 0, 1, 1, 2])
        queries, scores = retrieval_scores(VECTORS, ARTISTS, albums=albums)
        assert queries.tolist() == [0, 1, 2, 3, 4]
        expected = [
            (0, 1 / 5, 1 / 2),  # a0: b0 a2 b1
            (0, 1 / 5, 1 / 2),  # a1: b0 a2 b1
            (0, 1 / 5, 1 / 3),  # b0: a1 a0 b1
            (1, 2 / 5, 1),  # a2: a1 a0 b1
            (0, 1 / 5, 1 / 2),  # b1: a2 b0 a1 a0
        ]
        np.testing.assert_allclose(scores, expected, rtol=0, atol=1e-12)

    def test_chunks_of_the_own_track_are_no_candidates(self) -> None:
        queries, scores = retrieval_scores(VECTORS, ARTISTS, tracks=np.array([0, 0, 1, 2, 1]))
        assert queries.tolist() == [0, 1, 3]  # b0 and b1 are one track, their artist's only one
        expected = [
            (0, 1 / 5, 1 / 2),  # a0: b0 a2 b1
            (0, 1 / 5, 1 / 2),  # a1: b0 a2 b1
            (0, 2 / 5, (1 / 2 + 2 / 3) / 2),  # a2: b0 a1 a0 b1
        ]
        np.testing.assert_allclose(scores, expected, rtol=0, atol=1e-12)

    def test_an_unknown_artist_is_a_candidate_that_is_never_right(self) -> None:
        queries, scores = retrieval_scores(VECTORS, np.array([0, 0, -1, 0, -1]))
        assert queries.tolist() == [0, 1, 3]
        expected = [
            (1, 2 / 5, (1 / 1 + 2 / 3) / 2),  # a0: a1 ? a2 ?
            (0, 2 / 5, (1 / 2 + 2 / 3) / 2),  # a1: ? a0 a2 ?
            (0, 2 / 5, (1 / 2 + 2 / 3) / 2),  # a2: ? a1 a0 ?
        ]
        np.testing.assert_allclose(scores, expected, rtol=0, atol=1e-12)

    def test_who_is_not_asked_is_still_a_candidate(self) -> None:
        whole = retrieval_scores(VECTORS, ARTISTS)[1]
        queries, scores = retrieval_scores(VECTORS, ARTISTS, asked=np.array([1, 4]))
        assert queries.tolist() == [1, 4]
        np.testing.assert_array_equal(scores, whole[[1, 4]])

    @pytest.mark.parametrize("n", [0, 1, 5])
    def test_nothing_to_find_gives_no_query(self, n: int) -> None:
        queries, scores = retrieval_scores(VECTORS[:n], np.arange(n))
        assert queries.shape == (0,)
        assert scores.shape == (0, 3)

    def test_ties_follow_the_seed_and_not_the_order_of_the_tracks(self) -> None:
        artists = np.repeat(np.arange(10), 10)  # sorted, as in a catalogue
        means = [retrieval_scores(np.ones((100, 3)), artists, seed=s)[1].mean() for s in range(20)]
        assert len(set(means)) > 10
        assert np.mean(means) == pytest.approx(0.11, abs=0.05)  # chance: 9 of 99

    def test_blocks_change_nothing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        rng = np.random.default_rng(0)
        vectors, artists = rng.normal(size=(50, 4)), rng.integers(6, size=50)
        whole = retrieval_scores(vectors, artists)
        monkeypatch.setattr("engine.hearing.retrieval._BLOCK", 120)
        for left, right in zip(retrieval_scores(vectors, artists), whole, strict=True):
            np.testing.assert_array_equal(left, right)

    @given(st.integers(0, 10_000), st.integers(2, 25), st.booleans())
    def test_agrees_with_loops(self, seed: int, n: int, with_albums: bool) -> None:
        rng = np.random.default_rng(seed)
        vectors = rng.normal(size=(n, 5))
        artists, tracks = rng.integers(4, size=n), rng.integers(n, size=n)
        albums = rng.integers(5, size=n) if with_albums else None
        queries, scores = retrieval_scores(vectors, artists, tracks=tracks, albums=albums)
        expected = dict(loops(vectors, artists, tracks, albums))
        assert queries.tolist() == list(expected)
        for got, wanted in zip(scores, expected.values(), strict=True):
            np.testing.assert_allclose(got, wanted, rtol=0, atol=1e-9)


def loops(vectors, artists, tracks, albums):  # type: ignore[no-untyped-def]
    """The same measures, one candidate at a time."""
    for q in range(len(vectors)):
        found = []
        for c in range(len(vectors)):
            if tracks[c] == tracks[q] or (albums is not None and albums[c] == albums[q]):
                continue
            lengths = np.sqrt(vectors[q] @ vectors[q]) * np.sqrt(vectors[c] @ vectors[c])
            found.append((-(vectors[q] @ vectors[c]) / lengths, artists[c] == artists[q]))
        hits = [hit for _, hit in sorted(found, key=lambda pair: pair[0])]
        if not any(hits):
            continue
        precisions = [sum(hits[: i + 1]) / (i + 1) for i in range(len(hits)) if hits[i]]
        average = sum(precisions) / len(precisions)
        yield q, (float(hits[0]), sum(hits[:5]) / 5, average)


class TestGenre:
    def test_by_hand(self) -> None:
        vectors = on_circle([0, 4, 10, 40, 60])
        genres = np.array([[1, 0], [1, 0], [0, 1], [0, 1], [0, 1]], bool)
        queries, scores = genre_accuracy(vectors, genres, k=3)
        assert queries.tolist() == [0, 1, 2, 3, 4]
        # x: x y y; x: x y y; y: x x y; y: y y x; y: y y x
        assert scores[:, 0].tolist() == [0, 0, 0, 1, 1]

    def test_equal_votes_go_to_the_nearest(self) -> None:
        vectors = on_circle([0, 4, 10, 40, 60])
        genres = np.array([[1, 0], [1, 0], [0, 1], [0, 1], [0, 1]], bool)
        # The nearest is of x x x y y.
        assert genre_accuracy(vectors, genres, k=2)[1][:, 0].tolist() == [1, 1, 0, 1, 1]

    def test_tracks_of_the_own_artist_are_left_out(self) -> None:
        vectors = on_circle([0, 4, 10, 40, 60])
        genres = np.array([[1, 0], [1, 0], [0, 1], [0, 1], [0, 1]], bool)
        queries, scores = genre_accuracy(vectors, genres, artists=np.array([0, 0, 1, 2, 2]), k=1)
        assert queries.tolist() == [2, 3, 4]  # all of x are of one artist
        assert scores[:, 0].tolist() == [0, 1, 1]

    def test_only_who_is_asked_answers_and_the_unknown_are_no_other_artists(self) -> None:
        vectors = on_circle([0, 4, 10, 40, 60])
        genres = np.array([[1, 0], [1, 0], [0, 1], [0, 1], [0, 1]], bool)
        queries, scores = genre_accuracy(
            vectors, genres, asked=np.array([2, 4]), artists=np.array([0, -1, 1, 2, 1]), k=1
        )
        assert queries.tolist() == [2, 4]
        assert scores[:, 0].tolist() == [0, 1]  # 2: x at 0, not the nearer at 4; 4: y at 40

    def test_any_of_several_genres_is_right(self) -> None:
        genres = np.array([[1, 1, 0], [1, 0, 1], [0, 0, 1]], bool)
        queries, scores = genre_accuracy(on_circle([0, 10, 50]), genres, k=2)
        assert queries.tolist() == [0, 1, 2]
        # 0 2, 2: guess 2; 0 1, 2: guess 0, first of the nearest's two; 0 2, 0 1: guess 0
        assert scores[:, 0].tolist() == [0, 1, 0]

    def test_without_genres_there_is_no_query(self) -> None:
        queries, scores = genre_accuracy(VECTORS[:0], np.zeros((0, 0), bool))
        assert (queries.shape, scores.shape) == ((0,), (0, 1))

    def test_fewer_candidates_than_neighbours(self) -> None:
        genres = np.array([[1, 0], [1, 0]], bool)
        assert genre_accuracy(on_circle([0, 90]), genres)[1].tolist() == [[1], [1]]


def nobody(names: list[str | None]) -> np.ndarray:
    return np.zeros(len(names), bool)


NAMES = st.lists(st.sampled_from(["", None, *"abcdefgh", " A "]), min_size=30, max_size=80)


class TestPlan:
    @given(NAMES, st.integers(1, 4), st.floats(0.01, 0.99), st.integers(0, 100))
    def test_never_leaks_an_artist(
        self, names: list[str | None], folds: int, fraction: float, seed: int
    ) -> None:
        keys = [(name or "").strip().lower() for name in names]
        heard = np.array([key == "b" for key in keys])
        try:
            plan = hold_out(names, heard=heard, folds=folds, fraction=fraction, seed=seed)
        except DataError:
            return
        times = dict.fromkeys(keys, 0)
        for fold in plan.folds:
            asked, train = {keys[i] for i in fold.asked}, {keys[i] for i in fold.train}
            assert not asked & train
            assert "" not in asked | train
            assert len(fold.asked) + len(fold.train) == sum(key != "" for key in keys)
            assert all(keys.count(name) >= 4 for name in asked)
            for name in asked:
                times[name] += 1
        enough = {key for key in keys if key and keys.count(key) >= 4}
        assert times.get("b", 0) == 0
        assert set(times.values()) <= {0, 1}
        assert plan.eligible == len(enough)
        assert plan.heard == len(enough & {"b"})
        if folds > 1:
            assert {name for name, count in times.items() if count} == enough - {"b"}

    def test_the_share_is_of_artists_with_enough_tracks(self) -> None:
        names = [f"many {i}" for i in range(10)] * 4 + [f"few {i}" for i in range(20)] * 3
        plan = hold_out(names, heard=nobody(names))
        (fold,) = plan.folds
        assert (plan.eligible, len(fold.asked), len(fold.train)) == (10, 16, 84)
        again, other = (
            hold_out(names, heard=nobody(names)),
            hold_out(names, heard=nobody(names), seed=1),
        )
        assert again.asked.tolist() == plan.asked.tolist() != other.asked.tolist()

    def test_without_training_all_with_enough_tracks_are_asked(self) -> None:
        names = ["a"] * 4 + ["b"] * 3 + [None] + ["c"] * 4
        plan = ask_everyone(names, heard=nobody(names))
        assert plan.asked.tolist() == [0, 1, 2, 3, 8, 9, 10, 11]
        assert len(plan.folds[0].train) == 0

    def test_one_heard_track_makes_its_artist_known(self) -> None:
        names = ["a"] * 4 + ["b"] * 4 + ["c"] * 4
        plan = ask_everyone(names, heard=np.arange(12) == 5)
        assert plan.asked.tolist() == [0, 1, 2, 3, 8, 9, 10, 11]
        assert (plan.eligible, plan.heard) == (3, 1)
        with pytest.raises(DataError, match=r"Received: 3 of so many tracks, 2 of them heard"):
            ask_everyone(names, heard=np.isin(np.arange(12), [5, 8]))

    def test_too_few_artists(self) -> None:
        for names in ([], ["a"] * 9 + ["b"] * 3, ["a", "b"] * 4, [None] * 20):
            with pytest.raises(DataError, match=r"Import more tracks that have `artist`"):
                hold_out(names, heard=nobody(names))
        assert len(hold_out(["a", "b"] * 4 + ["c"], heard=np.zeros(9, bool)).folds[0].train) == 1
        with pytest.raises(DataError, match="Too few artists"):
            hold_out(["a", "b"] * 4, heard=np.zeros(8, bool), folds=3)
        halves = hold_out(["a", "b"] * 4, heard=np.zeros(8, bool), folds=2).folds
        assert sorted(fold.asked.tolist() for fold in halves) == [[0, 2, 4, 6], [1, 3, 5, 7]]

    @pytest.mark.parametrize(
        ("options", "name"),
        [
            ({"fraction": 0}, "test_fraction"),
            ({"fraction": 1}, "test_fraction"),
            ({"fraction": float("nan")}, "test_fraction"),
            ({"folds": 0}, "folds"),
        ],
    )
    def test_numbers_out_of_range(self, options: dict[str, int], name: str) -> None:
        with pytest.raises(ParameterError, match=f"`{name}`"):
            hold_out(["a", "b", "c"] * 4, heard=np.zeros(12, bool), **options)


class TestClusters:
    def test_rows_of_one_cluster_are_drawn_together(self) -> None:
        # Clusters of means 0 (one row) and 1 (three rows): a resample has 0, 3/4 or 1.
        values, clusters = np.array([[0.0], [1], [1], [1]]), np.array([7, 2, 2, 2])
        (found,) = clustered_intervals(values, clusters)
        assert (found.mean, found.low, found.high) == (0.75, 0, 1)

    def test_clusters_of_one_row_are_the_plain_bootstrap(self) -> None:
        values = np.random.default_rng(0).normal(size=(20, 2))
        assert clustered_intervals(values, np.arange(20)) == intervals(values)

    def test_nothing_to_draw(self) -> None:
        with pytest.raises(DataError):
            clustered_intervals(np.empty((0, 1)), np.empty(0, np.int64))


class TestRatios:
    def test_by_hand(self) -> None:
        # Clusters of ratios 1 and 3: a resample has 1, 2 or 3, either end in a quarter of cases.
        values, baselines = np.array([[1.0], [3]]), np.array([[1.0], [1]])
        (found,) = clustered_ratios(values, baselines, np.array([0, 1]))
        assert found == Estimate(2, 1, 3)

    def test_what_is_always_twice_the_baseline_is_certain(self) -> None:
        baselines = np.random.default_rng(0).uniform(1, 2, (20, 2))
        for found in clustered_ratios(2 * baselines, baselines, np.arange(20) // 3):
            assert found is not None
            assert [found.mean, found.low, found.high] == pytest.approx([2, 2, 2])

    def test_a_baseline_of_nothing(self) -> None:
        values, baselines = np.ones((3, 2)), np.array([[0.0, 0], [0, 0], [0, 1]])
        never, seldom = clustered_ratios(values, baselines, np.arange(3))
        assert never is None
        assert seldom == Estimate(3, None, None)


def section_of(scores: dict[str, list[float]], artists: list[int]):  # type: ignore[no-untyped-def]
    return make_section(
        "tracks",
        {name: np.array(values, float)[:, np.newaxis] for name, values in scores.items()},
        ("hit@1",),
        tracks=np.arange(len(artists)),
        artists=np.array(artists),
        resampling=Resampling(resamples=200),
    )


class TestFigures:
    def test_the_two_bootstraps_answer_two_questions(self) -> None:
        # Within an artist all tracks score alike: 12 tracks tell no more than 6 artists.
        artists = np.repeat(np.arange(6), 20).tolist()
        good = [float(artist % 2) for artist in artists]
        section = section_of({"mfcc": [0.5] * 120, "x": good}, artists)
        figure = section.systems["x"]["hit@1"]
        assert figure.mean == 0.5
        assert figure.tracks == pytest.approx((0.41, 0.59), abs=0.02)  # 0.5 ± 1.96 sqrt(.25/120)
        assert figure.artists == pytest.approx((0.17, 0.83), abs=0.01)  # 1 and 5 of 6
        ratio = section.ratios["x"]["hit@1"]
        assert ratio.mean == 1
        assert ratio.artists == pytest.approx((2 * 0.17, 2 * 0.83), abs=0.02)

    def test_random_is_no_rival(self) -> None:
        section = section_of({"random": [0, 1], "mfcc": [1, 1], "x": [1, 0]}, [0, 1])
        assert list(section.systems) == ["random", "mfcc", "x"]
        assert list(section.ratios) == ["x"]

    @pytest.mark.parametrize(("count", "bounded"), [(5, False), (6, True)])
    def test_few_artists_get_no_interval_over_artists(self, count: int, bounded: bool) -> None:
        artists = np.repeat(np.arange(count), 2).tolist()
        section = section_of({"mfcc": [1, 0] * count, "x": [1, 1] * count}, artists)
        for figures in (*section.systems.values(), *section.ratios.values()):
            assert figures["hit@1"].tracks is not None
            assert (figures["hit@1"].artists is not None) == bounded

    def test_the_baseline_alone(self) -> None:
        section = section_of({"mfcc": [1, 0]}, [0, 1])
        assert (section.systems["mfcc"]["hit@1"].mean, dict(section.ratios)) == (0.5, {})


class TestRendering:
    def report(self, **ratio: Figure) -> str:
        own = {"mfcc": Figure(0.2, (0.1, 0.3), (0.05, 0.35)), "x": Figure(0.5, (0.4, 0.6))}
        section = section_of({"mfcc": [1, 0]}, [0, 1])
        section = type(section)(
            "tracks",
            8,
            4,
            2,
            {name: {"hit@1": figure} for name, figure in own.items()},
            {"x": {"hit@1": ratio["x"]}},
        )
        sizes = dict.fromkeys(
            ["asked_tracks", "asked_artists", "eligible_artists", "gallery_tracks"], 8
        )
        return render_hearing(
            HearingReport(
                sizes={**sizes, "heard_artists": 3},
                parameters={"baseline": "mfcc", "min_tracks": 4},
                training={"x": [{"tracks": 5, "artists": 2, "seconds": 1.0}] * 2},
                sections=(section,),
                robustness={"x": Robustness(0.1, {"gain": Steadiness(60, 0.9, 0.8, 0.5)})},
                skipped={"genre": "No."},
                notes=("careful.",),
            )
        )

    def test_a_report(self) -> None:
        lines = self.report(x=Figure(2.5, (1.5, 4), None)).splitlines()
        assert lines[1:3] == [
            "3 artists are left out: an encoder heard them.",
            "Trained: x, 2 times, on 5 tracks of artists that it is not asked about, 2 s.",
        ]
        assert "tracks: 8 queries, of 4 tracks of 2 artists" in lines
        assert "mfcc      0.200 [0.100, 0.300]" in lines
        assert "                [0.050, 0.350]" in lines
        assert "x / mfcc  2.500 [1.500, 4.000] **" in lines  # 0.4 lies above 0.3
        assert "x       gain    60      0.900   0.800           50.0%        0.100" in lines
        assert {"genre: not measured. No.", "Note: careful."} <= set(lines)

    @pytest.mark.parametrize(
        ("ratio", "cell"),
        [
            (Figure(2.5, (0.9, 4)), "x / mfcc  2.500 [0.900, 4.000]"),
            (Figure(None), "x / mfcc"),
            (Figure(2.5), "x / mfcc  2.500"),
        ],
    )
    def test_ratios_that_say_little(self, ratio: Figure, cell: str) -> None:
        assert cell in self.report(x=ratio).splitlines()
