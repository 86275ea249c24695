"""Simulated listeners: do they do what their tastes say?"""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.errors import ParameterError
from data.interactions import EVENTS
from data.sample import Tastes, draw_tastes, sample_timbre, simulate_listens
from data.sample.catalogue import sample_tracks, tracks_frame
from data.sample.listeners import released_seconds
from data.sample.plays import mood_weights
from data.sample.reactions import enjoyment

COLUMNS = ["event_id", "user_id", "track_id", "event", "listened_at", "played_ms"]


@pytest.fixture(scope="module")
def tracks():
    return tracks_frame(sample_tracks(seed=7, styles=8, artists=5, tracks=4))


@pytest.fixture(scope="module")
def tastes(tracks):
    rng = np.random.default_rng(11)
    return draw_tastes(tracks, users=300, timbre=sample_timbre(), rng=rng)


@pytest.fixture(scope="module")
def listens(tracks):
    rng = np.random.default_rng(11)
    return simulate_listens(tracks, users=300, timbre=sample_timbre(), rng=rng)


@pytest.fixture(scope="module")
def plays(tracks, listens):
    played = listens[listens.event.isin(["listen", "skip"])]
    row = dict(zip(tracks.track_id, range(len(tracks)), strict=True))
    return played.assign(
        user=played.user_id.str.removeprefix("listener-").astype(int) - 1,
        track=played.track_id.map(row),
    )


def by_hand(**changes):
    """Return two users over four tracks: tracks 0 and 1 of style a, 2 and 3 of style b."""
    values = {
        "styles": ("a", "b"),
        "track_style": np.array([0, 0, 1, 1]),
        "track_artist": np.array([0, 1, 2, -1]),
        "timbre": np.array([[1.0], [-1.0], [1.0], [-1.0]]),
        "popularity": np.array([0.4, 0.2, 0.4, 0.0]),
        "user_styles": np.array([[0, 0, 0], [1, 0, 0]]),
        "style_weights": np.array([[1.0, 0, 0], [0.7, 0.3, 0]]),
        "favourites": np.array([[1, 1, 1, 1], [-1, -1, -1, -1]]),
        "direction": np.array([[0.0], [1.0]]),
        "strength": np.array([0.0, 1.0]),
    }
    return Tastes(**{**values, **changes})


class TestTastes:
    def test_liking_adds_favourites_and_timbre(self):
        tastes, tracks = by_hand(), np.arange(4)
        np.testing.assert_allclose(tastes.liking(np.zeros(4, int), tracks), [0, 1.6, 0, 0])
        np.testing.assert_allclose(tastes.liking(np.ones(4, int), tracks), [0.8, -0.8, 0.8, -0.8])

    def test_moods_weigh_popularity_liking_and_style(self):
        weights = mood_weights(by_hand(), np.array([0]))[0]
        assert weights.shape == (4, 4)
        np.testing.assert_allclose(weights.sum(axis=1), 1.0)
        expected = np.array([0.4, 0.2 * np.exp(1.6), 0.03 * 0.4, 0.0])
        np.testing.assert_allclose(weights[0], expected / expected.sum())
        np.testing.assert_allclose(weights[3], [0.4, 0.2, 0.4, 0.0])  # anything

    def test_another_style_pleases_less(self):
        tastes = by_hand()
        assert enjoyment(tastes, np.array([0, 0]), np.array([0, 2])).tolist() == [0.0, -1.5]

    def test_tastes_are_well_formed(self, tastes):
        assert len(tastes) == 300
        np.testing.assert_allclose(tastes.style_weights.sum(axis=1), 1.0)
        np.testing.assert_allclose(np.linalg.norm(tastes.direction, axis=1), 1.0)
        np.testing.assert_allclose(tastes.timbre.std(axis=0), 1.0)
        assert tastes.popularity.sum() == pytest.approx(1.0)
        for user in range(300):
            used = tastes.user_styles[user][tastes.style_weights[user] > 0]
            assert len(set(used)) == used.size
            for artist in tastes.favourites[user]:
                assert set(tastes.track_style[tastes.track_artist == artist]) <= set(used)

    def test_a_twentieth_of_the_tracks_stays_silent_with_a_whole_artist(self, tastes):
        assert tastes.unplayed.sum() == 8
        whole = [a for a in range(40) if tastes.unplayed[tastes.track_artist == a].all()]
        assert 1 <= len(whole) <= 2

    def test_tracks_without_a_genre_are_grouped_by_timbre_else_by_artist(self):
        tracks = pd.DataFrame({"track_id": list("abcd"), "artist": ["x", "x", "y", None]})
        groups = draw_tastes(tracks, users=1, timbre=None, rng=np.random.default_rng(0))
        assert groups.styles == ("other", "x", "y")
        near = np.array([[0.0], [9.0], [0.0], [9.0]])
        groups = draw_tastes(tracks, users=1, timbre=near, rng=np.random.default_rng(0))
        assert groups.track_style[0] == groups.track_style[2] != groups.track_style[1]

    def test_the_first_genre_counts_in_any_case(self):
        tracks = pd.DataFrame({"track_id": list("abc"), "genre": ["Rock|Pop", "ROCK", "Pop"]})
        tastes = draw_tastes(tracks, users=1, timbre=None, rng=np.random.default_rng(0))
        assert tastes.styles == ("pop", "rock")
        assert tastes.track_style.tolist() == [1, 1, 0]


class TestListens:
    def test_columns_and_values(self, tracks, listens):
        assert list(listens.columns) == COLUMNS
        assert listens.event_id.is_unique
        assert set(listens.event) == set(EVENTS)
        assert set(listens.track_id) <= set(tracks.track_id)
        assert listens.user_id.nunique() == 300
        assert listens.listened_at.is_monotonic_increasing
        assert listens.listened_at.str.fullmatch(r"2024-\d\d-\d\dT\d\d:\d\d:\d\dZ").all()
        assert 45 < len(listens) / 300 < 75

    def test_the_same_generator_gives_the_same_listens(self, tracks, listens):
        again = simulate_listens(
            tracks, users=300, timbre=sample_timbre(), rng=np.random.default_rng(11)
        )
        pd.testing.assert_frame_equal(listens, again)
        other = simulate_listens(tracks, users=300, rng=np.random.default_rng(12))
        assert not set(other.event_id) & set(listens.event_id)

    def test_given_tastes_are_followed(self, tracks, tastes):
        listens = simulate_listens(tracks, tastes=tastes, rng=np.random.default_rng(0))
        assert listens.user_id.nunique() == 300
        assert not set(listens.track_id) & set(tracks.track_id[tastes.unplayed])

    def test_the_first_style_dominates(self, tastes, plays):
        style = tastes.track_style[plays.track]
        own = tastes.user_styles[plays.user, 0] == style
        styles = (tastes.style_weights > 0).sum(axis=1)
        share = pd.Series(own).groupby(plays.user.to_numpy()).mean()
        assert share[styles[share.index] == 1].mean() > 0.8
        assert share[styles[share.index] == 2].mean() > 0.55
        assert share[styles[share.index] == 3].mean() > 0.4

    def test_favourite_artists_are_played_more(self, tastes, plays):
        artist, style = tastes.track_artist[plays.track], tastes.track_style[plays.track]
        first = tastes.user_styles[plays.user, 0]
        favourite = (tastes.favourites[plays.user] == artist[:, None]).any(axis=1)
        played = favourite[style == first].mean()
        tracks = np.flatnonzero(~tastes.unplayed)
        chance = np.mean(
            [
                np.isin(tastes.track_artist[tracks[tastes.track_style[tracks] == s]], f).mean()
                for s, f in zip(tastes.user_styles[:, 0], tastes.favourites, strict=True)
            ]
        )
        assert played > chance + 0.15

    def test_who_listens_for_timbre_plays_what_is_near(self):
        rng = np.random.default_rng(2)
        tracks = pd.DataFrame({"track_id": [f"t{i}" for i in range(200)], "genre": "one"})
        timbre = rng.normal(size=(200, 6))
        tastes = draw_tastes(tracks, users=200, timbre=timbre, rng=rng)
        listens = simulate_listens(tracks, tastes=tastes, rng=rng)
        user = listens.user_id.str[-4:].astype(int).to_numpy() - 1
        track = listens.track_id.str[1:].astype(int).to_numpy()
        match = (tastes.direction[user] * tastes.timbre[track]).sum(axis=1)
        keen, cold = tastes.strength[user] > 1.0, tastes.strength[user] == 0.0
        assert match[keen].mean() > 0.6
        assert abs(match[cold].mean()) < 0.25

    def test_a_few_tracks_have_most_plays(self, plays):
        counts = np.sort(plays.track.value_counts())[::-1]
        assert counts[: len(counts) // 10].sum() > 0.2 * counts.sum()

    def test_users_return_to_tracks(self, plays):
        assert plays.duplicated(["user", "track"]).mean() > 0.3

    def test_nobody_plays_a_track_before_its_release(self, tracks, listens):
        released = listens.track_id.map(tracks.set_index("track_id").released_at)
        assert (released > "2024-01-01").any()
        assert (listens.listened_at.str[:10] >= released).all()

    def test_cold_tracks_have_no_event(self, tracks, tastes, listens):
        assert not set(listens.track_id) & set(tracks.track_id[tastes.unplayed])
        assert listens.track_id.nunique() == (~tastes.unplayed).sum()

    def test_skips_are_short_and_likes_are_liked(self, tastes, tracks, listens, plays):
        length = plays.groupby("event").played_ms.max()
        assert length["skip"] <= 36_000 < plays[plays.event == "listen"].played_ms.min()
        assert length["listen"] <= 180_000
        liking = pd.Series(
            enjoyment(tastes, plays.user.to_numpy(), plays.track.to_numpy()), index=plays.index
        )
        assert liking[plays.event == "listen"].mean() > liking[plays.event == "skip"].mean() + 0.3
        said = listens[listens.event.isin(["like", "dislike", "hide"])]
        assert said.played_ms.isna().all()
        row = dict(zip(tracks.track_id, range(len(tracks)), strict=True))
        user = said.user_id.str[-4:].astype(int).to_numpy() - 1
        pleased = enjoyment(tastes, user, said.track_id.map(row).to_numpy())
        like = said.event.to_numpy() == "like"
        assert pleased[like].mean() > pleased[~like].mean() + 1.0

    def test_one_opinion_a_track_and_no_play_after_a_dislike(self, listens):
        said = listens[listens.event.isin(["like", "dislike", "hide"])]
        assert not said.duplicated(["user_id", "track_id"]).any()
        against = said[said.event != "like"].set_index(["user_id", "track_id"]).listened_at
        assert len(against) > 20
        pairs = pd.MultiIndex.from_frame(listens[["user_id", "track_id"]])
        until = against.reindex(pairs).to_numpy(dtype=object)
        later = [
            isinstance(t, str) and at > t for at, t in zip(listens.listened_at, until, strict=True)
        ]
        assert not any(later)

    def test_sessions_hold_several_tracks_of_one_style_without_overlap(self, tastes, plays):
        by_user = plays.sort_values(["user", "listened_at"], kind="stable")
        at = by_user.listened_at.str[:-1].to_numpy(dtype="datetime64[s]").astype(np.int64)
        user, played = by_user.user.to_numpy(), by_user.played_ms.to_numpy(dtype=float) / 1000
        gap = np.where(np.diff(user) == 0, np.diff(at), np.inf)
        near = gap < 600
        assert near.mean() > 0.6
        assert (gap[near] >= np.floor(played[:-1][near])).mean() > 0.97
        style = tastes.track_style[by_user.track.to_numpy()]
        assert (style[1:][near] == style[:-1][near]).mean() > 0.7


class TestAnyCatalogue:
    def test_a_real_catalogue_without_genres_or_some_artists(self):
        tracks = pd.DataFrame(
            {
                "track_id": [f"t{i}" for i in range(60)],
                "artist": [f"album {i // 6}" if i % 7 else None for i in range(60)],
                "genre": [None] * 60,
            }
        )
        listens = simulate_listens(tracks, users=20, rng=np.random.default_rng(0))
        assert listens.track_id.nunique() > 40

    @settings(max_examples=40, deadline=None)
    @given(st.data())
    def test_small_catalogues_of_any_kind_work(self, data):
        size = data.draw(st.integers(1, 12))
        column = st.lists(st.sampled_from(["x", "y", "", None]), min_size=size, max_size=size)
        dates = st.sampled_from(["2020-05-05", "2024-11-30", "2024-02", "", None])
        tracks = pd.DataFrame(
            {
                "track_id": [f"t{i}" for i in range(size)],
                "artist": data.draw(column),
                "genre": data.draw(column),
                "released_at": data.draw(st.lists(dates, min_size=size, max_size=size)),
            }
        )
        timbre = np.arange(2.0 * size).reshape(size, 2) if data.draw(st.booleans()) else None
        rng = np.random.default_rng(data.draw(st.integers(0, 99)))
        listens = simulate_listens(tracks, users=4, timbre=timbre, rng=rng, events=8)
        assert list(listens.columns) == COLUMNS
        assert set(listens.track_id) <= set(tracks.track_id)
        released = tracks.set_index("track_id").released_at.fillna("")
        # One by one: there may be no listen at all, and an empty column has no type to compare.
        for track, at in zip(listens.track_id, listens.listened_at, strict=True):
            assert at >= released[track]

    def test_a_catalogue_of_the_future_has_no_listens(self):
        tracks = pd.DataFrame({"track_id": ["a"], "released_at": ["2031-01-01"]})
        listens = simulate_listens(tracks, users=3, rng=np.random.default_rng(0))
        assert listens.empty
        assert list(listens.columns) == COLUMNS

    def test_dates_become_seconds_and_unknown_ones_are_long_ago(self):
        tracks = pd.DataFrame({"released_at": ["1970-01-02", None, ""]})
        seconds = released_seconds(tracks)
        assert seconds[0] == 86_400
        assert (seconds[1:] < -(10**15)).all()

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"timbre": np.zeros((3, 2))}, "`timbre` must be finite"),
            ({"timbre": np.full((2, 2), np.nan)}, "`timbre` must be finite"),
            ({"timbre": np.zeros(2)}, "`timbre` must be finite"),
            ({"events": 0.0}, "`events` must be above zero"),
            ({"duration_ms": 1.5}, "`duration_ms` must be a positive integer"),
            ({"users": 0}, "`tracks` and `users` must not be empty"),
            ({"tastes": by_hand()}, "`tastes` must be over 2 tracks"),
            ({"tracks": pd.DataFrame({"track_id": ["a"], "released_at": ["May"]})}, "ISO date"),
            ({"tracks": pd.DataFrame({"track_id": []})}, "must not be empty"),
        ],
    )
    def test_what_does_not_fit_is_named(self, changes, message):
        arguments = {"tracks": pd.DataFrame({"track_id": ["a", "b"]}), "users": 2, **changes}
        tracks = arguments.pop("tracks")
        with pytest.raises(ParameterError, match=message):
            simulate_listens(tracks, rng=np.random.default_rng(0), **arguments)
