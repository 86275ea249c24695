"""A learned ranker in a bundle: written, opened, served."""

from __future__ import annotations

import logging
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data import BundleError, Catalog, History, Interactions
from engine.blending import blend_of
from engine.bundle import Bundle, BundleContents, write_bundle
from engine.evidence import FeatureMaker, track_facts
from engine.modelling import assemble
from engine.recommender import Recommender
from engine.request import Request
from engine.signals import Signals
from engine.taste import TasteConfig
from ranker import Candidates, Query, RankerConfig, ReciprocalRankFusion, merge
from ranker.features import NAMES
from ranker.lambdamart import LambdaMART
from ranker.learned import LearnedRanker
from tests.engine.conftest import TRACKS, World
from tests.engine.test_recommender import history_of, tracks
from tests.ranker.models import linear_model, table_of

MODEL = linear_model(cf_share=2, neighbours_share=1, audio_score=1, listeners=0.3, user_tracks=1)


def contents_of(world: World, ranker: LambdaMART | None = MODEL) -> BundleContents:
    """Return the world's parts, with neighbours, times, dates and a ranker."""
    plays = replace(world.plays, at=np.arange(len(world.plays)) * 86_400)
    table = pd.DataFrame(
        {
            "track_id": list(world.catalog.tracks),
            "artist": world.catalog.column("artist").to_pylist(),
            "genre": world.catalog.column("genre").to_pylist(),
            "released_at": [f"2001-01-{day + 1:02}" for day in range(TRACKS - 1)] + [None],
        }
    )
    found = assemble(
        plays,
        Catalog.from_frame(table),
        acoustic=world.contents.acoustic,
        behaviour=world.contents.behaviour,
        duplicates=None,
    )
    return replace(found, ranker=ranker)


def written(world: World, root: Path, contents: BundleContents) -> Bundle:
    config = world.sections.model_dump(mode="json", exclude={"data"})
    return Bundle.open(root / write_bundle(root, contents, config=config))


@pytest.fixture(scope="module")
def bundle(world: World, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return written(world, tmp_path_factory.mktemp("learned"), contents_of(world))


@pytest.fixture(scope="module")
def recommender(bundle: Bundle) -> Recommender:
    return Recommender(bundle, RankerConfig())


class TestBundle:
    def test_what_is_written_is_what_is_opened(self, world: World, bundle: Bundle) -> None:
        expected, found = contents_of(world), bundle.contents
        assert found.ranker is not None
        assert found.recent is not None
        assert found.neighbours is not None
        assert expected.recent is not None
        assert expected.neighbours is not None
        table = table_of(3, cf_share=[0, 0.5, 1], listeners=[3, np.nan, 1])
        np.testing.assert_array_equal(found.ranker.scores(table), MODEL.scores(table))
        assert found.ranker.calibration == MODEL.calibration
        np.testing.assert_array_equal(found.recent, expected.recent)
        assert (found.neighbours.weights != expected.neighbours.weights).nnz == 0
        assert isinstance(found.neighbours.weights.data.base, np.memmap)
        assert {
            "ranker/ranker.json",
            "ranker/trees.txt",
            "recent.npy",
            "neighbour_starts.npy",
            "neighbour_tracks.npy",
            "neighbour_weights.npy",
        } <= set(bundle.manifest.files)

    def test_a_bundle_without_them_is_a_bundle(self, world: World, tmp_path: Path) -> None:
        found = world.bundle(tmp_path).contents
        assert found.ranker is found.recent is found.neighbours is None

    def test_a_ranker_of_other_features_leaves_the_blend_to_fusion(
        self, world: World, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        path = written(world, tmp_path, contents_of(world)).path
        file = path / "ranker" / "ranker.json"
        text = file.read_text().replace('"cf_score"', '"cf_sc0re"')  # as many bytes
        file.write_text(text)
        with caplog.at_level(logging.WARNING, "segue.engine"):
            opened = Bundle.open(path, verify=False)
        assert opened.contents.ranker is None
        assert "is blended by rank fusion: The learned ranker looks at other" in caplog.text
        assert Recommender(opened, RankerConfig()).ranker.name == "rrf"

    def test_a_ranker_that_cannot_be_read_is_a_broken_bundle(
        self, world: World, tmp_path: Path
    ) -> None:
        path = written(world, tmp_path, contents_of(world)).path
        file = path / "ranker" / "ranker.json"
        file.write_text(file.read_text().replace('"calibration"', '"calibratiom"'))
        with pytest.raises(BundleError, match=r"corrupt: ranker/ranker\.json"):
            Bundle.open(path)
        with pytest.raises(BundleError, match="cannot be opened"):
            Bundle.open(path, verify=False)

    def test_parts_must_be_of_the_tracks(self, world: World) -> None:
        contents = contents_of(world)
        assert contents.neighbours is not None
        with pytest.raises(BundleError, match="`recent`"):
            replace(contents, recent=np.zeros(3, np.float32))
        few = replace(contents.neighbours, weights=contents.neighbours.weights[:3])
        with pytest.raises(BundleError, match="`neighbours`"):
            replace(contents, neighbours=few)


class TestBlending:
    def test_a_ranker_blends_unless_fusion_is_asked_for(self, world: World, bundle: Bundle) -> None:
        signals = Signals.of(bundle.contents, bundle.cf)
        assert isinstance(blend_of(signals, RankerConfig()), LearnedRanker)
        plain = blend_of(signals, RankerConfig(blend="fusion"))
        assert isinstance(plain, ReciprocalRankFusion)
        without = Signals.of(contents_of(world, None), world.sections.cf)
        assert isinstance(blend_of(without, RankerConfig()), ReciprocalRankFusion)


class TestEvidence:
    def test_facts_of_tracks(self, world: World) -> None:
        contents = contents_of(world)
        facts = track_facts(contents)
        assert facts.listeners.tolist() == world.contents.listeners.tolist()
        assert facts.today == 11_323 + 10  # 2001-01-11
        assert facts.released[0] == 11_323
        assert np.isnan(facts.released[11])
        assert facts.genres.shape == (TRACKS, 3)
        assert facts.copies.tolist() == [1] * TRACKS
        assert world.contents.behaviour is not None
        np.testing.assert_allclose(
            facts.strength, np.linalg.norm(world.contents.behaviour.item_factors, axis=1)
        )

    def test_columns_are_what_the_signals_say(self, world: World) -> None:
        contents = contents_of(world)
        signals = Signals.of(contents, world.sections.cf, taste=TasteConfig(whiten=False))
        query = Query(history_of(0, 2, 1), np.ones(TRACKS, bool))
        asked = np.array([1, 4, 10, 11], np.int32)
        pool = merge([Candidates("popular", asked, np.ones(4, np.float32))])
        table = FeatureMaker(signals).table(query, pool)
        found = dict(zip(NAMES, table.T, strict=True))
        assert contents.acoustic is not None
        vectors = contents.acoustic.embeddings
        cosines = np.sort(vectors[asked] @ vectors[[0, 2, 1]].T, axis=1)
        heard = [True, True, False, True]  # t10 has no embedding
        for name, expected in (
            ("nearest_play", cosines[:, -1]),
            ("nearest_plays", cosines.mean(axis=1)),
            ("seeds_score", cosines[:, -1]),
        ):
            assert np.isnan(found[name]).tolist() == [False, False, True, False]
            np.testing.assert_allclose(found[name][heard], expected[heard], rtol=1e-5)
        assert np.isnan(found["audio_score"]).tolist() == [False, False, True, False]
        assert signals.cf is not None
        scores = signals.cf.scores(query)
        assert scores is not None
        np.testing.assert_allclose(found["cf_score"], scores[asked])

    def test_without_sound_or_behaviour_their_columns_are_unknown(self, world: World) -> None:
        bare = replace(contents_of(world), acoustic=None, behaviour=None, neighbours=None)
        signals = Signals.of(bare, world.sections.cf)
        query = Query(history_of(0, 2), np.ones(TRACKS, bool))
        pool = merge([signals.popular.retrieve(query, 5)])
        table = FeatureMaker(signals).table(query, pool)
        unknown = [
            name for name, column in zip(NAMES, table.T, strict=True) if np.isnan(column).all()
        ]
        assert {
            "cf_score",
            "neighbours_score",
            "audio_score",
            "nearest_play",
            "seeds_score",
        } <= set(unknown)
        assert "listeners" not in unknown

    def test_an_empty_pool_has_no_rows(self, world: World) -> None:
        signals = Signals.of(contents_of(world), world.sections.cf)
        query = Query(history_of(0, 2), np.zeros(TRACKS, bool))
        assert FeatureMaker(signals).table(query, merge([])).shape == (0, len(NAMES))


subsets = st.sets(st.integers(0, TRACKS - 1))


class TestRecommender:
    @settings(
        max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )
    @given(
        played=subsets,
        hidden=subsets,
        n=st.integers(1, 15),
        strategy=st.sampled_from(["hybrid", "hybrid", "cf", "audio", "popular"]),
        cap=st.none() | st.integers(1, 3),
        seen=st.booleans(),
    )
    def test_promises_hold(
        self,
        recommender: Recommender,
        *,
        played: set[int],
        hidden: set[int],
        n: int,
        strategy: str,
        cap: int | None,
        seen: bool,
    ) -> None:
        history = history_of(*sorted(played), hidden=tuple(sorted(hidden)))
        request = Request(
            history, n=n, strategy=strategy, artist_cap=cap, exclude_seen=not seen, explain=True
        )
        answer = recommender.recommend(request)
        got = tracks(answer)
        eligible = set(range(TRACKS)) - hidden - (set() if seen else played)
        assert len(got) == len(set(got)) == min(n, len(eligible))
        assert set(got) <= eligible
        assert answer == recommender.recommend(request)
        if cap is None:
            scores = [item.score for item in answer.items]
            assert scores == sorted(scores, reverse=True)
        for item in answer.items:
            assert item.reason is not None
            share = item.reason.sound + item.reason.behaviour + item.reason.popularity
            assert share == pytest.approx(1) or share == 0

    def test_taste_decides_and_scores_are_probabilities(self, recommender: Recommender) -> None:
        answer = recommender.recommend(Request(history_of(0, 2), n=3, explain=True))
        assert recommender.ranker.name == "learned"
        assert {track % 2 for track in tracks(answer)} == {0}
        assert all(0 < item.score < 1 for item in answer.items)
        first = answer.items[0]
        assert {"cf", "neighbours", "audio"} <= set(first.sources)
        assert first.reason is not None
        assert set(first.reason.because) <= {0, 2}
        assert first.reason.sound + first.reason.behaviour + first.reason.popularity == (
            pytest.approx(1)
        )

    def test_who_has_no_plays_gets_what_is_popular(self, recommender: Recommender) -> None:
        answer = recommender.recommend(Request(History(), n=4))
        assert answer.fallback == "popular"

    def test_fusion_is_asked_for_in_settings(self, bundle: Bundle) -> None:
        plain = Recommender(bundle, RankerConfig(blend="fusion"))
        answer = plain.recommend(Request(history_of(0, 2), n=3))
        assert plain.ranker.name == "rrf"
        assert max(item.score for item in answer.items) < 0.2  # 1 / (10 + rank), not a probability
        # Signals without weight are not even asked.
        assert {s for item in answer.items for s in item.sources} <= {"cf", "audio", "popular"}

    def test_a_signal_that_is_off_proposes_nothing(self, bundle: Bundle) -> None:
        quiet = Recommender(bundle, RankerConfig(quota_neighbours=0, quota_audio=0, quota_seeds=0))
        answer = quiet.recommend(Request(history_of(0, 2), n=TRACKS))
        named = {source for item in answer.items for source in item.sources}
        assert "cf" in named
        assert named.isdisjoint({"neighbours", "audio", "seeds"})
        # Asked for by name, it answers all the same.
        alone = quiet.recommend(Request(history_of(0, 2), n=2, strategy="audio"))
        assert {item.sources for item in alone.items} == {("audio",)}

    def test_plays_without_sound_or_factors_are_answered_by_neighbours(
        self, world: World, tmp_path: Path
    ) -> None:
        bare = replace(contents_of(world), acoustic=None, behaviour=None)
        found = Recommender(written(world, tmp_path, bare), RankerConfig())
        answer = found.recommend(Request(history_of(0, 2), n=3))
        assert answer.fallback is None
        assert {track % 2 for track in tracks(answer)} == {0}


def test_where_lightgbm_cannot_be_loaded_rank_fusion_serves_and_the_log_says_why(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class Unloadable:
        """Stands where `import lightgbm` looks first, and fails as it does without libgomp."""

        @staticmethod
        def find_spec(name: str, *_: object) -> None:
            if name == "lightgbm":
                raise OSError("libgomp.so.1: cannot open shared object file")

    assert bundle.contents.ranker is not None
    unread = replace(bundle.contents, ranker=replace(bundle.contents.ranker))
    monkeypatch.delitem(sys.modules, "lightgbm", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Unloadable, *sys.meta_path])
    signals = Signals.of(unread, bundle.cf)
    with caplog.at_level(logging.ERROR, logger="segue.engine"):
        assert isinstance(blend_of(signals, RankerConfig()), ReciprocalRankFusion)
    assert "libgomp1" in caplog.text
    assert "Rank fusion serves instead." in caplog.text


def test_assembling_counts_what_plays_say(world: World) -> None:
    contents = contents_of(world)
    matrix = world.plays.matrix()
    assert contents.listeners.tolist() == matrix.getnnz(axis=0).tolist()
    assert contents.plays.tolist() == np.asarray(matrix.sum(axis=0)).ravel().tolist()
    assert contents.recent is not None
    assert contents.recent[11] == 0
    empty = Interactions.from_frame(
        pd.DataFrame({"user_id": [], "track_id": []}), tracks=world.catalog.tracks
    )
    bare = assemble(empty, world.catalog, acoustic=None, behaviour=None, duplicates=None)
    assert bare.neighbours is bare.recent is None
    assert not bare.listeners.any()
