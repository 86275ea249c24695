from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audio_model.cache import MelCache
from audio_model.clips import Clip
from data import Catalog, DataError, ParameterError
from engine.evaluation.bootstrap import clustered_intervals, intervals
from engine.hearing import (
    HearingReport,
    genre_accuracy,
    label_codes,
    render_hearing,
    retrieval_scores,
    split_artists,
)
from engine.hearing.run import HearingSettings, evaluate_audio
from engine.hearing.sections import Labels, measure
from engine.hearing.systems import CHUNKS, Sounds, Vectors, standardised
from engine.training.sound import audio_files
from tests.engine.sounds import TINY, chord

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


class TestSplit:
    @given(
        st.lists(st.sampled_from(["", None, *"abcdefgh", " A "]), min_size=30, max_size=80),
        st.floats(0.01, 0.99),
        st.integers(0, 100),
    )
    def test_never_leaks_an_artist(
        self, names: list[str | None], fraction: float, seed: int
    ) -> None:
        try:
            split = split_artists(names, fraction=fraction, seed=seed)
        except DataError:
            return
        keys = [(name or "").strip().lower() for name in names]
        test, train = {keys[i] for i in split.test}, {keys[i] for i in split.train}
        assert not test & train
        assert "" not in test | train
        assert len(split.test) + len(split.train) == sum(key != "" for key in keys)
        assert len(test) >= 2
        assert all(keys.count(name) >= 4 for name in test)

    def test_the_share_is_of_artists_with_enough_tracks(self) -> None:
        names = [f"many {i}" for i in range(10)] * 4 + [f"few {i}" for i in range(20)] * 3
        split = split_artists(names)
        assert (split.eligible, len(split.test), len(split.train)) == (10, 16, 84)
        assert split_artists(names).test.tolist() == split.test.tolist()
        assert split_artists(names, seed=1).test.tolist() != split.test.tolist()

    def test_too_few_artists(self) -> None:
        for names in ([], ["a"] * 9 + ["b"] * 3, ["a", "b"] * 4, [None] * 20):
            with pytest.raises(DataError, match=r"Import more tracks that have `artist`"):
                split_artists(names)
        assert len(split_artists(["a", "b"] * 4 + ["c"]).train) == 1

    @pytest.mark.parametrize("fraction", [0, 1, -0.1, float("nan")])
    def test_fractions_out_of_range(self, fraction: float) -> None:
        with pytest.raises(ParameterError, match="`test_fraction`"):
            split_artists(["a", "b", "c"] * 4, fraction=fraction)

    def test_codes_do_not_depend_on_spelling(self) -> None:
        assert label_codes(["b", None, " B", "", "a"]).tolist() == [1, -1, 1, -1, 0]


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


def test_standardised_columns() -> None:
    values = np.array([[1, 0.1, 5], [3, 0.1, 5], [5, 0.1, 8]], np.float32)
    got = standardised(values)
    np.testing.assert_allclose(got[:, 0], [-np.sqrt(1.5), 0, np.sqrt(1.5)], rtol=1e-6)
    assert got[:, 1].tolist() == [0, 0, 0]
    np.testing.assert_allclose(got[:, 2], np.array([-1, -1, 2]) / np.sqrt(2), rtol=1e-6)


def make_catalog(directory: Path) -> Catalog:
    """Five artists of four tracks in registers of their own, one of two, and one unknown."""
    rows = []
    for i in range(24):
        artist = i // 4
        base = 110 * 2 ** (artist / 2) * (1 + i / 500)
        path = chord(directory / f"s{i:02}.wav", base=base, seconds=1.6, seed=i)
        name = "" if i == 22 else f"Artist {artist}"
        genre = ("Low|Dark", "high")[artist % 2] if i != 3 else None
        rows.append((f"s{i:02}", name, f"Album {artist} {i % 2}", genre, str(path)))
    (directory / "s23.wav").write_bytes(b"no sound")
    rows.append(("s24", "Artist 6", "", None, rows[0][4]))  # the sound of another track
    columns = ["track_id", "artist", "album", "genre", "audio_path"]
    return Catalog.from_frame(pd.DataFrame(rows, columns=columns))


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    return make_catalog(tmp_path_factory.mktemp("sounds"))


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("run")


@pytest.fixture(scope="module")
def told() -> dict[str, list[str]]:
    return {"bad": [], "progress": []}


@pytest.fixture(scope="module")
def report(catalog: Catalog, directory: Path, told: dict[str, list[str]]) -> HearingReport:
    return evaluate_audio(
        audio_files(catalog),
        catalog,
        TINY,
        cache=MelCache(directory / "mel", TINY),
        work=directory / "work",
        settings=HearingSettings(resamples=50),
        progress=lambda *told_of: told["progress"].append(told_of[2].partition(",")[0]),
        on_bad_file=lambda *told_of: told["bad"].append(told_of[0]),
    )


class TestRun:
    def test_sizes(self, report: HearingReport) -> None:
        assert report.sizes == {
            "eligible_artists": 5,
            "test_artists": 2,
            "test_tracks": 8,
            "test_chunks": 16,  # 69 frames: two chunks of 32 each
            "train_artists": 4,
            "train_tracks": 14,
            "tracks_without_artist": 1,
        }

    def test_sections(self, report: HearingReport) -> None:
        names = ["tracks", "tracks, other albums", "chunks", "chunks, other albums", "genre"]
        assert [s.name for s in report.sections][:5] == names
        assert [s.queries for s in report.sections][:4] == [8, 8, 16, 16]
        for section in report.sections:
            assert list(section.systems) == ["mfcc", "untrained", "article"]
            assert list(section.differences) == ["untrained - mfcc", "article - mfcc"]
            for name, metrics in section.differences.items():
                system = section.systems[name.removesuffix(" - mfcc")]
                for key, estimate in metrics.items():
                    gained = system[key].mean - section.systems["mfcc"][key].mean
                    assert estimate.mean == pytest.approx(gained, abs=1e-12)

    def test_the_baseline_tells_registers_apart(self, report: HearingReport) -> None:
        tracks = report.sections[0].systems["mfcc"]
        assert tracks["hit@1"].mean == 1
        assert tracks["map"].mean == 1
        assert tracks["p@5"].mean == pytest.approx(3 / 5)  # three others of the artist

    @pytest.mark.usefixtures("report")
    def test_bad_files_and_progress_are_told(self, told: dict[str, list[str]]) -> None:
        assert told["bad"] == ["s23"]
        assert {"untrained: embedding", "article: training the encoder"} <= set(told["progress"])

    @pytest.mark.usefixtures("report")
    def test_leaves_nothing_but_the_cache(self, directory: Path) -> None:
        assert [p.name for p in directory.iterdir()] == ["mel"]

    def test_forms(self, report: HearingReport) -> None:
        text = render_hearing(report)
        assert "2 artists held out of 5 with 4 or more tracks: 8 tracks, 16 chunks." in text
        assert "tracks, other albums: 8 queries of 2 artists" in text
        assert "[" not in text  # two artists are too few for intervals
        document = report.as_dict()
        assert document["parameters"]["recipes"]["article"]["max_steps"] == 3
        assert document["sections"][0]["systems"]["mfcc"]["hit@1"]["mean"] == 1

    def test_a_killed_run_goes_on_and_ends_the_same(
        self, report: HearingReport, catalog: Catalog, directory: Path, tmp_path: Path
    ) -> None:
        class KilledError(Exception):
            pass

        steps: list[int] = []

        def run(kill_at: int) -> HearingReport:
            def progress(done: int, total: int, what: str) -> None:
                if "training" in what:
                    steps.append(done)
                    if done == kill_at:
                        raise KilledError

            config = TINY.model_copy(update={"checkpoint_seconds": 0.0})
            return evaluate_audio(
                audio_files(catalog),
                catalog,
                config,
                cache=MelCache(directory / "mel", config),
                work=tmp_path / "work",
                settings=HearingSettings(resamples=50),
                progress=progress,
            )

        with pytest.raises(KilledError):
            run(kill_at=3)
        assert run(kill_at=-1).sections == report.sections
        assert steps == [1, 2, 3, 3]

    def test_wrong_settings(self, catalog: Catalog, directory: Path, tmp_path: Path) -> None:
        cache = MelCache(directory / "mel", TINY)
        files = audio_files(catalog)
        with pytest.raises(ParameterError, match="`recipe` must be one of"):
            evaluate_audio(
                files, catalog, TINY, cache=cache, work=tmp_path, settings=HearingSettings(("x",))
            )
        with pytest.raises(DataError, match="None of 0 sound files"):
            evaluate_audio([], catalog, TINY, cache=cache, work=tmp_path)
        with pytest.raises(DataError, match="Received: 1 of such, among 2 in all"):
            evaluate_audio(files[:4] + files[20:22], catalog, TINY, cache=cache, work=tmp_path)

    def test_a_cache_that_loses_files_is_an_error(self, tmp_path: Path) -> None:
        clip = Clip(tmp_path / "x.wav", "0" * 64, 69)
        with pytest.raises(DataError, match=r"'x\.wav' has gone from the cache"):
            list(Sounds([clip], MelCache(tmp_path, TINY)).mels())
        long = Clip(tmp_path / "y.wav", "1" * 64, 100 * 32)
        owners = Sounds([clip, long], MelCache(tmp_path, TINY)).owners
        assert owners.tolist() == [0] * 2 + [1] * CHUNKS


@pytest.mark.parametrize(("count", "has_interval"), [(5, False), (6, True)])
def test_few_artists_get_no_interval(count: int, has_interval: bool) -> None:
    artists = np.repeat(np.arange(count), 4)
    rng = np.random.default_rng(0)
    n = len(artists)
    labels = Labels(artists, np.full(n, -1), np.zeros((n, 0), bool), np.arange(n))
    systems = {}
    for name in ("mfcc", "other"):
        vectors = rng.normal(size=(n, 3)).astype(np.float32)
        systems[name] = Vectors(vectors, vectors)
    sections, skipped = measure(systems, labels, seed=0, resamples=20)
    assert [s.name for s in sections] == ["tracks", "chunks"]
    assert set(skipped) == {
        "tracks, other albums",
        "chunks, other albums",
        "genre",
        "genre, other artists",
    }
    for metrics in (*sections[0].systems.values(), *sections[0].differences.values()):
        for estimate in metrics.values():
            assert (estimate.low is not None) == has_interval
    assert sections[0].artists == count


def test_labels_of_a_catalogue(catalog: Catalog) -> None:
    labels = Labels.of(catalog, np.array([0, 3, 4, 24]), np.array([0, 1, 2, 3]))
    assert labels.artists.tolist() == [0, 0, 1, 2]
    assert labels.albums.tolist() == [0, 1, 2, -1]
    assert labels.genres.tolist() == [
        [True, False, True],  # dark, high, low
        [False] * 3,
        [False, True, False],
        [False] * 3,
    ]
