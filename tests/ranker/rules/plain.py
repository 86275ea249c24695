"""Rules in plain Python, track by track, and strategies that draw catalogues and rules."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from hypothesis import strategies as st
from pydantic import TypeAdapter

from data.catalog import Catalog
from ranker.rules import AnyRule, Rules

GENRES = ("Rock", "Folk", "Ünï")
ARTISTS = ("Ann", "Bob", "Cy")
LICENSES = ("CC-BY", "CC0")
DAYS = ("1999", "2005-06", "2010-01-01", "2020-12-31", None)

_RULES: TypeAdapter[tuple[AnyRule, ...]] = TypeAdapter(Rules)


def parse(*rules: dict[str, Any]) -> tuple[AnyRule, ...]:
    return _RULES.validate_python(list(rules))


def one(**rule: Any) -> AnyRule:
    return parse(rule)[0]


def track_id(index: int) -> str:
    return f"t{index:02}"


@st.composite
def catalogs(draw: st.DrawFn, max_size: int = 20) -> Catalog:
    """Draw a catalogue in which much is unknown."""
    size = draw(st.integers(1, max_size))
    many = {"min_size": size, "max_size": size}
    genres = st.lists(st.sampled_from(GENRES), unique=True, max_size=2).map("|".join)
    columns = {
        "track_id": [track_id(i) for i in range(size)],
        "artist": draw(st.lists(st.sampled_from((*ARTISTS, None)), **many)),
        "album": draw(st.lists(st.sampled_from(("One", "Two", None)), **many)),
        "genre": [g or None for g in draw(st.lists(genres, **many))],
        "license": draw(st.lists(st.sampled_from((*LICENSES, None)), **many)),
        "released_at": draw(st.lists(st.sampled_from(DAYS), **many)),
    }
    return Catalog.from_frame(pd.DataFrame(columns, dtype=object))


def _names(values: tuple[str, ...]) -> st.SearchStrategy[Any]:
    spelt = st.sampled_from((*values, *(v.upper() for v in values), " nobody "))
    return spelt | st.lists(spelt, min_size=1, max_size=2)


def track_ids(most: int = 3) -> st.SearchStrategy[list[str]]:
    ids = st.integers(0, 24).map(track_id)
    return st.lists(ids, min_size=1, max_size=most, unique=True)


_CONDITIONS: dict[str, st.SearchStrategy[Any]] = {
    "genre": _names(GENRES),
    "artist": _names(ARTISTS),
    "album": _names(("One", "Two")),
    "license": _names(LICENSES),
    "track": track_ids(6),
    "released_after": st.sampled_from(("1999-01-01", "2005-06-01", "2011-01-01")),
    "released_before": st.sampled_from((date(2005, 6, 1), date(2010, 1, 2))),
    "heard": st.booleans(),
}


@st.composite
def conditions(draw: st.DrawFn, least: int = 0) -> dict[str, Any]:
    keys = draw(st.lists(st.sampled_from(sorted(_CONDITIONS)), min_size=least, max_size=2))
    return {key: draw(_CONDITIONS[key]) for key in set(keys)}


@st.composite
def selectors(draw: st.DrawFn) -> dict[str, Any]:
    found = draw(conditions())
    return {**found, "not": draw(conditions(1))} if draw(st.booleans()) or not found else found


def matches(where: dict[str, Any], track: int, catalog: Catalog, heard: list[bool]) -> bool:
    """Say whether a selector, as it was written, is about a track."""
    own = {key: value for key, value in where.items() if key != "not"}
    met = _met(own, track, catalog, heard)
    unwanted = _met(where.get("not", {}), track, catalog, heard)
    return all(met) and not any(unwanted)


def _met(conditions: dict[str, Any], index: int, catalog: Catalog, heard: list[bool]) -> list[bool]:
    track = catalog.track(index)
    found = []
    for key in ("genre", "artist", "album", "license"):
        if key in conditions:
            given = conditions[key]
            wanted = {v.strip().casefold() for v in ([given] if isinstance(given, str) else given)}
            values = (getattr(track, key) or "").split("|")
            found.append(bool(wanted & ({v.casefold() for v in values} - {""})))
    if "track" in conditions:
        found.append(track.track_id in conditions["track"])
    after, before = conditions.get("released_after"), conditions.get("released_before")
    if after or before:
        text = track.released_at
        day = text and date.fromisoformat(text + "-01-01"[len(text) - 4 :])
        late = bool(day) and (not after or day >= date.fromisoformat(after))
        found.append(late and (not before or day < before))
    if "heard" in conditions:
        found.append(heard[index] == conditions["heard"])
    return found


@st.composite
def rules(draw: st.DrawFn, kinds: tuple[str, ...] | None = None) -> dict[str, Any]:
    """Draw a rule as it would be written, of any kind or one of these."""
    every = ("filter", "boost", "bury", "pin", "quota", "artist_cap", "spacing")
    kind = draw(st.sampled_from(kinds or every))
    rule: dict[str, Any] = {"kind": kind}
    if kind not in ("pin", "artist_cap", "spacing") or (kind != "pin" and draw(st.booleans())):
        rule["where"] = draw(selectors())
    if kind == "filter":
        rule["action"] = draw(st.sampled_from(("remove", "remove", "keep")))
    elif kind in ("boost", "bury"):
        sizes = {"factor": st.sampled_from((1.5, 10.0)), "places": st.integers(1, 5)}
        key = draw(st.sampled_from(sorted(sizes)))
        rule[key] = draw(sizes[key])
    elif kind == "pin":
        rule |= {"track": draw(track_ids()), "position": draw(st.integers(1, 8))}
    elif kind == "quota":
        rule |= draw(_bounds())
    elif kind == "artist_cap":
        rule |= {"most": draw(st.integers(1, 3))}
    else:
        rule |= {"places": draw(st.integers(1, 3))}
    if kind in ("quota", "artist_cap") and draw(st.booleans()):
        rule["first"] = draw(st.integers(rule.get("at_least", 1), 8))
    return rule


@st.composite
def _bounds(draw: st.DrawFn) -> dict[str, Any]:
    low = {"at_least": st.integers(1, 4), "at_least_share": st.sampled_from((0.2, 0.5, 1.0))}
    high = {"at_most": st.integers(4, 6), "at_most_share": st.sampled_from((0.0, 0.3, 0.5))}
    bounds = {}
    which = draw(st.sampled_from(("low", "high", "both")))
    for side, given in (("low", low), ("high", high)):
        if which in (side, "both"):
            key = draw(st.sampled_from(sorted(given)))
            bounds[key] = draw(given[key])
    if bounds.get("at_least_share", 0) > bounds.get("at_most_share", 1):
        del bounds["at_least_share"]
    return bounds


def tracks_of(values: Any) -> Any:
    return np.array(list(values), np.int32)
