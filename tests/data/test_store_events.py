"""Events one at a time, users, versions, erasure."""

from __future__ import annotations

import time
from pathlib import Path

import pandas as pd
import pytest

from data.errors import ParameterError, UnknownTrack
from data.store import AddedEvents, Event, Store
from data.store.users import _behind
from data.vocabulary import Vocabulary
from tests.data.test_store_tracks import STRANGE, frame


@pytest.fixture
def shop(store: Store) -> Store:
    store.put_tracks([frame(track_id=["x", "y", "z", *STRANGE])])
    return store


def exported(store: Store) -> pd.DataFrame:
    return pd.concat(store.export_listens())


def test_an_event_is_kept_as_it_is(shop):
    event = Event(
        "e1", "ann", "x", "listen", listened_at=1_700_000_000, played_ms=30_000, count=2.5
    )
    assert shop.add_events([event]) == AddedEvents(accepted=1, duplicates=0)
    row = ["ann", "x", 2.5, 1_700_000_000, "listen", 30_000, "e1"]
    assert exported(shop).values.tolist() == [row]


def test_an_event_without_time_happened_when_it_came(shop):
    before = int(time.time())
    shop.add_events([Event("e1", "ann", "x", "like")])
    assert before <= exported(shop).listened_at[0] <= time.time()
    assert exported(shop).played_ms.isna().all()


def test_events_without_id_are_all_different(shop):
    assert shop.add_events([Event(None, "ann", "x", "like", 5)] * 2).accepted == 2
    assert shop.add_events([Event(None, "ann", "x", "like", 5)]).accepted == 1
    assert exported(shop).event_id.nunique() == 3


def test_a_repeated_delivery_is_stored_once(shop):
    batch = [Event("e1", "ann", "x", "like"), Event("e2", "bob", "y", "listen")]
    assert shop.add_events(batch) == AddedEvents(2, 0)
    assert shop.add_events([*batch, Event("e3", "bob", "z", "listen")]) == AddedEvents(1, 2)
    assert shop.add_events([Event("e4", "ann", "x", "like")] * 3) == AddedEvents(1, 2)
    assert shop.add_events([Event("e4", "eve", "z", "hide")]) == AddedEvents(0, 1)
    assert not shop.user_known("eve")
    assert shop.counts() == {"tracks": 3 + len(STRANGE), "users": 2, "events": 4, "embeddings": 0}


def test_nothing_is_no_event(shop):
    assert shop.add_events([]) == AddedEvents(0, 0)


def test_an_unknown_track_is_named_and_nothing_is_stored(shop):
    batch = [Event("e1", "ann", "x", "like"), Event("e2", "bob", "nö", "like")]
    with pytest.raises(UnknownTrack, match="'nö'"):
        shop.add_events(batch)
    assert shop.counts()["events"] == shop.counts()["users"] == 0
    assert shop.user_version("ann") == "0"


@pytest.mark.parametrize(
    "values",
    [
        {"user_id": ""},
        {"user_id": "x" * 257},
        {"track_id": "a\0"},
        {"track_id": 7},
        {"event_id": ""},
        {"event_id": "segue:sum:1"},
        {"event": "love"},
        {"count": 0.0},
        {"count": -1.0},
        {"count": float("nan")},
        {"count": float("inf")},
        {"listened_at": -1},
        {"listened_at": 1_700_000_000_000},
        {"listened_at": 1.5},
        {"listened_at": True},
        {"played_ms": -1},
        {"played_ms": 1 << 53},
    ],
    ids=str,
)
def test_a_bad_event_cannot_be_made(values):
    good = {"event_id": "e", "user_id": "ann", "track_id": "x", "event": "like"}
    Event(**good)
    (name,) = values
    with pytest.raises(ParameterError, match=f"`{name}`"):
        Event(**(good | values))


def test_strange_ids_are_kept(shop):
    batch = [Event(name, name, name, "listen") for name in STRANGE]
    assert shop.add_events(batch).accepted == len(STRANGE)
    assert shop.add_events(batch).duplicates == len(STRANGE)
    for name in STRANGE:
        assert shop.history(name, Vocabulary([name])).counts.tolist() == [1.0]


def test_large_batches_are_stored_whole(shop):
    batch = [Event(str(n), f"user {n % 7}", "x", "listen") for n in range(12_000)]
    assert shop.add_events(batch[:6_000]) == AddedEvents(6_000, 0)
    assert shop.add_events(batch) == AddedEvents(6_000, 6_000)


def test_a_version_changes_with_every_change_and_never_returns(shop):
    seen = [shop.user_version("ann")]
    assert seen == ["0"]
    shop.add_events([Event("e1", "ann", "x", "like")])
    seen.append(shop.user_version("ann"))
    assert shop.add_events([Event("e1", "ann", "x", "like")]).accepted == 0
    assert shop.user_version("ann") == seen[-1]  # nothing new, nothing to forget
    shop.add_events([Event("e2", "bob", "x", "like")])
    assert shop.user_version("ann") == seen[-1]
    for _ in range(3):
        shop.add_events([Event(None, "ann", "x", "like"), Event(None, "bob", "x", "like")])
        seen.append(shop.user_version("ann"))
    shop.forget_user("ann")
    assert shop.user_version("ann") == "0"
    shop.add_events([Event("e1", "ann", "x", "like")])
    seen.append(shop.user_version("ann"))
    assert len(set(seen)) == len(seen) == 6


def test_other_stores_see_a_new_version_at_once(shop, database_url):
    with Store.open(database_url) as other:
        for _ in range(5):
            shop.add_events([Event(None, "ann", "x", "like")])
            assert other.user_version("ann") == shop.user_version("ann")


def test_no_id_no_user(shop):
    for name in ("", "a\0", "\ud800", "x" * 257):
        assert shop.user_version(name) == "0"
        assert not shop.user_known(name)
        assert shop.forget_user(name) == 0
        assert shop.history(name, Vocabulary(["x"])).empty


def test_an_erasure_leaves_nothing_of_the_user_and_all_of_the_others(shop, database_url):
    shop.put_listens([frame(user_id=["ann", "bob", "ann"], track_id=["x", "x", "y"])])
    shop.add_events([Event("e1", "ann", "z", "like"), Event("e2", "bob", "z", "like")])
    assert shop.forget_user("ann") == 3
    assert shop.forget_user("ann") == 0
    assert not shop.user_known("ann")
    assert shop.users_page(None, 10) == ["bob"]
    assert exported(shop).user_id.unique().tolist() == ["bob"]
    assert shop.add_events([Event("e1", "ann", "z", "like")]).accepted == 1


def test_what_is_erased_is_overwritten_on_disk(sqlite_url):
    path = Path(sqlite_url.removeprefix("sqlite:///"))
    with Store.open(sqlite_url) as store:
        store.put_listens([frame(user_id=["a very rare name", "bob"], track_id="x", at=1)])
        with store._database.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").all()
        assert b"a very rare name" in path.read_bytes()
        store.forget_user("a very rare name")
    assert b"a very rare name" not in path.read_bytes()


def test_users_are_paged_by_prefix(shop):
    names = ["a", "ab", "aB", "abc", "b", "b%", "b_c", "bb", "é", "\U0010ffff", "\U0010ffffa"]
    shop.add_events([Event(None, name, "x", "listen") for name in names])
    assert shop.users_page(None, 100) == sorted(names)
    for prefix in ("a", "ab", "A", "b%", "b_", "é", "\U0010ffff", "\ud7ff", "zz", "\0", "\ud800"):
        expected = sorted(name for name in names if name.startswith(prefix))
        assert shop.users_page(prefix, 100) == expected, prefix
    assert shop.users_page("a", 2) == ["a", "aB"]
    assert shop.users_page("a", 2, after="aB") == ["ab", "abc"]
    assert shop.users_page("", 1) == ["a"]


@pytest.mark.parametrize(
    ("prefix", "behind"),
    [
        ("a", "b"),
        ("az", "a{"),
        ("a\U0010ffff", "b"),
        ("\U0010ffff", None),
        ("\ud7ff", "\ue000"),  # surrogates lie between, and are no text
    ],
)
def test_the_end_of_a_prefix(prefix, behind):
    assert _behind(prefix) == behind
