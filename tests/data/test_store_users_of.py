"""Which users did something with a track."""

from __future__ import annotations

from data.store import Event, Store
from tests.data.test_store_tracks import frame


def test_users_of_tracks_by_what_they_did(store: Store) -> None:
    store.put_tracks([frame(track_id=["x", "y", "z"])])
    did = [
        ("cid", "x", "listen"),
        ("ann", "x", "listen"),
        ("ann", "x", "listen"),
        ("bob", "x", "hide"),
        ("dan", "y", "like"),
        ("ann", "y", "skip"),
        ("éve", "z", "listen"),
    ]
    store.add_events([Event(None, user, track, kind) for user, track, kind in did])
    assert store.users_of(["x"], ["listen"]) == ["ann", "cid"]
    assert store.users_of(["x", "y"], ["listen", "like"]) == ["ann", "cid", "dan"]
    assert store.users_of(["x"], ["hide", "dislike"]) == ["bob"]
    assert store.users_of(["z"], ["listen"]) == ["éve"]
    assert store.users_of(["y"], ["listen"]) == []
    assert store.users_of(["nope"], ["listen"]) == []
    assert store.users_of([], ["listen"]) == store.users_of(["x"], []) == []


def test_the_forgotten_are_not_named(store: Store) -> None:
    store.put_tracks([frame(track_id=["x"])])
    store.add_events([Event(None, user, "x", "listen") for user in ("ann", "bob")])
    store.forget_user("ann")
    assert store.users_of(["x"], ["listen"]) == ["bob"]
