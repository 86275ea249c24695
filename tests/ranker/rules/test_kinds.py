from __future__ import annotations

import tomllib
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from ranker.rules import KINDS, Rules, Where
from tests.ranker.rules.plain import one, parse, rules

ROCK = {"genre": "Rock"}


@settings(deadline=None)
@given(st.lists(rules(), max_size=4))
def test_rules_are_the_same_after_a_trip_through_json(written: list[dict[str, Any]]) -> None:
    adapter = TypeAdapter(Rules)
    parsed = parse(*written)
    text = adapter.dump_json(parsed, exclude_none=True)
    assert adapter.validate_json(text, strict=True) == parsed
    assert adapter.validate_python(adapter.dump_python(parsed)) == parsed
    assert hash(parsed) == hash(adapter.validate_json(text))


def test_one_name_stands_for_a_list_of_one() -> None:
    assert Where(genre="Rock") == Where(genre=["Rock"])
    assert one(kind="pin", track="a").where == Where(track=["a"])


def test_rules_without_a_name_are_called_by_kind_and_number() -> None:
    found = parse(
        {"kind": "filter", "where": ROCK},
        {"kind": "pin", "track": "a", "name": "launch"},
        {"kind": "artist_cap", "most": 2},
    )
    assert [rule.name for rule in found] == ["filter-1", "launch", "artist_cap-3"]


def test_times_are_read_from_toml_and_text_alike() -> None:
    toml = tomllib.loads(
        "kind='pin'\ntrack='a'\nfrom=2026-12-24\nuntil=2026-12-27T01:00:00+01:00\n"
    )
    text = {"from": "2026-12-24T00:00:00", "until": "2026-12-27T00:00:00Z"}
    assert one(**toml) == one(kind="pin", track="a", **text)


@pytest.mark.parametrize(
    ("at", "placement", "counts"),
    [
        ("2026-12-23T23:59:59+00:00", "home", False),
        ("2026-12-24T00:00:00+00:00", "home", True),
        ("2026-12-26T23:59:59+00:00", "radio", True),
        ("2026-12-27T00:00:00+00:00", "home", False),
        ("2026-12-25T00:00:00+00:00", "search", False),
        ("2026-12-25T00:00:00+00:00", None, False),
    ],
)
def test_in_force_from_its_beginning_until_before_its_end(
    at: str, placement: str | None, counts: bool
) -> None:
    window = {"from": "2026-12-24", "until": "2026-12-27", "placements": ["home", "radio"]}
    rule = one(kind="pin", track="a", **window)
    assert rule.in_force(placement, datetime.fromisoformat(at)) is counts
    always = one(kind="pin", track="a")
    assert always.in_force(placement, datetime(1970, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({"kind": "filter"}, "required"),
        ({"kind": "filter", "where": {}}, "must hold a condition"),
        ({"kind": "filter", "where": {"not": {}}}, "must hold a condition"),
        ({"kind": "filter", "where": {"genre": []}}, "at least 1"),
        ({"kind": "filter", "where": {"genre": [" "]}}, "empty name"),
        ({"kind": "filter", "where": {"track": ["x" * 257]}}, "257 bytes long"),
        ({"kind": "filter", "where": {"not": {"not": ROCK}}}, "Extra inputs"),
        ({"kind": "filter", "where": {"released_after": 2020}}, "ISO date"),
        ({"kind": "filter", "where": {"released_after": "soon"}}, "ISO date"),
        ({"kind": "filter", "where": ROCK, "from": 2020}, "ISO time"),
        ({"kind": "filter", "where": ROCK, "action": "hide"}, "'remove' or 'keep'"),
        ({"kind": "boost", "where": ROCK}, "one of `factor` and `places`"),
        ({"kind": "boost", "where": ROCK, "factor": 2, "places": 2}, "and not both"),
        ({"kind": "bury", "where": ROCK, "factor": 1}, "greater than 1"),
        ({"kind": "bury", "where": ROCK}, "one of `factor` and `places`"),
        ({"kind": "pin", "track": "a", "position": 0}, "greater than or equal to 1"),
        ({"kind": "pin", "track": "a", "from": "2026-02-01", "until": "2026-01-01"}, "before its"),
        ({"kind": "quota", "where": ROCK}, "needs a limit"),
        ({"kind": "quota", "where": ROCK, "at_least": 2, "at_least_share": 0.5}, "not both"),
        ({"kind": "quota", "where": ROCK, "at_least": 3, "at_most": 2}, "no higher than"),
        ({"kind": "quota", "where": ROCK, "at_least": 3, "first": 2}, "no higher than its `first`"),
        ({"kind": "quota", "where": ROCK, "at_most_share": 1.5}, "less than or equal to 1"),
        ({"kind": "artist_cap", "most": 0}, "greater than or equal to 1"),
        ({"kind": "spacing", "places": 0}, "greater than or equal to 1"),
        ({"kind": "spacing", "places": 2, "first": 3}, "Extra inputs"),
        ({"kind": "shuffle"}, "does not match any"),
        ({"kind": "pin", "track": "a", "name": "diversity"}, "'diversity' is taken"),
        ({"kind": "pin", "track": "a", "name": "explore"}, "'explore' is taken"),
        ({"kind": "pin", "track": "a", "name": "interleave"}, "'interleave' is taken"),
    ],
)
def test_rules_that_are_wrong(rule: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        parse(rule)


def test_two_rules_of_one_name() -> None:
    with pytest.raises(ValidationError, match="two are 'pin-2'"):
        parse({"kind": "pin", "track": "a", "name": "pin-2"}, {"kind": "pin", "track": "b"})


def test_every_key_of_every_kind_is_described() -> None:
    for model in (*KINDS.values(), Where):
        fields = {n: f for n, f in model.model_fields.items() if n != "kind"}
        assert all(field.description for field in fields.values()), model
