"""What each retriever proposes, in worlds small enough to work it out."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from cf_model import CFConfig
from cf_model.foldin import FoldIn
from cf_model.neighbours import train_neighbours
from data import History
from engine.retrieval import (
    AudioRetriever,
    CFRetriever,
    ColdRetriever,
    NeighbourRetriever,
    NewRetriever,
    PopularRetriever,
    SeedRetriever,
    TrendingRetriever,
)
from engine.retrieval.sound import last_played
from engine.signals import Signals
from engine.taste import SoundIndex, SoundSpace
from ranker.candidates import Candidates, Query
from tests.engine.conftest import TRACKS, World

NAN = np.nan


def ids(*values: int) -> np.ndarray:
    return np.array(values, np.int32)


def floats(*values: float) -> np.ndarray:
    return np.array(values, np.float32)


def query(size: int, *played: int, at: tuple[int, ...] = (), eligible: object = None) -> Query:
    history = History(
        ids(*played), np.ones(len(played), np.float32), np.array(at or [-1] * len(played), np.int64)
    )
    mask = np.ones(size, bool)
    if eligible is not None:
        mask = np.isin(np.arange(size), eligible)
    return Query(history, mask)


def told(found: Candidates) -> dict[int, float]:
    """Return tracks and scores, in their order."""
    assert found.tracks.dtype == np.int32
    assert found.scores.dtype == np.float32
    return dict(zip(found.tracks.tolist(), found.scores.tolist(), strict=True))


class TestEveryone:
    def test_popular_tracks_have_most_listeners_then_most_plays(self) -> None:
        popular = PopularRetriever(floats(2, 5, 2, 0), floats(9, 5, 8, 0))
        found = popular.retrieve(query(4), 9)
        assert list(told(found).items()) == [(1, 5), (0, 2), (2, 2)]  # nobody played 3
        assert popular.retrieve(query(4, eligible=[0, 2, 3]), 1).tracks.tolist() == [0]
        every = popular.everything(query(4, eligible=[0, 2, 3]), 9)
        assert every.tracks.tolist() == [0, 2, 3]

    def test_trending_tracks_by_hand(self) -> None:
        # 20 listeners, 10 of them recent: half. Expected of 8, 8, 4, 0 are 4, 4, 2, 0.
        found = TrendingRetriever(floats(8, 8, 4, 0), floats(7, 1, 2, 0)).retrieve(query(4), 9)
        assert told(found) == {0: pytest.approx(3 / np.sqrt(5))}

    def test_trending_needs_more_than_its_share_and_forgives_small_numbers(self) -> None:
        found = TrendingRetriever(floats(99, 1, 100), floats(59, 1, 40)).retrieve(query(3), 9)
        share = 100 / 200
        first, second = 99 * share, 1 * share
        assert told(found) == {
            0: pytest.approx((59 - first) / np.sqrt(first + 1), rel=1e-5),
            1: pytest.approx((1 - second) / np.sqrt(second + 1), rel=1e-5),
        }

    def test_new_tracks_by_day_the_last_first(self) -> None:
        new = NewRetriever(floats(100, NAN, 300, 100, 50))
        assert told(new.retrieve(query(5), 9)) == {2: 251, 0: 51, 3: 51, 4: 1}
        assert new.retrieve(query(5, eligible=[1, 3, 4]), 1).tracks.tolist() == [3]
        assert len(NewRetriever(floats(NAN, NAN)).retrieve(query(2), 5)) == 0

    def test_nothing_is_proposed_of_an_empty_catalogue(self) -> None:
        none = floats()
        for found in (PopularRetriever(none, none), TrendingRetriever(none, none)):
            assert len(found.retrieve(query(0), 5)) == 0


class TestBehaviour:
    FACTORS = floats(1, 0, 0, 1, 0.8, 0.2, 0.1, -0.5, 0, 0).reshape(5, 2)

    def cf(self) -> CFRetriever:
        return CFRetriever(FoldIn(self.FACTORS, CFConfig(factors=2)), self.FACTORS)

    def test_factors_propose_what_scores_above_zero(self) -> None:
        cf = self.cf()
        asked = query(5, 0)
        scores = cf.scores(asked)
        assert scores is not None
        user = FoldIn(self.FACTORS, CFConfig(factors=2)).user(ids(0), floats(1))
        np.testing.assert_allclose(scores, self.FACTORS @ user, rtol=1e-6)
        found = cf.retrieve(asked, 9)
        assert set(found.tracks.tolist()) == set(np.flatnonzero(scores > 0).tolist())
        assert 4 not in found.tracks  # no factor, no proposal
        assert cf.scores(asked) is scores  # solved once a query

    def test_a_mute_history_proposes_nothing(self) -> None:
        cf = self.cf()
        for asked in (query(5), query(5, 4)):
            assert cf.scores(asked) is None
            assert len(cf.retrieve(asked, 9)) == 0
            assert len(ColdRetriever(cf, ids(2)).retrieve(asked, 9)) == 0

    def test_cold_tracks_compete_among_themselves(self) -> None:
        cf = self.cf()
        asked = query(5, 0)
        scores = cf.scores(asked)
        assert scores is not None
        assert told(ColdRetriever(cf, ids(1, 2, 4)).retrieve(asked, 9)) == {
            track: pytest.approx(float(scores[track])) for track in (2, 1) if scores[track] > 0
        }
        assert ColdRetriever(cf, ids(1, 2)).retrieve(asked, 1).tracks.tolist() == [2]
        only = query(5, 0, eligible=[0, 1])
        assert 2 not in ColdRetriever(cf, ids(1, 2)).retrieve(only, 9).tracks
        assert len(ColdRetriever(cf, ids()).retrieve(asked, 9)) == 0

    @settings(deadline=None, max_examples=30)
    @given(st.sets(st.integers(0, 19)), st.integers(0, 1000))
    def test_neighbours_score_as_the_model_does(self, played: set[int], seed: int) -> None:
        plays = sp.random(
            30, 20, 0.2, random_state=np.random.default_rng(seed), format="csr", dtype=np.float32
        )
        model = train_neighbours(plays, width=6)
        history = np.zeros((1, 20), np.float32)
        history[0, sorted(played)] = 1
        expected = model.scores(sp.csr_matrix(history), ids(*range(20)))[0]
        neighbours, asked = NeighbourRetriever(model), query(20, *sorted(played))
        np.testing.assert_allclose(neighbours.scores(asked), expected, rtol=1e-5)
        found = neighbours.retrieve(asked, 20)
        assert set(found.tracks.tolist()) == set(np.flatnonzero(expected > 0).tolist())
        assert (np.diff(found.scores) <= 0).all()


class TestSound:
    # Tracks 0 and 1 are alike, 2 and 3 are; 4 has no embedding.
    SOUNDS = floats(1, 0, 0.8, 0.6, 0, 1, -0.6, 0.8, 0, 0).reshape(5, 2)

    def index(self) -> SoundIndex:
        return SoundIndex(self.SOUNDS, SoundSpace.of(self.SOUNDS, whiten=False))

    def test_seeds_by_the_highest_cosine(self) -> None:
        seeds = SeedRetriever(self.index())
        assert told(seeds.retrieve(query(5, 0), 9)) == {0: 1, 1: pytest.approx(0.8)}
        found = told(seeds.retrieve(query(5, 0, 2, eligible=[1, 3, 4]), 9))
        assert found == {1: pytest.approx(0.8), 3: pytest.approx(0.8)}

    def test_seeds_without_sound_say_nothing(self) -> None:
        seeds = SeedRetriever(self.index())
        for asked in (query(5), query(5, 4)):
            assert seeds.scores(asked) is None
            assert len(seeds.retrieve(asked, 9)) == 0
        scores = seeds.scores(query(5, 0))
        assert scores is not None
        assert scores[4] == -np.inf

    def test_the_last_plays_are_seeds(self) -> None:
        few = History(ids(3, 1), floats(1, 1), np.array([-1, -1]))
        assert last_played(few).tolist() == [3, 1]
        many = History(ids(5, 6, 7, 8, 9), np.ones(5, np.float32), np.array([50, -1, 70, 60, 40]))
        assert last_played(many).tolist() == [7, 8, 5]
        unknown = History(ids(5, 6, 7, 8), np.ones(4, np.float32), np.full(4, -1))
        assert last_played(unknown).size == 0

    def test_audio_proposes_what_is_embedded(self) -> None:
        audio = AudioRetriever(self.index())
        found = audio.retrieve(query(5, 0, eligible=[1, 2, 3, 4]), 9)
        assert found.tracks.tolist()[0] == 1
        assert set(found.tracks.tolist()) == {1, 2, 3}
        assert audio.centres(query(5)) is None
        assert audio.centres(query(5, 4)) is None
        assert len(audio.retrieve(query(5, 4), 9)) == 0
        asked = query(5, 0)
        assert audio.centres(asked) is audio.centres(asked)


class TestSignals:
    def test_a_bundle_feeds_what_it_can(self, world: World) -> None:
        signals = Signals.of(world.contents, world.sections.cf)
        assert list(signals.retrievers) == ["cf", "audio", "seeds", "popular"]
        assert signals.cold is None  # t11 was never played, and has no factor either

    @settings(deadline=None, max_examples=40)
    @given(st.data())
    def test_every_retriever_keeps_to_what_is_eligible(
        self, world: World, data: st.DataObject
    ) -> None:
        tracks = st.sets(st.integers(0, TRACKS - 1))
        asked = query(TRACKS, *sorted(data.draw(tracks)), eligible=sorted(data.draw(tracks)))
        n = data.draw(st.integers(1, TRACKS))
        for name, retriever in Signals.of(world.contents, world.sections.cf).retrievers.items():
            found = retriever.retrieve(asked, n)
            assert found.source == name
            assert len(found) == len(set(found.tracks.tolist())) <= n
            assert asked.eligible[found.tracks].all()
            assert (np.diff(found.scores) <= 0).all()
