"""The catalogue in the store."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data.catalog import TRACK_COLUMNS, Track
from data.errors import DataError, ParameterError
from data.store import ImportCounts, Store
from data.vocabulary import Vocabulary

STRANGE = [
    " ",
    " a b ",
    "tab\tline\r\nbell\x07\x1f\x7f",
    "\\N",
    "\\.",
    "a/b?c=1&d#%20%",
    "'\"`;--$1:x?%s%(y)s",
    "_%\\",
    "🎧🎶👩‍🎤",
    "ü" * 128,  # 256 bytes
    "x" * 256,
    "\U0010ffff\ufffe",
    "é",
    "e\u0301",
    "null",
    "0",
]
"""Ids that something on the way may take for more than text."""


def frame(**columns: object) -> pd.DataFrame:
    return pd.DataFrame(columns)


@pytest.fixture
def albums(store: Store) -> Store:
    store.put_tracks(
        [
            frame(
                track_id=["a1", "a2", "B3", "c%4", "d_5"],
                title=["Straße", "ÉTÉ", None, "100% wool", "under_score"],
                artist=["Björk", "ABBA", "abba", None, "back\\slash"],
                album=[None, "Été d'or", "x", "y", "ﬁne"],
                genre=["pop|folk", None, "pop", None, None],
            )
        ]
    )
    return store


def test_new_changed_and_same_are_counted(store):
    first = frame(track_id=["a", "b", "c"], title=["A", "B", None])
    assert store.put_tracks([first]) == ImportCounts(new=3, changed=0, same=0)
    assert store.put_tracks([first]) == ImportCounts(new=0, changed=0, same=3)
    second = frame(track_id=["b", "c", "d"], title=["B", "C", "D"])
    assert store.put_tracks([second]) == ImportCounts(new=1, changed=1, same=1)
    assert store.put_tracks([]) == store.put_tracks([first[:0]]) == ImportCounts(0, 0, 0)


def test_a_missing_column_leaves_what_is_stored_and_a_missing_value_erases_it(store):
    store.put_tracks([frame(track_id=["a"], title=["A"], artist=["X"], genre=["pop|rock"])])
    store.put_tracks([frame(track_id=["a"], title=[None], album=["L"])])
    assert store.get_track("a") == Track("a", None, "X", "L", "pop|rock")
    store.put_tracks([frame(track_id=["a"], artist=[np.nan])])
    assert store.get_track("a") == Track("a", None, None, "L", "pop|rock")


def test_later_rows_and_frames_are_laid_over_earlier_ones(store):
    store.put_tracks([frame(track_id=["a"], license=["CC0"])])
    first = frame(track_id=["a", "b", "a"], title=["1", "B", "2"], artist=["X", None, None])
    counts = store.put_tracks([first, frame(track_id=["a"], artist=["Z"])])
    assert counts == ImportCounts(new=1, changed=1, same=0)
    assert store.get_track("a") == Track("a", "2", "Z", license="CC0")


def test_every_column_is_kept(store):
    fields = {name: f"the {name}" for name in TRACK_COLUMNS}
    store.put_tracks([frame(track_id=["a"], **{k: [v] for k, v in fields.items()})])
    assert store.get_track("a") == Track("a", **fields)


def test_values_of_other_types_become_text(store):
    store.put_tracks(
        [
            frame(
                track_id=pd.Series(["a"], dtype="category"),
                released_at=[1999],
                title=pd.Series(["nul\0 and \ud800"], dtype=object),
            )
        ]
    )
    assert store.get_track("a") == Track("a", title="nul and ?", released_at="1999")


def test_a_bad_id_stores_nothing(store):
    for bad in ("", "x" * 257, "a\0b", None, 7, float("nan")):
        ids = pd.Series(["b", bad], dtype=object)
        with pytest.raises(DataError, match="`track_id`"):
            store.put_tracks([frame(track_id=["a"]), frame(track_id=ids)])
    assert store.counts()["tracks"] == 0


def test_a_missing_id_column_is_an_error(store):
    with pytest.raises(DataError, match=r"`track_id` is missing\. Received: id, title"):
        store.put_tracks([frame(id=["a"], title=["A"])])


def test_an_exception_of_the_reader_stores_nothing(store):
    store.put_tracks([frame(track_id=["a"], title=["A"])])

    def frames():
        yield frame(track_id=["a", "b"], title=["changed", "new"])
        raise DataError("line 3 of tracks.csv is bad")

    with pytest.raises(DataError, match="line 3"):
        store.put_tracks(frames())
    assert store.counts()["tracks"] == 1
    assert store.get_track("a") == Track("a", "A")
    assert store.put_tracks([frame(track_id=["b"])]).new == 1


def test_strange_ids_and_texts_come_back_as_they_were(store):
    rows = frame(track_id=STRANGE, title=STRANGE)
    assert store.put_tracks([rows]).new == len(STRANGE)
    assert store.put_tracks([rows]).same == len(STRANGE)
    catalog = store.load_catalog()
    exported = pd.concat(store.export_tracks()).set_index("track_id").title
    for name in STRANGE:
        track = Track(name, title=name)
        assert store.get_track(name) == track
        assert catalog.track(catalog.tracks.index(name)) == track
        assert track in store.tracks_page(name, len(STRANGE))
        assert exported[name] == name


@settings(
    max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(
    st.lists(
        st.text(
            st.characters(exclude_categories=["Cs"], exclude_characters="\0"),
            min_size=1,
            max_size=60,
        ),
        min_size=1,
        unique=True,
    )
)
def test_any_ids_page_in_the_order_in_which_python_sorts_them(store, ids):
    store.put_tracks([frame(track_id=ids, title=ids)])
    catalog = store.load_catalog()
    assert set(ids) <= set(catalog.tracks)
    assert list(catalog.tracks) == sorted(catalog.tracks)
    paged: list[str] = []
    while batch := store.tracks_page(None, 7, paged[-1] if paged else None):
        paged += [track.track_id for track in batch]
    assert paged == list(catalog.tracks)
    assert store.get_track(ids[0]) == Track(ids[0], title=ids[0])


def test_an_unknown_track_is_none(store):
    assert store.get_track("nobody") is None
    assert store.get_track("") is None
    assert store.get_track("a\0") is None
    assert store.get_track("\ud800") is None


SEARCHES = [
    (None, ["B3", "a1", "a2", "c%4", "d_5"]),
    ("", ["B3", "a1", "a2", "c%4", "d_5"]),
    ("abba", ["B3", "a2"]),
    ("ABBA", ["B3", "a2"]),
    ("bJÖr", ["a1"]),
    ("strasse", ["a1"]),
    ("été", ["a2"]),
    ("e\u0301te\u0301", ["a2"]),
    ("b3", ["B3"]),
    ("%", ["c%4"]),
    ("_", ["d_5"]),
    ("\\", ["d_5"]),
    ("FINE", ["d_5"]),
    ("woolunder", []),
    ("a2été", []),  # not across two fields
    ("pop", []),  # a genre is no name
    ("nul\0", []),
    ("\ud800", []),
    ("x" * 100_000, []),
]


def test_search(albums):
    for q, found in SEARCHES:
        assert [track.track_id for track in albums.tracks_page(q, 10)] == found, q


def test_search_follows_changes(albums):
    albums.put_tracks([frame(track_id=["a1"], title=["Renamed"])])
    assert albums.tracks_page("straße", 10) == []
    assert [t.track_id for t in albums.tracks_page("RENAMED", 10)] == ["a1"]
    assert [t.track_id for t in albums.tracks_page("björk", 10)] == ["a1"]


def test_pages_are_cut_behind_the_last_id(albums):
    assert [t.track_id for t in albums.tracks_page(None, 2)] == ["B3", "a1"]
    assert [t.track_id for t in albums.tracks_page(None, 2, "a1")] == ["a2", "c%4"]
    assert [t.track_id for t in albums.tracks_page("a", 1, after="a1")] == ["a2"]
    assert albums.tracks_page(None, 2, "zzz") == []


@pytest.mark.parametrize(("limit", "after"), [(0, None), (-1, None), (1.5, None), (1, "")])
def test_bad_pages_are_refused(store, limit, after):
    with pytest.raises(ParameterError):
        store.tracks_page(None, limit, after)
    with pytest.raises(ParameterError):
        store.users_page(None, limit, after)


def test_the_catalogue_is_sorted_and_complete(albums):
    catalog = albums.load_catalog()
    assert catalog.tracks == Vocabulary(["B3", "a1", "a2", "c%4", "d_5"])
    assert (
        catalog.track(1)
        == albums.get_track("a1")
        == Track("a1", "Straße", "Björk", genre="pop|folk")
    )
    assert catalog.genres["pop"].tolist() == [0, 1]


def test_an_empty_store_has_an_empty_catalogue(store):
    assert len(store.load_catalog()) == 0
    assert list(store.export_tracks()) == []


def test_an_export_imports_again_as_the_same(albums, sqlite_url):
    frames = list(albums.export_tracks())
    assert list(frames[0].columns) == ["track_id", *TRACK_COLUMNS]
    with Store.open(sqlite_url + "-copy") as other:
        assert other.put_tracks(frames).new == 5
        assert other.load_catalog().track(0) == albums.load_catalog().track(0)
    assert albums.put_tracks(frames) == ImportCounts(0, 0, 5)


def test_many_tracks_are_merged_and_read_in_several_steps(store, monkeypatch):
    monkeypatch.setattr("data.store.merge._MERGED_AT_ONCE", 40)
    monkeypatch.setattr("data.store.reading.CHUNK", 60)
    size = 203
    ids = [f"{n:06d}" for n in range(size)]
    assert store.put_tracks([frame(track_id=ids[: size // 2]), frame(track_id=ids)]).new == size
    titled = frame(track_id=ids[::-1], title=ids[::-1])
    assert store.put_tracks([titled]) == ImportCounts(0, size, 0)
    catalog = store.load_catalog()
    assert list(catalog.tracks) == ids == catalog.column("title").to_pylist()
    exported = pd.concat(store.export_tracks())
    assert exported.track_id.tolist() == ids
