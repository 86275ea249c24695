"""Places given out one by one, against the same in plain Python."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.catalog import Catalog
from ranker import Candidates, cap_artists
from ranker.rules import Ruled
from ranker.rules.quotas import quota_bounds
from ranker.rules.seats import take_seats
from tests.ranker.rules.plain import one, parse
from tests.ranker.strategies import candidates, scores_of, tracks_of

SIZE = 30


def catalog_of(artists: list[str | None]) -> Catalog:
    ids = [f"t{i:02}" for i in range(len(artists))]
    return Catalog.from_frame(pd.DataFrame({"track_id": ids, "artist": artists}, dtype=object))


def seated(
    artists: str,
    *rules: tuple[dict[str, Any], set[int] | None],
    n: int,
    eligible: int | None = None,
) -> list[int]:
    """Seat tracks 0, 1, 2, ... whose artists are the letters; `-` is unknown."""
    catalog = catalog_of([None if letter == "-" else letter for letter in artists])
    found = Candidates("rrf", tracks_of(range(len(artists))), scores_of(range(len(artists), 0, -1)))
    ruled = [
        Ruled(rule, None if about is None else np.isin(np.arange(len(artists)), list(about)))
        for rule, about in zip(parse(*(w for w, _ in rules)), (a for _, a in rules), strict=True)
    ]
    mask = np.arange(len(artists)) < (len(artists) if eligible is None else eligible)
    seats, _ = take_seats(found, sorted(ruled, key=lambda r: r.stage), catalog, eligible=mask, n=n)
    return seats.tracks.tolist()


CAP = {"kind": "artist_cap", "most": 1}
APART = {"kind": "spacing", "places": 2}
ANY = {"heard": True}  # stands for a selector; which tracks it is about is given beside it


@pytest.mark.parametrize(
    ("artists", "rules", "n", "expected"),
    [
        # What a cap takes out comes back behind, where others run out.
        ("aaab-", [(CAP, None)], 5, [0, 3, 4, 1, 2]),
        # Only tracks that a cap is about count.
        ("aaab-", [(CAP, {1, 2})], 4, [0, 1, 3, 4]),
        # Behind the first ones, a cap says nothing.
        ("aaab-", [({**CAP, "first": 2}, None)], 4, [0, 3, 1, 2]),
        ("aabbc", [(APART, None)], 5, [0, 2, 4, 1, 3]),
        # No order of these holds it: the places left go to the first track.
        ("aaab", [(APART, None)], 4, [0, 3, 1, 2]),
        # A quota takes the last of its places.
        ("abcdef", [({"kind": "quota", "where": ANY, "at_least": 2, "first": 3}, {4, 5})], 4,
         [0, 4, 5, 1]),
        ("abcdef", [({"kind": "quota", "where": ANY, "at_least_share": 0.5}, {4, 5})], 3,
         [0, 4, 5]),
        ("abcdef", [({"kind": "quota", "where": ANY, "at_most": 1, "first": 3}, {0, 1, 2})], 5,
         [0, 3, 4, 1, 2]),
        # More than there are: no place waits for what cannot come.
        ("abcdef", [({"kind": "quota", "where": ANY, "at_least": 3, "first": 3}, {5})], 3,
         [0, 1, 5]),
        ("abcdef", [({"kind": "pin", "track": ["t04", "t03"], "position": 2}, None)], 4,
         [0, 4, 3, 1]),
        # A pin counts for a cap from the beginning, and for spacing to both sides.
        ("abcdab", [({"kind": "pin", "track": "t04", "position": 3}, None), (CAP, None)], 4,
         [1, 2, 4, 3]),
        ("abcdab", [({"kind": "pin", "track": "t04", "position": 2}, None), (APART, None)], 4,
         [1, 4, 2, 3]),
        # A quota wins over a cap, a cap over spacing, however they are written.
        ("aab", [(CAP, None), ({"kind": "quota", "where": ANY, "at_least": 2}, {0, 1})], 2, [0, 1]),
        ("aabb", [(APART, None), ({**CAP, "most": 2, "first": 3}, None)], 3, [0, 2, 1]),
    ],
)  # fmt: skip
def test_by_hand(artists: str, rules: list[Any], n: int, expected: list[int]) -> None:
    assert seated(artists, *rules, n=n) == expected


def test_two_quotas_share_the_places_that_both_need() -> None:
    low = {"kind": "quota", "where": ANY, "at_least": 1, "first": 2}
    high = {"kind": "quota", "where": ANY, "at_least": 2, "first": 4}
    assert seated("abcdefgh", (low, {7}), (high, {5, 6}), n=5) == [0, 7, 5, 6, 1]
    assert seated("abcdefgh", (low, {7}), (high, {6, 7}), n=5) == [0, 7, 1, 6, 2]


ARTISTS = st.lists(st.sampled_from(("a", "b", "c", None)), min_size=SIZE, max_size=SIZE)


@settings(deadline=None)
@given(candidates(), ARTISTS, st.integers(1, 4), st.integers(1, 40))
def test_a_plain_cap_is_what_it_is_alone(
    found: Candidates, artists: list[str | None], most: int, n: int
) -> None:
    catalog = catalog_of(artists)
    eligible = np.isin(np.arange(SIZE), found.tracks)
    capped = cap_artists(found, catalog.artists, most, n=n)
    counts = Counter(catalog.artists[capped.tracks].tolist())
    over = any(count > most for artist, count in counts.items() if artist >= 0)
    # The second is given out place by place, as with other rules beside it.
    for rule in (one(kind="artist_cap", most=most), one(kind="artist_cap", most=most, first=1000)):
        seats, broken = take_seats(found, [Ruled(rule, None)], catalog, eligible=eligible, n=n)
        assert seats.tracks.tolist() == capped.tracks.tolist()
        assert seats.scores.tolist() == capped.scores.tolist()
        assert broken == over


@settings(deadline=None)
@given(st.permutations(range(12)), st.lists(st.sampled_from("abc"), min_size=12, max_size=12))
def test_spacing_takes_the_first_track_that_fits(order: list[int], artists: list[str]) -> None:
    found = Candidates("x", tracks_of(order), scores_of(range(12)))
    everything = np.ones(12, bool)
    rule = one(kind="spacing", places=2)
    seats, broken = take_seats(
        found, [Ruled(rule, None)], catalog_of(list(artists)), eligible=everything, n=9
    )
    left, got, gave_way = list(order), [], False
    for _ in range(9):
        near = {artists[t] for t in got[-2:]}
        fitting = [t for t in left if artists[t] not in near]
        gave_way = gave_way or not fitting
        got.append((fitting or left)[0])
        left.remove(got[-1])
    assert seats.tracks.tolist() == got
    assert broken == gave_way


@pytest.mark.parametrize(
    ("bounds", "length", "expected"),
    [
        ({"at_least": 2}, 5, (2, 5, 5)),
        ({"at_least": 2}, 1, (1, 1, 1)),
        ({"at_most": 2, "first": 3}, 5, (0, 2, 3)),
        ({"at_least_share": 0.5, "first": 5}, 9, (3, 5, 5)),
        ({"at_most_share": 0.5, "first": 5}, 3, (0, 1, 3)),
        ({"at_least_share": 0.1, "at_most_share": 0.7}, 10, (1, 7, 10)),
    ],
)
def test_what_a_quota_means_for_an_answer(
    bounds: dict[str, Any], length: int, expected: tuple[int, int, int]
) -> None:
    rule = one(kind="quota", where=ANY, **bounds)
    assert quota_bounds(rule, length) == expected  # type: ignore[arg-type]


@settings(deadline=None, max_examples=50)
@given(
    ARTISTS,
    st.lists(st.integers(0, SIZE - 1), max_size=12, unique=True),
    st.lists(st.integers(0, SIZE - 1), max_size=3, unique=True),
    st.integers(1, 12),
)
def test_leaving_out_candidates_that_can_take_no_place_changes_nothing(
    artists: list[str | None], about: list[int], pinned: list[int], n: int
) -> None:
    found = Candidates("x", tracks_of(range(SIZE)), scores_of(range(SIZE, 0, -1)))
    written = (
        {"kind": "artist_cap", "most": 2},
        {"kind": "spacing", "places": 1},
        {"kind": "quota", "where": ANY, "at_least_share": 0.5, "at_most_share": 0.7},
        *({"kind": "pin", "track": f"t{track:02}", "position": 2} for track in pinned),
    )
    mask = np.isin(np.arange(SIZE), about)
    ruled = [Ruled(r, mask if r.kind in ("quota", "spacing") else None) for r in parse(*written)]
    ruled.sort(key=lambda r: r.stage)
    everything, catalog = np.ones(SIZE, bool), catalog_of(artists)

    def answer() -> tuple[list[int], bool]:
        seats, broken = take_seats(found, ruled, catalog, eligible=everything, n=n)
        return seats.tracks.tolist(), broken

    whole = answer()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ranker.rules.seats._LONG", 0)
        assert answer() == whole
