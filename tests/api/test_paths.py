from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.routing import Map, Rule

from api.http.paths import EncodedPaths, IdConverter, encode_id
from data.checks import check_id
from data.errors import ParameterError

ids = st.text(min_size=1, max_size=64).filter(lambda t: len(t.encode("utf-8", "replace")) <= 256)


def path_of(environ: dict[str, Any]) -> str:
    seen: dict[str, str] = {}

    def app(environ: dict[str, Any], start_response: object) -> list[bytes]:
        seen["path"] = environ["PATH_INFO"]
        return []

    EncodedPaths(app)(environ, lambda *_: None)  # type: ignore[arg-type, return-value]
    return seen["path"]


@pytest.mark.parametrize(
    ("environ", "path"),
    [
        ({"RAW_URI": "/v1/tracks/a%2Fb?n=2"}, "/v1/tracks/a%2Fb"),
        ({"RAW_URI": "/v1/tracks/a%252Fb"}, "/v1/tracks/a%252Fb"),
        ({"RAW_URI": "/v1/%74racks"}, "/v1/tracks"),
        ({"RAW_URI": "/v1/tracks/a%2fb"}, "/v1/tracks/a%2Fb"),
        ({"RAW_URI": "http://host:80/v1/x?y"}, "/v1/x"),
        ({"RAW_URI": "http://host"}, "/"),
        ({"RAW_URI": "/caf\xc3\xa9"}, "/caf%C3%A9"),
        ({"REQUEST_URI": "/v1/..%2F.."}, "/v1/..%2F.."),
        ({"RAW_URI": "/segue/v1/x", "SCRIPT_NAME": "/segue"}, "/v1/x"),
        ({"PATH_INFO": "/v1/a b"}, "/v1/a%20b"),
        ({}, "/"),
    ],
)
def test_paths_stay_encoded_in_one_form(environ: dict[str, Any], path: str) -> None:
    assert path_of(environ) == path


@given(ids)
def test_every_id_comes_back(value: str) -> None:
    try:
        check_id("id", value)
    except ParameterError:
        return  # no id
    urls = Map([Rule("/v1/<id:it>/similar", endpoint="x")], converters={"id": IdConverter})
    path = path_of({"RAW_URI": f"/v1/{quote(value, safe='')}/similar"})
    assert urls.bind("host").match(path) == ("x", {"it": value})
    assert urls.bind("host").build("x", {"it": value}) == path.replace("/v1", "/v1")
    assert encode_id(value) in path


def test_bytes_that_are_no_text_are_no_id() -> None:
    decoded = IdConverter(Map()).to_python("%FF")
    with pytest.raises(ParameterError, match="not valid UTF-8"):
        check_id("track_id", decoded)
