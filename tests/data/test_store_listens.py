"""Imports and exports of listens."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data.errors import DataError
from data.store import Event, ImportCounts, Store
from data.vocabulary import Vocabulary
from tests.data.test_store_tracks import STRANGE, frame

NOTHING = {"tracks": 0, "users": 0, "events": 0, "embeddings": 0}


def plays(store: Store, user: str, *tracks: str) -> list[float]:
    """The plays of each of the tracks."""
    vocabulary = Vocabulary(tracks)
    history = store.history(user, vocabulary)
    found = dict(zip(history.tracks.tolist(), history.counts.tolist(), strict=True))
    return [found.get(n, 0.0) for n in range(len(tracks))]


def test_untimed_rows_are_shares_of_a_total(store):
    first = frame(user_id=["ann", "ann", "ann"], track_id=["x", "y", "x"], count=[2.0, 1.0, 0.5])
    second = frame(user_id=["ann", "bob"], track_id=["x", "x"])
    counts = store.put_listens([first, second])
    assert counts == ImportCounts(new=3, changed=0, same=0, new_tracks=2)
    assert plays(store, "ann", "x", "y") == [3.5, 1.0]
    assert plays(store, "bob", "x", "y") == [1.0, 0.0]


def test_a_later_total_takes_the_place_of_the_former(store):
    store.put_listens([frame(user_id=["ann", "bob"], track_id=["x", "x"], count=[2.0, 3.0])])
    before = store.user_version("ann"), store.user_version("bob")
    again = [frame(user_id=["ann", "bob", "ann"], track_id=["x", "x", "x"], count=[4.0, 3.0, 1.0])]
    assert store.put_listens(again) == ImportCounts(new=0, changed=1, same=1)
    assert plays(store, "ann", "x") == [5.0]
    assert plays(store, "bob", "x") == [3.0]
    assert store.user_version("ann") != before[0]
    assert store.user_version("bob") == before[1]  # nothing of it changed
    assert store.put_listens(again) == ImportCounts(new=0, changed=0, same=2)


def test_totals_of_different_kinds_are_apart(store):
    rows = frame(user_id="ann", track_id="x", event=["listen", "like", "like", "skip"])
    assert store.put_listens([rows]).new == 3
    assert plays(store, "ann", "x") == [1 + 2 * 3.0]


def test_timed_rows_without_id_are_known_by_what_they_say(store):
    rows = frame(
        user_id=["ann", "ann", "ann", "ann", "bob"],
        track_id=["x", "x", "x", "y", "x"],
        event=["listen", "listen", "like", "listen", "listen"],
        at=[100, 100, 100, 100, 100],
    )
    assert store.put_listens([rows, rows[:1]]) == ImportCounts(4, 0, 0, new_tracks=2)
    assert store.put_listens([rows]) == ImportCounts(0, 0, 4)
    later = rows.assign(at=101)
    assert store.put_listens([rows, later]) == ImportCounts(4, 0, 4)


def test_the_first_of_duplicate_rows_counts(store):
    rows = frame(user_id="ann", track_id="x", at=[5, 5], count=[2.0, 7.0], played_ms=[10, 20])
    store.put_listens([rows])
    assert plays(store, "ann", "x") == [2.0]
    assert pd.concat(store.export_listens()).played_ms.tolist() == [10]


def test_rows_with_an_id_are_events_whatever_their_time(store):
    rows = frame(
        user_id="ann", track_id="x", event_id=["e1", "e2", "e1", None], at=[-1, -1, 50, -1]
    )
    assert store.put_listens([rows]) == ImportCounts(3, 0, 0, new_tracks=1)
    assert plays(store, "ann", "x") == [3.0]
    assert store.put_listens([rows]) == ImportCounts(0, 0, 3)
    assert store.add_events([Event("e1", "ann", "x", "like")]).duplicates == 1
    store.add_events([Event("e9", "ann", "x", "listen")])
    taken = frame(user_id=["bob"], track_id=["x"], event_id=["e9"], count=[9.0])
    assert store.put_listens([taken]) == ImportCounts(0, 0, 1)
    assert plays(store, "bob", "x") == [0.0]


def test_keys_that_read_alike_when_joined_are_apart(store):
    rows = frame(user_id=["a b", "a", "a\x01"], track_id=["c", "b c", "b"], at=[1, 1, 1])
    assert store.put_listens([rows]).new == 3


def test_missing_values_take_their_defaults(store):
    rows = frame(
        user_id=["ann", "ann"],
        track_id=["x", "y"],
        count=[np.nan, 2.0],
        event=pd.Series([None, "like"], dtype=object),
        at=pd.Series([None, 7], dtype="Int64"),
        played_ms=[np.nan, 30_000.0],
        event_id=[None, "e"],
    )
    store.put_listens([rows])
    out = pd.concat(store.export_listens())
    assert out["count"].tolist() == [1.0, 2.0]
    assert out.event.tolist() == ["listen", "like"]
    assert out.listened_at.tolist() == [pd.NA, 7]
    assert out.played_ms.tolist() == [pd.NA, 30_000]
    assert out.event_id.tolist() == [None, "e"]


def test_unknown_tracks_may_be_refused(store):
    store.put_tracks([frame(track_id=["known"])])
    rows = frame(user_id="ann", track_id=["known", "z3", "z1", "z2", "z4", "z5", "z6"])
    with pytest.raises(DataError, match=r"6 tracks .*: 'z1', 'z2', 'z3', 'z4', 'z5', \.\.\.\. "):
        store.put_listens([rows], add_unknown_tracks=False)
    assert store.counts() == NOTHING | {"tracks": 1}
    assert store.put_listens([rows[:1]], add_unknown_tracks=False).new == 1


def test_added_tracks_are_found_by_their_id(store):
    store.put_listens([frame(user_id="ann", track_id=["Ünknown"])])
    assert [t.track_id for t in store.tracks_page("üNK", 5)] == ["Ünknown"]


BAD = [
    ("count", [1.0, 0.0], "`count` .* Received: 0.0"),
    ("count", [1.0, -2.0], "`count` .* Received: -2.0"),
    ("count", [1.0, float("inf")], "`count` .* Received: inf"),
    ("event", ["listen", "love"], "`event` must be one of .* Received: 'love'"),
    ("at", [1, -2], "`at` .* Received: -2"),
    ("at", [1, 1_700_000_000_000], "`at` .* Received: 1700000000000"),
    ("at", ["yesterday", "today"], "`at` .*whole"),
    ("at", [1.5, 2.0], "`at` .*whole"),
    ("count", ["one", "two"], "`count` .*number"),
    ("played_ms", [1, -1], "`played_ms` .* Received: -1"),
    ("event_id", ["e", ""], "`event_id` is empty"),
    ("event_id", ["e", "x" * 257], "`event_id` is 257 bytes"),
    ("user_id", ["ann", "a\0"], "`user_id` holds a NUL"),
    ("track_id", ["x", None], "`track_id` must be a string"),
]


def test_a_bad_value_stores_nothing(store):
    good = frame(user_id=["ann", "ann"], track_id=["x", "y"])
    for column, values, message in BAD:
        bad = good.assign(**{column: pd.Series(values, dtype=object if None in values else None)})
        with pytest.raises(DataError, match=message):
            store.put_listens([good, bad])
    assert store.counts() == NOTHING


def test_an_exception_of_the_reader_stores_nothing(store):
    store.put_listens([frame(user_id=["ann"], track_id=["x"])])
    version = store.user_version("ann")

    def frames():
        yield frame(user_id=["ann", "bob"], track_id=["x", "y"], count=[9.0, 1.0])
        raise RuntimeError("the disk is gone")

    with pytest.raises(RuntimeError, match="the disk is gone"):
        store.put_listens(frames())
    assert store.counts() == NOTHING | {"tracks": 1, "users": 1, "events": 1}
    assert plays(store, "ann", "x") == [1.0]
    assert store.user_version("ann") == version


def test_a_merge_that_fails_halfway_stores_nothing(store, monkeypatch):
    def stumble(database: object) -> None:
        raise RuntimeError("stumbled")

    monkeypatch.setattr("data.store.records._upserting", stumble)
    with pytest.raises(RuntimeError, match="stumbled"):
        store.put_listens([frame(user_id=["ann"], track_id=["x"])])
    assert store.counts() == NOTHING


def test_nothing_is_no_import(store):
    empty = frame(user_id=["ann"], track_id=["x"])[:0]
    assert store.put_listens([]) == store.put_listens([empty]) == ImportCounts(0, 0, 0)


def test_every_touched_user_has_a_new_version(store):
    assert store.user_version("ann") == "0"
    store.put_listens([frame(user_id=["ann", "bob"], track_id="x", at=1)])
    first = {user: store.user_version(user) for user in ("ann", "bob")}
    assert "0" not in first.values()
    store.put_listens([frame(user_id=["ann", "bob"], track_id="x", at=[1, 2])])
    assert store.user_version("ann") == first["ann"]
    assert store.user_version("bob") != first["bob"]


def test_strange_ids_come_back_as_they_were(store):
    rows = frame(user_id=STRANGE, track_id=STRANGE, event_id=STRANGE, at=3, played_ms=4)
    assert store.put_listens([rows]).new == len(STRANGE)
    assert store.put_listens([rows]).same == len(STRANGE)
    out = pd.concat(store.export_listens())
    assert out.values.tolist() == [[name, name, 1.0, 3, "listen", 4, name] for name in STRANGE]
    assert store.users_page(None, 100) == sorted(STRANGE)
    for name in STRANGE:
        assert plays(store, name, name) == [1.0]
        assert name in store.users_page(name[:1], 100)
        assert store.user_known(name)


COLUMNS = ["user_id", "track_id", "count", "listened_at", "event", "played_ms", "event_id"]


def test_an_export_imports_again_as_the_same(store, tmp_path):
    rows = frame(
        user_id=["ann", "bob", "ann", "eve"],
        track_id=["x", "x", "y", "z"],
        count=[2.5, 1.0, 1.0, 1.0],
        event=["listen", "listen", "dislike", "like"],
        at=[-1, 1_600_000_000, -1, 1_600_000_001],
        played_ms=[None, 5, None, None],
        event_id=[None, None, "given", None],
    )
    store.put_listens([rows])
    frames = list(store.export_listens())
    assert list(frames[0].columns) == COLUMNS
    again = [f.rename(columns={"listened_at": "at"}) for f in frames]
    assert store.put_listens(again) == ImportCounts(0, 0, 4)
    with Store.open(f"sqlite:///{tmp_path / 'copy.db'}") as other:
        assert other.put_listens(again).new == 4
        copied = list(other.export_listens())
    pd.testing.assert_frame_equal(copied[0], frames[0])


def test_an_export_read_halfway_lets_go_of_the_database(store, monkeypatch):
    monkeypatch.setattr("data.store.reading.CHUNK", 50)
    size = 55
    store.put_listens([frame(user_id="ann", track_id="x", at=range(size))])
    frames = store.export_listens()
    assert len(next(frames)) == 50
    frames.close()
    assert [len(f) for f in store.export_listens()] == [50, 5]
    assert store.forget_user("ann") == size


ROWS = st.lists(
    st.tuples(
        st.sampled_from(["ann", "bob"]),
        st.sampled_from(["x", "y"]),
        st.sampled_from(["listen", "like"]),
        st.sampled_from([-1, -1, 1, 2]),
        st.sampled_from([1.0, 2.0, 0.5]),
        st.sampled_from([None, None, "e1", "e2"]),
    ),
    max_size=12,
)


def _expected(rows, stored):
    """Merge the rows of one import into stored records by the documented rule, one by one."""
    records = {}
    for user, track, event, at, count, event_id in rows:
        key = event_id or (user, track, event, at)
        if key in records and event_id is None and at < 0:
            records[key][-1] += count
        else:
            records.setdefault(key, [user, track, event, at, count])
    for key, record in records.items():
        if key not in stored or (isinstance(key, tuple) and record[3] < 0):
            stored[key] = record
    return stored


@settings(
    max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(st.lists(st.lists(ROWS, min_size=1, max_size=2), min_size=1, max_size=3))
def test_imports_add_up_as_documented(store, imports):
    """Each import is a list of frames; how rows are cut into frames never matters."""
    names = ["user_id", "track_id", "event", "at", "count", "event_id"]
    stored: dict[object, list[object]] = {}
    for frames in imports:
        tables = [pd.DataFrame(rows, columns=names).astype({"event_id": object}) for rows in frames]
        before = len(stored)
        counts = store.put_listens(tables)
        stored = _expected([row for rows in frames for row in rows], stored)
        assert counts.new == len(stored) - before
    out = [
        f[["user_id", "track_id", "event", "listened_at", "count"]] for f in store.export_listens()
    ]
    found = [row for f in out for row in f.fillna({"listened_at": -1}).values.tolist()]
    assert sorted(found) == sorted(stored.values())
    for user in ("ann", "bob"):
        store.forget_user(user)
