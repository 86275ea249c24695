from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from data import Catalog, Interactions, Vocabulary
from engine.ranking.holdout import PARTS, Holdout, Kind, deal, make_holdout, tail_tracks

KINDS: tuple[Kind, ...] = ("warm", "new", "tail", "cold")
TRACKS, USERS = 50, 45

Pairs = set[tuple[int, int]]


def random_log(seed: int, *, timed: bool, rows: int = 500) -> tuple[Interactions, Catalog]:
    """Make plays of random users and tracks, pairs repeated; every fourth artist is unknown."""
    rng = np.random.default_rng(seed)
    ids = [f"t{i:02}" for i in range(TRACKS)]
    artists = [None if i % 4 == 0 else f"artist {i % 13}" for i in range(TRACKS)]
    catalog = Catalog.from_frame(pd.DataFrame({"track_id": ids, "artist": artists}))
    at = rng.integers(0, 1000, rows) if timed else np.full(rows, -1)
    plays = Interactions(
        Vocabulary([f"u{i:02}" for i in range(USERS)]),
        catalog.tracks,
        rng.integers(0, USERS, rows).astype(np.int32),
        (TRACKS * rng.random(rows) ** 2).astype(np.int32),
        np.ones(rows, np.float32),
        at.astype(np.int64),
    )
    return plays, catalog


def pairs_of(part: Interactions) -> Pairs:
    return set(zip(part.user.tolist(), part.track.tolist(), strict=True))


def rows_of(*parts: Interactions) -> list[tuple[float, ...]]:
    names = ("user", "track", "count", "at")
    columns = (np.concatenate([getattr(part, name) for part in parts]).tolist() for name in names)
    return sorted(zip(*columns, strict=True))


@st.composite
def holdouts(draw: st.DrawFn) -> tuple[Interactions, Catalog, Holdout]:
    seed, timed = draw(st.integers(0, 10_000)), draw(st.booleans())
    plays, catalog = random_log(seed, timed=timed, rows=draw(st.integers(120, 600)))
    rng = np.random.default_rng(seed)
    holdout = make_holdout(
        plays,
        catalog,
        held_out=draw(st.floats(0.1, 0.6)),
        parts=deal(list(plays.users)),
        rng=rng,
    )
    return plays, catalog, holdout


few = settings(deadline=None, max_examples=25)


@few
@given(holdouts())
def test_nothing_that_is_asked_for_is_known(made: tuple[Interactions, Catalog, Holdout]) -> None:
    plays, _, found = made
    train, shown, later, back = map(
        pairs_of, (found.train, found.shown, found.later, found.held_back)
    )
    assert train <= shown
    assert not shown & later
    assert not shown & back
    assert not later & back
    assert shown | later | back == pairs_of(plays)


@few
@given(holdouts())
def test_every_play_is_in_one_part(made: tuple[Interactions, Catalog, Holdout]) -> None:
    plays, _, found = made
    kept = rows_of(found.shown, found.later, found.held_back)
    every = rows_of(plays)
    if plays.has_times:  # to play again what was played earlier is nothing to foretell
        assert set(kept) <= set(every)
    else:
        assert kept == every


@few
@given(holdouts())
def test_models_never_see_new_users_or_cold_artists(
    made: tuple[Interactions, Catalog, Holdout],
) -> None:
    _, catalog, found = made
    assert not found.new[found.train.user].any()
    cold = found.cold >= 0
    assert not cold[found.train.track].any()
    assert not cold[found.shown.track].any()
    assert cold[found.held_back.track].all()
    for artist in set(catalog.artists[catalog.artists >= 0].tolist()):
        assert len(set(found.cold[catalog.artists == artist].tolist())) == 1


@few
@given(holdouts())
def test_later_is_later(made: tuple[Interactions, Catalog, Holdout]) -> None:
    plays, _, found = made
    if plays.has_times:
        of_known = found.later.at[~found.new[found.later.user]]
        assert of_known.min(initial=1000) >= found.train.at.max()


@few
@given(holdouts())
def test_questions_are_fair(made: tuple[Interactions, Catalog, Holdout]) -> None:
    _, _, found = made
    shown, later, back = map(pairs_of, (found.shown, found.later, found.held_back))
    for part in range(len(PARTS)):
        users = found.askable(part)
        assert (found.users[users] == part).all()
        for kind in KINDS:
            for asked in found.questions(users, kind, part=part):
                user, eligible = asked.user, set(np.flatnonzero(asked.eligible).tolist())
                targets = asked.targets.tolist()
                assert asked.kind == kind
                assert found.new[user] == (kind == "new")
                history = set(asked.history.tracks.tolist())
                assert history == {track for u, track in shown if u == user}
                assert not history & eligible
                assert targets
                assert targets == sorted(set(targets))
                wanted = {track for u, track in later if u == user}
                hidden = {track for u, track in back if u == user}
                if kind == "cold":
                    assert eligible == set(np.flatnonzero(found.cold == part).tolist())
                    assert set(targets) == (wanted | hidden) & eligible
                else:
                    assert not hidden & eligible
                    assert set(targets) == wanted & eligible
                    others = (found.cold >= 0) & (found.cold != part)
                    assert not asked.eligible[others].any()
                if kind == "tail":
                    assert found.tail[list(eligible)].all()


@few
@given(holdouts())
def test_parts_have_users_and_cold_artists_of_their_own(
    made: tuple[Interactions, Catalog, Holdout],
) -> None:
    _, _, found = made
    users = [set(found.askable(part).tolist()) for part in range(len(PARTS))]
    assert sum(map(len, users)) == len(set().union(*users))
    asked = [
        {
            track
            for question in found.questions(found.askable(part), "cold", part=part)
            for track in question.targets.tolist()
        }
        for part in range(len(PARTS))
    ]
    assert sum(map(len, asked)) == len(set().union(*asked))


def test_some_users_and_some_artists_are_held_out_whole() -> None:
    plays, catalog = random_log(1, timed=False)
    parts = deal(list(plays.users))
    found = make_holdout(plays, catalog, held_out=0.2, parts=parts, rng=np.random.default_rng(7))
    assert found.new.sum() in (4, 5)  # a tenth of 45
    assert len(found.held_back) > 0
    for kind in KINDS:
        every = (found.questions(found.askable(part), kind, part=part) for part in range(3))
        assert sum(1 for questions in every for _ in questions) > 0, kind


def test_the_same_state_gives_the_same_holdout() -> None:
    plays, catalog = random_log(1, timed=False)
    parts = deal(list(plays.users))
    one, other = (
        make_holdout(plays, catalog, held_out=0.2, parts=parts, rng=np.random.default_rng(7))
        for _ in range(2)
    )
    assert rows_of(one.train) == rows_of(other.train)
    assert (one.cold == other.cold).all()
    assert (one.new == other.new).all()


def test_of_a_few_tracks_and_users_none_is_held_out_whole() -> None:
    user, track = np.divmod(np.arange(100, dtype=np.int32), 10)
    plays = Interactions(
        Vocabulary([f"u{i}" for i in range(10)]),
        Vocabulary([f"t{i}" for i in range(10)]),
        user,
        track,
        np.ones(100, np.float32),
        np.full(100, -1),
    )
    catalog = Catalog.from_frame(pd.DataFrame({"track_id": list(plays.tracks)}))
    parts = deal(list(plays.users))
    found = make_holdout(plays, catalog, held_out=0.2, parts=parts, rng=np.random.default_rng(0))
    assert not found.new.any()
    assert (found.cold == -1).all()
    assert len(found.held_back) == 0
    assert len(found.later) == 20


def test_the_tail_has_a_third_of_all_listeners() -> None:
    # Twelve listeners: the fourth of them, one of track 3, is where the first third ends.
    listeners = np.array([0, 1, 1, 4, 6], np.float32)
    assert tail_tracks(listeners).tolist() == [False, True, True, True, False]
    assert tail_tracks(np.array([3, 3, 3], np.float32)).tolist() == [True] * 3
    assert tail_tracks(np.zeros(3, np.float32)).tolist() == [False] * 3
