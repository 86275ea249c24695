import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.catalog import TRACK_COLUMNS, Catalog, Track
from data.errors import DataError
from data.vocabulary import Vocabulary

TEXT = st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
IDS = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=6)


def make_catalog(**columns):
    size = len(next(iter(columns.values())))
    return Catalog.from_frame(pd.DataFrame({"track_id": [f"t{i}" for i in range(size)], **columns}))


@st.composite
def frames(draw):
    """Tables of tracks, with any of the optional columns."""
    ids = draw(st.lists(IDS, unique=True, max_size=12))
    names = draw(st.lists(st.sampled_from(TRACK_COLUMNS), unique=True))
    columns = {
        name: pd.array(draw(st.lists(TEXT, min_size=len(ids), max_size=len(ids))), dtype=object)
        for name in names
    }
    return pd.DataFrame({"track_id": pd.array(ids, dtype=object), **columns})


@settings(deadline=None, max_examples=50)
@given(frames())
def test_holds_every_row_by_its_id(frame):
    catalog = Catalog.from_frame(frame)
    assert list(catalog.tracks) == sorted(frame["track_id"])
    assert len(catalog) == len(frame)
    for row in frame.to_dict("records"):
        found = catalog.track(catalog.tracks.index(row["track_id"]))
        known = {name: value for name, value in row.items() if isinstance(value, str)}
        assert found.as_dict() == {**dict.fromkeys(TRACK_COLUMNS), **known}


@settings(deadline=None, max_examples=50)
@given(frames())
def test_artists_are_alike_where_their_codes_are(frame):
    catalog = Catalog.from_frame(frame)
    names, codes = catalog.column("artist").to_pylist(), catalog.artists
    assert codes.dtype == np.int32
    assert codes.shape == (len(catalog),)
    assert [name is None for name in names] == (codes == -1).tolist()
    pairs = set(zip(names, codes.tolist(), strict=True))
    assert len(pairs) == len(set(names)) == len(set(codes.tolist()))


def test_genres_are_split_and_case_folded():
    catalog = make_catalog(genre=["Rock|Pop", None, " rock | |JAZZ|Jazz", "", "Straße"])
    genres = {name: members.tolist() for name, members in catalog.genres.items()}
    assert genres == {"jazz": [2], "pop": [0], "rock": [0, 2], "strasse": [4]}
    assert all(members.dtype == np.int32 for members in catalog.genres.values())
    assert list(genres) == sorted(genres)


def test_missing_values_of_pandas_are_unknown():
    catalog = make_catalog(title=["a", np.nan, pd.NA, None])
    assert catalog.column("title").to_pylist() == ["a", None, None, None]
    assert catalog.track(1) == Track("t1")


def test_rows_are_sorted_by_id_whatever_the_index():
    frame = pd.DataFrame({"track_id": ["b", "a"], "title": ["B", "A"]}, index=[5, 5])
    catalog = Catalog.from_frame(frame)
    assert [catalog.track(i).title for i in range(2)] == ["A", "B"]


def test_takes_an_arrow_table_of_several_pieces():
    table = pa.table(
        {"title": pa.chunked_array([["x"], ["y", None]]), "other": pa.array([1, 2, 3])}
    )
    catalog = Catalog(Vocabulary(["c", "a", "b"]), table)
    assert catalog.column("title").to_pylist() == ["x", "y", None]
    assert catalog.track(0) == Track("c", title="x")


def test_refuses_another_number_of_rows():
    with pytest.raises(DataError, match="2 ids was given 1 rows"):
        Catalog(Vocabulary(["a", "b"]), pa.table({"title": ["x"]}))


def test_refuses_an_id_that_occurs_twice():
    with pytest.raises(DataError, match="'a' occurs twice"):
        Catalog.from_frame(pd.DataFrame({"track_id": ["a", "a"]}))


@pytest.mark.parametrize("index", [-1, 2])
def test_there_is_no_track_at_an_unknown_index(index):
    with pytest.raises(IndexError):
        make_catalog(title=["x", "y"]).track(index)


def test_repr_says_how_many():
    assert repr(make_catalog(title=["x"])) == "Catalog(1 tracks)"


@pytest.mark.parametrize("size", [0, 3, 3000])
def test_comes_back_from_disk(tmp_path, size):
    catalog = make_catalog(
        title=[f"Tïtle {i}" for i in range(size)],
        artist=[f"a{i % 7}" if i % 3 else None for i in range(size)],
    )
    catalog.save(tmp_path, "tracks")
    loaded = Catalog.load(tmp_path, "tracks")
    assert loaded.tracks == catalog.tracks
    for name in TRACK_COLUMNS:
        assert loaded.column(name).equals(catalog.column(name))
    np.testing.assert_array_equal(loaded.artists, catalog.artists)


def test_is_opened_without_being_read(tmp_path):
    make_catalog(title=[f"A title of some length {i}" for i in range(50_000)]).save(tmp_path, "t")
    before = pa.total_allocated_bytes()
    loaded = Catalog.load(tmp_path, "t")
    assert pa.total_allocated_bytes() - before < 10_000
    assert loaded.track(7).title is not None


def test_is_refused_where_ids_and_columns_do_not_fit(tmp_path):
    make_catalog(title=["x", "y"]).save(tmp_path, "tracks")
    Vocabulary(["a"]).save(tmp_path, "tracks")
    with pytest.raises(DataError, match="1 ids was given 2 rows"):
        Catalog.load(tmp_path, "tracks")


def test_days_of_release_are_counted_from_1970():
    texts = ["1970-01-02", "1970", "1970-02", "1969-12-31", "2001-05-04T10:00:00Z", None]
    found = make_catalog(released_at=texts).released
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, [1, 0, 31, -1, 11446, np.nan])


@pytest.mark.parametrize("text", ["", "soon", "1999-13", "1999-02-30", "99", "1999-1", "12/3/1999"])
def test_what_is_no_date_has_no_day(text):
    assert np.isnan(make_catalog(released_at=[text]).released).all()


def test_a_catalogue_without_dates_has_no_days():
    assert np.isnan(make_catalog(title=["a", "b"]).released).all()
