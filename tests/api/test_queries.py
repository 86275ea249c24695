from __future__ import annotations

from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.http.genres import genre_names
from api.http.problems import FieldsError
from api.http.queries import parse_query
from api.http.schemas import Options, RecommendationQuery, TracksQuery
from data.checks import check_id
from data.errors import ParameterError


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
        parse_query(RecommendationQuery, b"n=20&placement=home&exclude_seen=yes").canonical
        == canonical
    )
    for other in (
        b"n=21",
        b"exclude_seen=0",
        b"artist_cap=1",
        b"diversity=0.5",
        b"strategy=cf",
        b"explain=1",
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
        ("exclude_seen=maybe", ["`exclude_seen`", "'maybe'"]),
        ("artist_cap=0", ["`artist_cap`", "'0'"]),
        ("artist_cap=1001", ["`artist_cap`", "1000", "'1001'"]),
        ("diversity=1.5", ["`diversity`", "'1.5'"]),
        ("diversity=nan", ["`diversity` must be a finite number"]),
        ("strategy=magic", ["`strategy`", "'hybrid', 'cf', 'audio' or 'popular'", "'magic'"]),
        ("placement=" + "x" * 257, ["`placement`", "256"]),
    ],
)
def test_wrong_values_are_named(query: str, parts: list[str]) -> None:
    (detail,) = errors_of(query)
    for part in parts:
        assert part in detail


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
