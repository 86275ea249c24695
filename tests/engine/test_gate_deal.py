"""Who is judged by was never learnt from, whoever came or went meanwhile."""

from __future__ import annotations

from hashlib import blake2b

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from data import Catalog
from engine.ranking.holdout import JUDGED, PARTS, _cold_parts, deal

IDS = st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), unique=True)


@given(ids=IDS, more=IDS, order=st.randoms())
def test_a_user_stays_in_one_part(ids: list[str], more: list[str], order) -> None:  # type: ignore[no-untyped-def]
    before = dict(zip(ids, deal(ids).tolist(), strict=True))
    everybody = list({*ids, *more})
    order.shuffle(everybody)
    after = dict(zip(everybody, deal(everybody).tolist(), strict=True))
    assert {user: after[user] for user in ids} == before


def test_the_part_follows_from_a_digest_of_the_id() -> None:
    ids = [f"u{i}" for i in range(200)]
    for user, part in zip(ids, deal(ids).tolist(), strict=True):
        digest = blake2b(user.encode(), digest_size=8, person=b"segue deal").digest()
        share = int.from_bytes(digest, "little") / 2**64
        assert part == (0 if share < 0.4 else 1 if share < 0.6 else 2)


def test_parts_are_of_their_shares() -> None:
    parts = deal([f"user {i}" for i in range(20_000)])
    shares = np.bincount(parts, minlength=3) / parts.size
    # Four standard deviations of a share of 20,000 are 0.014 at most.
    np.testing.assert_allclose(shares, PARTS, atol=0.014)


def catalog(artists: list[str | None]) -> Catalog:
    frame = pd.DataFrame({"artist": pd.Series(artists, dtype=object)})
    frame["track_id"] = [f"t{i:03}" for i in range(len(artists))]
    return Catalog.from_frame(frame)


def test_cold_artists_are_dealt_whole_and_in_exact_shares() -> None:
    names = [f"artist {i // 2}" for i in range(80)]
    cold = np.ones(80, bool)
    cold[70:] = False
    parts = _cold_parts(cold, catalog([*names]))
    assert (parts[~cold] == -1).all()
    assert (parts[:70:2] == parts[1:70:2]).all()
    # Of 35 artists: 0.4 * 35 = 14, 0.6 * 35 = 21.
    assert np.bincount(parts[:70:2]).tolist() == [14, 7, 14]


def test_no_artist_to_train_by_is_judged_by_when_others_come() -> None:
    few = [f"artist {i}" for i in range(100)]
    many = [f"artist {i}" for i in range(110)]
    before = _cold_parts(np.ones(100, bool), catalog([*few]))
    after = _cold_parts(np.ones(110, bool), catalog([*many]))[:100]
    assert not (after[before == 0] == JUDGED).any()
    assert (after == before).mean() > 0.9


def test_tracks_of_unknown_artist_are_dealt_one_by_one() -> None:
    parts = _cold_parts(np.ones(20, bool), catalog([None] * 20))
    assert np.bincount(parts).tolist() == [8, 4, 8]
