"""What was shown to whom: written once, read back, pruned, and erased with the user."""

from __future__ import annotations

import sqlite3
import threading
from dataclasses import replace

import pandas as pd
import pytest
import sqlalchemy as sa

from data.errors import ParameterError
from data.store import Event, Impression, Recommendation, ShownItem, Store
from data.store import impression_rows as rows_module
from data.store.shown import REPEATED_WITHIN_S
from tests.data.test_store_tracks import STRANGE, frame

T0 = 1_000 * REPEATED_WITHIN_S
ANSWER = Recommendation(
    "b1",
    '{"n":2}',
    (ShownItem("t1", 0.5), ShownItem("t2", -0.25, propensity=0.125, explored=True)),
    experiment="exp",
    variant="a",
)


def shown(
    recommendation_id: str = "r1", user_id: str | None = "ann", at: int = T0, **more: object
) -> Impression:
    return Impression(recommendation_id, user_id, at, recommendation=ANSWER, **more)  # type: ignore[arg-type]


def rows(store: Store) -> dict[str, int]:
    names = ("recommendations", "recommendation_items", "impressions")
    with store._database.read() as connection:
        return {
            n: connection.execute(sa.text(f"SELECT count(*) FROM {n}")).scalar_one() for n in names
        }


NOTHING = {"recommendations": 0, "recommendation_items": 0, "impressions": 0}


def test_an_impression_is_read_back_slot_by_slot(store: Store) -> None:
    assert store.add_impressions([shown(placement="home")]) == 1
    slots = store.load_slots()
    assert slots.user_id.tolist() == ["ann", "ann"]
    assert slots.position.tolist() == [1, 2]
    assert slots.track_id.tolist() == ["t1", "t2"]
    assert slots.score.tolist() == [0.5, -0.25]
    assert slots.propensity.tolist() == [1.0, 0.125]
    assert slots.explored.tolist() == [False, True]
    assert slots.team.isna().all()
    assert set(slots.variant) == {"a"}
    assert set(slots.bundle) == {"b1"}
    assert set(slots.served_at) == {T0}
    assert store.load_queries(["r1", "nope"]) == {"r1": '{"n":2}'}


def test_what_is_not_known_stays_unknown(store: Store) -> None:
    items = (ShownItem("t1", 1.0, propensity=None, team="b"),)
    answer = Recommendation("b1", "{}", items)
    store.add_impressions([Impression("r1", "ann", T0, recommendation=answer)])
    slots = store.load_slots()
    assert slots.propensity.isna().all()
    assert slots.team.tolist() == ["b"]
    assert slots.variant.isna().all()


def test_the_same_answer_again_counts_once_in_each_span(store: Store) -> None:
    assert store.add_impressions([shown(), shown(at=T0 + REPEATED_WITHIN_S - 1)]) == 1
    assert store.add_impressions([shown()]) == 0
    # Served from a cache: the items are known already.
    again = replace(shown(at=T0 + REPEATED_WITHIN_S), recommendation=None)
    assert store.add_impressions([again, shown(placement="home")]) == 2
    assert rows(store) == {"recommendations": 1, "recommendation_items": 2, "impressions": 3}
    assert store.load_slots().position.tolist() == [1, 2, 1, 2, 1, 2]


def test_an_answer_whose_items_were_lost_has_no_slots(store: Store) -> None:
    assert store.add_impressions([replace(shown(), recommendation=None)]) == 1
    assert store.load_slots().empty
    assert store.impressions_of("ann")[0]["items"] == []


def test_slots_are_chosen_by_experiment_and_time(store: Store) -> None:
    other = replace(ANSWER, experiment=None, variant=None)
    store.add_impressions(
        [
            shown("r1"),
            shown("r2", "bob", T0 + 10),
            Impression("r3", "bob", T0 + 20, recommendation=other),
            shown("r4", None),
        ]
    )
    assert store.load_slots().recommendation_id.tolist() == ["r1", "r1", "r2", "r2", "r3", "r3"]
    assert set(store.load_slots(experiment="exp").recommendation_id) == {"r1", "r2"}
    assert set(store.load_slots(since=T0 + 10, until=T0 + 20).recommendation_id) == {"r2"}
    assert store.load_slots(experiment="none").empty
    counts = store.impression_counts().set_index("experiment")
    assert counts.loc["exp", ["impressions", "users", "first_at", "last_at"]].tolist() == [
        2, 2, T0, T0 + 10,
    ]  # fmt: skip
    assert counts.impressions.sum() == 3  # the anonymous one is nobody's


def test_what_followed_is_that_of_users_who_were_shown_something(store: Store) -> None:
    store.put_tracks([frame(track_id=["t1", "t2"])])
    store.add_impressions([shown()])
    did = [
        ("ann", "t2", "like", T0 + 5),
        ("ann", "t1", "listen", T0),
        ("ann", "t1", "listen", T0 - 1),
        ("ann", "t1", "skip", T0 + 1),
        ("bob", "t1", "listen", T0 + 1),
    ]
    store.add_events([Event(None, u, t, kind, listened_at=at) for u, t, kind, at in did])
    liked = store.load_liked(["listen", "like"], since=T0)
    assert liked.to_dict("list") == {
        "user_id": ["ann", "ann"], "track_id": ["t2", "t1"], "at": [T0 + 5, T0],
    }  # fmt: skip
    assert store.load_liked(["hide"], since=0).empty


def test_old_impressions_are_pruned_with_what_only_they_showed(store: Store) -> None:
    store.add_impressions([shown("old"), shown("both"), shown("new", at=T0 + 10_000)])
    store.add_impressions([replace(shown("both", at=T0 + 10_000), recommendation=None)])
    assert store.prune_impressions(T0) == 0
    assert store.prune_impressions(T0 + 1) == 2
    assert rows(store) == {"recommendations": 2, "recommendation_items": 4, "impressions": 2}
    assert store.prune_impressions(T0 + 20_000) == 2
    assert rows(store) == NOTHING


def test_an_export_holds_what_was_shown(store: Store) -> None:
    store.add_impressions([shown("r2", at=T0 + 5), shown(placement="home"), shown("r3", "bob")])
    assert [i["recommendation_id"] for i in store.impressions_of("ann")] == ["r1", "r2"]
    assert store.impressions_of("ann")[0] == {
        "recommendation_id": "r1", "served_at": T0, "placement": "home", "bundle": "b1",
        "experiment": "exp", "variant": "a",
        "items": [
            {"track_id": "t1", "position": 1, "score": 0.5, "propensity": 1.0,
             "explored": False, "team": None},
            {"track_id": "t2", "position": 2, "score": -0.25, "propensity": 0.125,
             "explored": True, "team": None},
        ],
    }  # fmt: skip
    assert store.impressions_of("") == store.impressions_of("nobody") == []


class TestErasure:
    def test_takes_what_was_shown_and_nothing_of_others(self, store: Store) -> None:
        store.put_tracks([frame(track_id=["t1"])])
        store.add_events([Event(None, "ann", "t1", "listen")])
        store.add_impressions([shown(), shown("r2", "bob"), shown("r3", None)])
        assert store.forget_user("ann") == 1
        assert store.impressions_of("ann") == []
        assert len(store.impressions_of("bob")) == 1
        assert rows(store) == {"recommendations": 2, "recommendation_items": 4, "impressions": 2}

    def test_takes_what_was_shown_to_somebody_without_events(self, store: Store) -> None:
        store.add_impressions([shown()])
        assert store.forget_user("ann") == 0
        assert rows(store) == NOTHING

    def test_what_was_served_before_is_not_stored_after(self, store: Store) -> None:
        store.put_tracks([frame(track_id=["t1"])])
        store.add_events([Event(None, u, "t1", "listen") for u in ("ann", "bob")])
        late = [shown(f"r-{u}", u, version=store.user_version(u)) for u in ("ann", "bob")]
        store.forget_user("ann")
        assert store.add_impressions(late) == 1
        assert store.impressions_of("ann") == []

    def test_waits_for_what_is_being_stored(
        self, postgres_url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """An erasure that comes between the look at the users and the rows finds the rows."""
        looked, erasing = threading.Event(), threading.Event()
        insert = rows_module._insert

        def pause_then_insert(*arguments: object) -> int:
            looked.set()
            erasing.wait(20)
            return insert(*arguments)  # type: ignore[arg-type]

        with Store.open(postgres_url) as store:
            store.put_tracks([frame(track_id=["t1"])])
            store.add_events([Event(None, "ann", "t1", "listen")])
            batch = [shown(version=store.user_version("ann"))]
            monkeypatch.setattr(rows_module, "_insert", pause_then_insert)
            writer = threading.Thread(target=store.add_impressions, args=[batch])
            writer.start()
            assert looked.wait(20)
            eraser = threading.Thread(target=store.forget_user, args=["ann"])
            eraser.start()
            eraser.join(0.3)
            assert eraser.is_alive()  # it waits for the lock of the user's row
            erasing.set()
            writer.join(20)
            eraser.join(20)
            assert rows(store) == NOTHING

    def test_leaves_no_bytes_behind(self, sqlite_url: str) -> None:
        with Store.open(sqlite_url) as store:
            store.add_impressions([shown(user_id="somebody-in-particular")])
            store.forget_user("somebody-in-particular")
        path = sqlite_url.removeprefix("sqlite:///")
        with sqlite3.connect(path) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()
        with open(path, "rb") as file:  # noqa: PTH123
            assert b"somebody-in-particular" not in file.read()


def test_writers_of_the_same_impressions_do_not_disturb_each_other(store: Store) -> None:
    batch = [shown(f"r{n}", f"u{n % 3}", T0 + n) for n in range(30)]
    parts = [batch, batch[::-1], batch[10:] + batch[:10], batch[::2] + batch[1::2]]
    added: list[int] = []
    threads = [
        threading.Thread(target=lambda p=part: added.append(store.add_impressions(p)))
        for part in parts
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sum(added) == 30
    assert rows(store) == {"recommendations": 30, "recommendation_items": 60, "impressions": 30}


def test_any_id_and_placement_is_kept(store: Store) -> None:
    answer = replace(ANSWER, items=tuple(ShownItem(t, 1.0) for t in STRANGE))
    store.add_impressions(
        [
            Impression(f"r{n}", user, T0 + n, placement=user, recommendation=answer)
            for n, user in enumerate(STRANGE)
        ]
    )
    for user in STRANGE:
        (found,) = store.impressions_of(user)
        assert found["placement"] == user
        assert [i["track_id"] for i in found["items"]] == STRANGE
    assert isinstance(store.load_slots(), pd.DataFrame)


def test_a_placement_that_no_database_takes_is_cleaned(store: Store) -> None:
    assert store.add_impressions([shown(placement="a\0b")]) == 1
    assert "\0" not in store.impressions_of("ann")[0]["placement"]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"track_id": ""}, "`track_id` is empty"),
        ({"score": float("nan")}, "`score` must be a finite number. Received: nan"),
        ({"propensity": 0.0}, r"`propensity` must be above 0, up to 1. Received: 0.0"),
        ({"propensity": 1.01}, "Received: 1.01"),
        ({"propensity": float("nan")}, "Received: nan"),
    ],
)
def test_wrong_items_are_refused(values: dict[str, object], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        ShownItem(**{"track_id": "t1", "score": 1.0} | values)  # type: ignore[arg-type]


def test_wrong_impressions_are_refused() -> None:
    with pytest.raises(ParameterError, match="`user_id`"):
        shown(user_id="")
    with pytest.raises(ParameterError, match="`recommendation_id`"):
        shown("")
