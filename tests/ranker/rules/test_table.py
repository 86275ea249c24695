from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from data.catalog import Catalog
from ranker.rules import TrackTable, Where
from tests.ranker.rules.plain import catalogs, matches, selectors


@settings(deadline=None, max_examples=200)
@given(catalogs(), selectors(), st.data())
def test_a_mask_is_what_each_track_says_alone(
    catalog: Catalog, where: dict[str, Any], data: st.DataObject
) -> None:
    size = len(catalog)
    heard = data.draw(st.lists(st.booleans(), min_size=size, max_size=size))
    mask = TrackTable(catalog, np.array(heard)).mask(Where(**where))
    assert mask.tolist() == [matches(where, track, catalog, heard) for track in range(size)]


def test_by_hand() -> None:
    catalog = Catalog.from_frame(
        pd.DataFrame(
            {
                "track_id": ["a", "b", "c", "d"],
                "artist": ["Ann", "ANN ", "Bob", None],
                "genre": ["Rock|Folk", "folk", None, "Rock"],
                "license": ["CC0", None, "CC-BY", "CC0"],
                "released_at": ["1999", "1999-12-31", "2000-01", None],
            }
        )
    )
    table = TrackTable(catalog, np.array([True, True, False, False]))

    def found(**where: Any) -> str:
        return "".join(catalog.tracks.ids(np.flatnonzero(table.mask(Where(**where))).tolist()))

    assert found(artist="ann") == "ab"
    assert found(genre=["FOLK", "polka"]) == "ab"
    assert found(license="cc0", genre="rock") == "ad"
    assert found(**{"not": {"license": ["CC0", "CC-BY"]}}) == "b"  # unknown is neither
    assert found(released_after="1999-01-01", released_before="2000-01-01") == "ab"
    assert found(**{"not": {"released_after": "1999-06-01", "released_before": "2000-01-01"}}) == (
        "acd"
    )
    assert found(heard=False) == "cd"
    assert found(track=["d", "a", "z"]) == "ad"
    assert found(genre="rock", **{"not": {"artist": "Ann", "heard": True}}) == "d"


def test_a_mask_is_made_once_and_cannot_be_written_to() -> None:
    catalog = Catalog.from_frame(pd.DataFrame({"track_id": ["a"], "genre": ["Rock"]}))
    table = TrackTable(catalog, np.array([True]))
    mask = table.mask(Where(genre="Rock"))
    assert table.mask(Where(genre=["Rock"])) is mask
    assert not mask.flags.writeable
