from __future__ import annotations

from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.http.genres import genre_names
from api.http.problems import FieldsError
from api.http.queries import parse_query
from api.http.schemas import ListenersQuery, Options, RecommendationQuery, TracksQuery
from data.checks import check_id
from data.errors import ParameterError
from tests.api.conftest import World
from tests.api.test_problems import check_problem


def errors_of(query: str, model: type = RecommendationQuery) -> list[str]:
    with pytest.raises(FieldsError) as caught:
        parse_query(model, query.encode())
    return [error.detail for error in caught.value.errors]


def test_defaults() -> None:
    query = parse_query(RecommendationQuery, b"")
    assert (query.n, query.exclude_seen, query.strategy, query.explain) == (
        20,
        True,
        "hybrid",
        False,
    )
    assert query.genre == ()


@pytest.mark.parametrize(
    "query",
    ["genre=Rock|pop", "genre=rock&genre=pop", "genre=POP%7Crock&genre=rock", "genre=pop||%20rock"],
)
def test_genres_repeated_or_joined_are_one_question(query: str) -> None:
    parsed = parse_query(RecommendationQuery, query.encode())
    assert genre_names(parsed.genre) == ("pop", "rock")
    assert parsed.canonical == parse_query(RecommendationQuery, b"genre=rock|pop").canonical


def test_canonical_is_what_the_answer_depends_on() -> None:
    canonical = parse_query(RecommendationQuery, b"").canonical
    assert (
        parse_query(RecommendationQuery, b"n=20&placement=home&exclude_seen=TRUE").canonical
        == canonical
    )
    for other in (
        b"n=21",
        b"exclude_seen=false",
        b"artist_cap=1",
        b"diversity=0.5",
        b"strategy=cf",
        b"explain=true",
    ):
        assert parse_query(RecommendationQuery, other).canonical != canonical


def test_every_option_but_the_placement_is_in_the_canonical_form() -> None:
    canonical = parse_query(RecommendationQuery, b"").canonical
    named = {name for name in RecommendationQuery.model_fields if f'"{name}":' in canonical}
    assert named == RecommendationQuery.model_fields.keys() - {"placement"}


@pytest.mark.parametrize(
    ("query", "parts"),
    [
        ("nn=3", ["`nn` is not a parameter", "n, exclude_seen"]),
        ("n=0", ["`n`", "greater than or equal to 1", "'0'"]),
        ("n=1001", ["`n`", "1000", "'1001'"]),
        ("n=ten", ["`n` must be a valid integer", "'ten'"]),
        ("n=", ["`n` must be a valid integer", "''"]),
        ("n=1&n=2", ["`n` may be given once only"]),
        ("n=" + "9" * 5000, ["`n` must be a valid integer. Received: '999"]),
        ("exclude_seen=maybe", ["`exclude_seen` must be true or false. Received: 'maybe'."]),
        ("explain=1", ["`explain` must be true or false. Received: '1'."]),
        ("dry_run=", ["`dry_run` must be true or false. Received: ''."]),
        ("artist_cap=0", ["`artist_cap`", "'0'"]),
        ("artist_cap=1001", ["`artist_cap`", "1000", "'1001'"]),
        ("diversity=1.5", ["`diversity`", "'1.5'"]),
        ("diversity=nan", ["`diversity` must be a finite number"]),
        ("strategy=magic", ["`strategy`", "'hybrid', 'cf', 'audio' or 'popular'", "'magic'"]),
        ("placement=" + "x" * 257, ["`placement` must have at most 256 characters. Received: 'x"]),
        ("genre=" + "|".join("x" * 101), ["`genre` must have at most 100 items. Received: an arr"]),
    ],
)
def test_wrong_values_are_named(query: str, parts: list[str]) -> None:
    (detail,) = errors_of(query)
    for part in parts:
        assert part in detail


@pytest.mark.parametrize("given", ["yes", "no", "1", "0", "on", "off", "t", "f", "Y"])
def test_booleans_are_true_or_false_only(given: str) -> None:
    assert errors_of(f"explain={given}") == [
        f"`explain` must be true or false. Received: {given!r}."
    ]
    assert errors_of(f"exclude_played={given}", ListenersQuery)


def test_booleans_in_any_case() -> None:
    assert parse_query(RecommendationQuery, b"explain=TRUE&exclude_seen=False").explain
    assert not parse_query(RecommendationQuery, b"explain=TRUE&exclude_seen=False").exclude_seen


KINDS = "filter, boost, bury, pin, quota, artist_cap, spacing"


@pytest.mark.parametrize(
    ("body", "field", "detail"),
    [
        ("null", "", "The body must be an object. Received: null."),
        ("[1]", "", "The body must be an object. Received: an array of 1."),
        ('{"n": null}', "n", "`n` must be a valid integer. Received: null."),
        ('{"n": true}', "n", "`n` must be a valid integer. Received: true."),
        ('{"n": {}}', "n", "`n` must be a valid integer. Received: an object."),
        ('{"n": 2.5}', "n", "`n` must be a valid integer. Received: 2.5."),
        ('{"explain": "true"}', "explain", "`explain` must be true or false. Received: 'true'."),
        ('{"seed_tracks": "a"}', "seed_tracks", "`seed_tracks` must be an array. Received: 'a'."),
        ('{"rules": {}}', "rules", "`rules` must be an array. Received: an object."),
        ('{"rules": [3]}', "rules[0]", "`rules[0]` must be an object. Received: 3."),
        ('{"rules": [{}]}', "rules[0].kind", f"`rules[0].kind` is required: one of {KINDS}."),
        (
            '{"rules": [{"kind": null}]}',
            "rules[0].kind",
            f"`rules[0].kind` must be one of {KINDS}. Received: null.",
        ),
        (
            '{"rules": [{"kind": "filter", "where": 3}]}',
            "rules[0].where",
            "`rules[0].where` must be an object. Received: 3.",
        ),
        (
            '{"rules": [{"kind": "filter", "where": {"genre": 7}}]}',
            "rules[0].where.genre",
            "`rules[0].where.genre` must be a string or an array of strings. Received: 7.",
        ),
        (
            '{"rules": [{"kind": "pin", "track": []}]}',
            "rules[0].track",
            "`rules[0].track` must have at least 1 item. Received: an array of 0.",
        ),
        (
            '{"rules": [' + ", ".join(['{"kind": "spacing", "places": 1}'] * 21) + "]}",
            "rules",
            "`rules` must have at most 20 items. Received: an array of 21.",
        ),
    ],
)
def test_bodies_are_spoken_of_as_json(world: World, body: str, field: str, detail: str) -> None:
    response = world.client.post("/v1/recommendations", data=body, content_type="application/json")
    assert check_problem(response, 422)["errors"] == [{"field": field, "detail": detail}]


def test_all_wrong_values_are_named_at_once() -> None:
    assert [d.split("`")[1] for d in errors_of("n=0&diversity=2&x=1")] == ["n", "diversity", "x"]


def test_accepted_queries_are_parsed_once() -> None:
    assert parse_query(Options, b"n=7") is parse_query(Options, b"n=7")


@given(st.text(min_size=1, max_size=300))
def test_a_cursor_is_an_id(after: str) -> None:
    query = urlencode({"after": after}, errors="surrogatepass")
    try:
        check_id("after", after)
    except ParameterError:
        with pytest.raises((FieldsError, Exception)):
            parse_query(TracksQuery, query.encode())
    else:
        assert parse_query(TracksQuery, query.encode()).after == after


@given(st.binary(max_size=60))
def test_no_query_string_breaks_the_parser(query: bytes) -> None:
    from werkzeug.exceptions import BadRequest

    try:
        parsed = parse_query(RecommendationQuery, query)
    except (FieldsError, BadRequest):
        return
    assert 1 <= parsed.n <= 1000
