"""The rule that makes taste of events: against itself written out plainly, and by example."""

from __future__ import annotations

import uuid

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data.history import History
from data.interactions import EVENTS, LIKE_COUNT
from data.store import Event, Store
from data.vocabulary import Vocabulary
from tests.data.test_store_tracks import frame

TRACKS = Vocabulary(["z", "y", "x", "w"])


@pytest.fixture
def shop(store: Store) -> Store:
    store.put_tracks([frame(track_id=["w", "x", "y", "z", "other"])])
    return store


def say(store: Store, user: str, *said: tuple[str, str, int]) -> None:
    store.add_events([Event(None, user, track, event, at) for track, event, at in said])


def plain(history: History) -> dict[str, object]:
    """A history by the ids of its tracks: plays and last time of each; the hidden ones."""
    ids = TRACKS.ids(history.tracks)
    values = zip(history.counts.tolist(), history.last_at.tolist(), strict=True)
    return {"plays": dict(zip(ids, values, strict=True)), "hidden": set(TRACKS.ids(history.hidden))}


def both(store: Store, user: str) -> dict[str, object]:
    """What `history` says, having checked that `load_feedback` says the same."""
    one = plain(store.history(user, TRACKS))
    feedback = store.load_feedback(TRACKS)
    assert plain(feedback.history(feedback.plays.users.index(user))) == one
    return one


def test_plays_add_up_and_a_like_is_several_plays(shop):
    say(shop, "ann", ("x", "listen", 10), ("x", "like", 5), ("y", "like", 7), ("x", "listen", 8))
    assert LIKE_COUNT == 3.0
    assert both(shop, "ann") == {"plays": {"x": (5.0, 10), "y": (3.0, 7)}, "hidden": set()}


def test_skips_and_tracks_outside_the_vocabulary_count_for_nothing(shop):
    say(shop, "ann", ("x", "skip", 1), ("other", "like", 2), ("other", "hide", 3))
    assert both(shop, "ann") == {"plays": {}, "hidden": set()}
    assert shop.user_known("ann")


def test_dislikes_and_hides_are_hidden_and_leave_plays_alone(shop):
    say(shop, "ann", ("x", "listen", 1), ("x", "dislike", 2), ("y", "hide", 3))
    assert both(shop, "ann") == {"plays": {"x": (1.0, 1)}, "hidden": {"x", "y"}}


def test_the_last_verdict_wins_by_time_then_by_arrival(shop):
    say(shop, "ann", ("x", "dislike", 5), ("x", "like", 6))
    say(shop, "bob", ("x", "like", 6), ("x", "dislike", 5))
    say(shop, "cyd", ("x", "like", 5), ("x", "hide", 5))
    say(shop, "dan", ("x", "hide", 5), ("x", "like", 5))
    say(shop, "eve", ("x", "hide", 5), ("x", "like", 6), ("x", "listen", 7), ("x", "skip", 8))
    hidden = {user: both(shop, user)["hidden"] for user in ("ann", "bob", "cyd", "dan", "eve")}
    assert hidden == {"ann": set(), "bob": set(), "cyd": {"x"}, "dan": set(), "eve": set()}


def test_unknown_times_come_before_known_ones(shop):
    said = frame(user_id="ann", track_id="x", event=["like", "dislike"], at=[3, -1])
    shop.put_listens([said])
    assert both(shop, "ann") == {"plays": {"x": (3.0, 3)}, "hidden": set()}


def test_totals_count_as_so_many_plays_of_unknown_time(shop):
    said = frame(user_id="ann", track_id=["x", "y"], event=["listen", "like"], count=[7.5, 2.0])
    shop.put_listens([said])
    assert both(shop, "ann") == {"plays": {"x": (7.5, -1), "y": (6.0, -1)}, "hidden": set()}


def test_nobody_has_no_history(shop):
    history = shop.history("nobody", TRACKS)
    assert history.empty
    assert history.hidden.size == 0


def test_the_types_are_those_of_the_contract(shop):
    say(shop, "ann", ("x", "listen", 1), ("y", "hide", 3))
    history = shop.history("ann", TRACKS)
    kinds = [
        history.tracks.dtype,
        history.counts.dtype,
        history.last_at.dtype,
        history.hidden.dtype,
    ]
    assert kinds == [np.int32, np.float32, np.int64, np.int32]


def test_feedback_of_nobody(store):
    feedback = store.load_feedback(Vocabulary([]))
    assert (len(feedback.plays), len(feedback.hidden), len(feedback.plays.users)) == (0, 0, 0)


def test_all_users_are_in_the_feedback_sorted(shop):
    say(shop, "é", ("x", "skip", 1))
    say(shop, "Z", ("other", "like", 1))
    say(shop, "a", ("x", "like", 1))
    feedback = shop.load_feedback(TRACKS)
    assert list(feedback.plays.users) == list(feedback.hidden.users) == ["Z", "a", "é"]
    assert feedback.plays.tracks == feedback.hidden.tracks == TRACKS


def test_feedback_of_many_chunks(store, monkeypatch):
    monkeypatch.setattr("data.store.reading.CHUNK", 700)
    size = 5_003
    n = np.arange(size)
    said = pd.DataFrame(
        {
            "user_id": [f"u{i % 500}" for i in n],
            "track_id": [f"t{i % 301}" for i in n],
            "count": n + 1.0,
            "event": np.where(n % 10 == 0, "hide", "listen"),
            "at": n,
        }
    )
    assert store.put_listens([said]).new == size
    vocabulary = Vocabulary([f"t{i}" for i in range(300)])  # one is outside
    feedback = store.load_feedback(vocabulary)
    listens = said[(said.event == "listen") & (said.track_id != "t300")]
    plays = feedback.plays
    assert len(plays) == len(listens)
    back = pd.DataFrame(
        {
            "user_id": plays.users.ids(plays.user),
            "track_id": vocabulary.ids(plays.track),
            "count": plays.count.astype(float),
            "at": plays.at,
        }
    )
    expected = listens.drop(columns="event").sort_values("at").reset_index(drop=True)
    found = back.sort_values("at").reset_index(drop=True)
    pd.testing.assert_frame_equal(found, expected, check_dtype=False)
    hides = said[(said.event == "hide") & (said.track_id != "t300")]
    assert len(feedback.hidden) == len(hides.drop_duplicates(["user_id", "track_id"]))


SAID = st.lists(
    st.tuples(
        st.sampled_from(["w", "x", "other"]),
        st.sampled_from(EVENTS),
        st.integers(0, 3),
        st.sampled_from([1.0, 2.0, 0.25]),
    ),
    min_size=1,
    max_size=12,
)


def _rule(said: list[tuple[str, str, int, float]]) -> dict[str, object]:
    """The documented rule, one event at a time."""
    plays: dict[str, tuple[float, int]] = {}
    verdicts: dict[str, tuple[int, int, str]] = {}
    for seq, (track, event, at, count) in enumerate(said):
        if track not in TRACKS or event == "skip":
            continue
        if event in ("listen", "like"):
            total, last = plays.get(track, (0.0, -1))
            weight = LIKE_COUNT if event == "like" else 1.0
            plays[track] = (total + weight * count, max(last, at))
        if event != "listen":
            verdicts[track] = max(verdicts.get(track, (-1, -1, "")), (at, seq, event))
    hidden = {track for track, (_, _, event) in verdicts.items() if event != "like"}
    return {"plays": plays, "hidden": hidden}


@settings(
    max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(SAID)
def test_the_rule(shop, said):
    user = uuid.uuid4().hex
    shop.add_events([Event(None, user, t, event, at, count=c) for t, event, at, c in said])
    assert both(shop, user) == _rule(said)


def test_rows_of_a_file_without_times_come_in_the_order_of_the_file(store):
    tracks = Vocabulary([f"t{n}" for n in range(40)])
    ids = [track for track in tracks for _ in range(2)]
    rows = frame(user_id="ann", track_id=ids, event=["like", "hide"] * 20 + ["hide", "like"] * 20)
    store.put_listens([rows])
    assert store.history("ann", tracks).hidden.tolist() == list(range(20))


def test_a_history_as_it_was(shop):
    say(shop, "ann", ("x", "listen", 100), ("y", "hide", 200), ("x", "listen", 300))
    shop.put_listens([frame(user_id=["ann"], track_id=["z"])])  # nobody knows when
    ids = [sorted(plain(shop.history("ann", TRACKS, before=at))["plays"]) for at in (100, 101)]
    assert ids == [["z"], ["x", "z"]]
    assert plain(shop.history("ann", TRACKS, before=200))["hidden"] == set()
    assert plain(shop.history("ann", TRACKS, before=201))["hidden"] == {"y"}
    assert plain(shop.history("ann", TRACKS, before=301)) == plain(shop.history("ann", TRACKS))
    assert shop.history("", TRACKS, before=1).empty
