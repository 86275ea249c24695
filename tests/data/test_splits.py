import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.errors import DataError, ParameterError
from data.interactions import Interactions
from data.splits import (
    cold_artist_split,
    new_user_split,
    random_split,
    temporal_split,
)
from data.vocabulary import Vocabulary


def log(rows, *, users=4, tracks=5):
    """Make interactions of (user, track, count, at)."""
    user, track, count, at = np.array(rows, dtype=np.float64).reshape(-1, 4).T
    return Interactions(
        Vocabulary([f"u{i}" for i in range(users)]),
        Vocabulary([f"t{i}" for i in range(tracks)]),
        user.astype(np.int32),
        track.astype(np.int32),
        count.astype(np.float32),
        at.astype(np.int64),
    )


def rows_of(*parts):
    """Return all rows of some parts, sorted."""
    columns = [
        np.concatenate([getattr(part, name) for part in parts])
        for name in ("user", "track", "count", "at")
    ]
    return sorted(zip(*(column.tolist() for column in columns), strict=True))


def pairs_of(part):
    return set(zip(part.user.tolist(), part.track.tolist(), strict=True))


def rng(seed=0):
    return np.random.default_rng(seed)


timed = st.integers(0, 20)
untimed = st.just(-1)


def logs(times):
    row = st.tuples(st.integers(0, 3), st.integers(0, 4), st.integers(1, 3), times)
    return st.lists(row, min_size=1, max_size=40).map(log)


fractions = st.floats(0.05, 0.95)
seeds = st.integers(0, 5)


def attempt(split, *args, **kwargs):
    """Split, or return None where the log is too small for it."""
    try:
        return split(*args, **kwargs)
    except DataError:
        return None


class TestTemporal:
    def test_by_hand(self):
        rows = [(0, 0, 1, 10), (0, 1, 1, 20), (1, 0, 1, 30), (1, 2, 1, 40), (0, 0, 1, 50)]
        split = temporal_split(log(rows), test_fraction=0.4)  # the cut is at 40
        assert rows_of(split.train) == sorted(rows[:3])
        assert rows_of(split.test) == [(1, 2, 1, 40)]  # (0, 0) was played before

    def test_rows_of_one_moment_stay_together(self):
        rows = [(0, 0, 1, 1), (0, 1, 1, 2), (0, 2, 1, 2), (0, 3, 1, 2)]
        split = temporal_split(log(rows), test_fraction=0.25)
        assert pairs_of(split.train) == {(0, 0)}
        assert pairs_of(split.test) == {(0, 1), (0, 2), (0, 3)}

    def test_something_lies_before_the_cut(self):
        rows = [(0, 0, 1, 1), (0, 1, 1, 1), (0, 2, 1, 1), (0, 3, 1, 2)]
        split = temporal_split(log(rows), test_fraction=0.5)  # the quantile is the first moment
        assert pairs_of(split.test) == {(0, 3)}

    @pytest.mark.parametrize("at", [[1, 2, -1], [-1, -1, -1]])
    def test_it_needs_times(self, at):
        rows = [(0, track, 1, moment) for track, moment in enumerate(at)]
        with pytest.raises(DataError, match="needs the time of every play"):
            temporal_split(log(rows))

    def test_one_moment_is_no_split(self):
        with pytest.raises(DataError, match="nothing to train on of 2 rows"):
            temporal_split(log([(0, 0, 1, 5), (0, 1, 1, 5)]))

    def test_only_repeats_are_nothing_to_test(self):
        with pytest.raises(DataError, match="nothing to test of 2 rows"):
            temporal_split(log([(0, 0, 1, 5), (0, 0, 1, 6)]), test_fraction=0.5)

    @settings(deadline=None)
    @given(logs(timed), fractions)
    def test_time_parts_the_rows_and_pairs_never_leak(self, whole, fraction):
        split = attempt(temporal_split, whole, test_fraction=fraction)
        if split is None:
            return
        assert split.train.at.max() < split.test.at.min()
        assert not pairs_of(split.train) & pairs_of(split.test)
        seen = pairs_of(split.train)
        cut = split.train.at.max()
        dropped = [r for r in rows_of(whole) if r[3] > cut and r[:2] in seen]
        assert sorted(rows_of(split.train, split.test) + dropped) == rows_of(whole)


class TestRandom:
    @settings(max_examples=100, deadline=None)
    @given(logs(untimed), fractions, seeds)
    def test_partition(self, whole, fraction, seed):
        split = attempt(random_split, whole, test_fraction=fraction, rng=rng(seed))
        if split is None:
            return
        assert rows_of(split.train, split.test) == rows_of(whole)
        assert not pairs_of(split.train) & pairs_of(split.test)
        # Whoever played something keeps something in train.
        assert set(split.train.user.tolist()) == set(whole.user.tolist())
        for user in range(4):
            size = len({track for u, track in pairs_of(whole) if u == user})
            held = len({track for u, track in pairs_of(split.test) if u == user})
            assert np.floor(size * fraction) - 1 <= held <= np.ceil(size * fraction)

    def test_the_share_is_right_on_average(self):
        rows = [(user, track, 1, -1) for user in range(500) for track in range(3)]
        split = random_split(log(rows, users=500), test_fraction=0.2, rng=rng())
        # 0.6 of 3 tracks: 0 or 1 a user, binomial with mean 300 and deviation 11.
        assert 250 < len(split.test) < 350
        assert set(np.unique(split.test.user, return_counts=True)[1]) == {1}

    def test_the_seed_decides(self):
        whole = log([(user, track, 1, -1) for user in range(4) for track in range(5)])
        first, again, other = (random_split(whole, rng=rng(seed)) for seed in (1, 1, 2))
        assert rows_of(first.test) == rows_of(again.test)
        assert rows_of(first.test) != rows_of(other.test)

    def test_a_single_pair_cannot_be_split(self):
        with pytest.raises(DataError, match="nothing to test of 2 rows"):
            random_split(log([(0, 0, 1, 1), (0, 0, 2, 3)]), test_fraction=0.9, rng=rng())

    def test_a_validation_part_comes_from_train(self):
        whole = log([(user, track, 1, -1) for user in range(4) for track in range(5)])
        split = random_split(whole, test_fraction=0.4, rng=rng())
        tuning = random_split(split.train, test_fraction=0.4, rng=rng())
        assert rows_of(tuning.train, tuning.test, split.test) == rows_of(whole)
        assert tuning.train.users is whole.users


class TestColdArtist:
    ARTISTS = np.array([0, 0, 1, -1, -1], np.int32)

    def test_whole_artists(self):
        whole = log([(0, track, 1, -1) for track in (0, 2, 3, 4)])  # track 1 was never played
        seen = set()
        for seed in range(30):
            split = cold_artist_split(whole, self.ARTISTS, test_fraction=0.25, rng=rng(seed))
            cold = tuple(np.flatnonzero(split.cold).tolist())
            assert set(split.test.track.tolist()) == set(cold) - {1}
            seen.add(cold)
        # One of four groups: an artist of two tracks, one of a single track, two loose tracks.
        assert seen == {(0, 1), (2,), (3,), (4,)}

    def test_splitting_again_holds_out_other_artists(self):
        whole = log([(user, track, 1, -1) for user in range(2) for track in range(5)])
        first = cold_artist_split(whole, self.ARTISTS, test_fraction=0.4, rng=rng(3))
        second = cold_artist_split(first.train, self.ARTISTS, test_fraction=0.4, rng=rng(3))
        assert second.cold.any()
        assert not (first.cold & second.cold).any()

    def test_one_code_a_track(self):
        with pytest.raises(DataError, match=r"5 tracks were given \(4,\) artists"):
            cold_artist_split(log([(0, 0, 1, 1)]), np.zeros(4, np.int32), rng=rng())

    def test_one_artist_is_too_few(self):
        whole = log([(0, 0, 1, 1), (0, 1, 1, 1)])
        with pytest.raises(DataError, match="plays of two artists"):
            cold_artist_split(whole, self.ARTISTS, rng=rng())

    @settings(deadline=None)
    @given(logs(timed), fractions, seeds)
    def test_partition_by_track(self, whole, fraction, seed):
        split = attempt(
            cold_artist_split, whole, self.ARTISTS, test_fraction=fraction, rng=rng(seed)
        )
        if split is None:
            return
        assert rows_of(split.train, split.test) == rows_of(whole)
        assert split.cold[split.test.track].all()
        assert not split.cold[split.train.track].any()
        assert split.cold[0] == split.cold[1]


class TestNewUser:
    def test_history_is_what_came_first(self):
        rows = [(0, 3, 1, 5), (0, 1, 1, 7), (0, 2, 1, 6), (0, 0, 1, 8), (0, 3, 1, 99)]
        rows += [(1, 0, 1, 1)]  # a user of one track is never held out
        split = new_user_split(log(rows), test_fraction=0.9, rng=rng())
        assert pairs_of(split.history) == {(0, 3), (0, 2)}
        assert pairs_of(split.test) == {(0, 1), (0, 0)}
        assert rows_of(split.train) == [(1, 0, 1, 1)]
        assert len(split.history) == 3  # the replay of track 3 is on its side

    def test_ties_are_broken_by_chance(self):
        rows = [(u, track, 1, 5) for u in (0, 1) for track in range(4)]
        shown = {
            frozenset(new_user_split(log(rows), rng=rng(seed)).history.track.tolist())
            for seed in range(20)
        }
        assert len(shown) > 2

    def test_nobody_has_two_tracks(self):
        with pytest.raises(DataError, match="two tracks or more"):
            new_user_split(log([(0, 0, 1, 1), (0, 0, 1, 2), (1, 0, 1, 1)]), rng=rng())

    def test_nobody_is_left_to_train_on(self):
        with pytest.raises(DataError, match="nothing to train on"):
            new_user_split(log([(0, 0, 1, 1), (0, 1, 1, 2)]), rng=rng())

    @settings(max_examples=100, deadline=None)
    @given(st.one_of(logs(timed), logs(untimed)), fractions, fractions, seeds)
    def test_partition_by_user(self, whole, fraction, shown, seed):
        split = attempt(
            new_user_split,
            whole,
            test_fraction=fraction,
            history_fraction=shown,
            rng=rng(seed),
        )
        if split is None:
            return
        assert rows_of(split.train, split.history, split.test) == rows_of(whole)
        new = set(split.test.user.tolist())
        assert set(split.history.user.tolist()) == new
        assert not set(split.train.user.tolist()) & new
        assert not pairs_of(split.history) & pairs_of(split.test)
        if whole.has_times:
            first = {}
            for user, track, _, at in rows_of(whole):
                first[user, track] = min(at, first.get((user, track), at))
            for user in new:
                last_shown = max(first[p] for p in pairs_of(split.history) if p[0] == user)
                assert last_shown <= min(first[p] for p in pairs_of(split.test) if p[0] == user)


@pytest.mark.parametrize("fraction", [0, 1, -0.1, 1.5, float("nan")])
def test_fractions_are_between_zero_and_one(fraction):
    whole = log([(0, 0, 1, 1), (0, 1, 1, 2)])
    with pytest.raises(ParameterError, match=r"`test_fraction` must be between 0 and 1\. Received"):
        temporal_split(whole, test_fraction=fraction)
    with pytest.raises(ParameterError, match="`test_fraction`"):
        random_split(whole, test_fraction=fraction, rng=rng())
    with pytest.raises(ParameterError, match="`test_fraction`"):
        cold_artist_split(whole, np.zeros(5, np.int32), test_fraction=fraction, rng=rng())
    with pytest.raises(ParameterError, match="`history_fraction`"):
        new_user_split(whole, history_fraction=fraction, rng=rng())
