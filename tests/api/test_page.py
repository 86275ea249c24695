from __future__ import annotations

import re
from importlib.resources import files

import pytest

from tests.api.conftest import World
from tests.api.test_problems import check_problem

ASSETS = ("index.html", "page.css", "page.js", "icon.svg")


def source(name: str) -> str:
    return (files("api.web") / name).read_text("utf-8")


def test_the_page_and_its_files_are_served(world: World) -> None:
    page = world.client.get("/")
    assert page.mimetype == "text/html"
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    for path in re.findall(r'(?:src|href)="(/web/[^"]+)"', page.text):
        response = world.client.get(path)
        assert response.status_code == 200
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        again = world.client.get(path, headers={"If-None-Match": response.headers["ETag"]})
        assert again.status_code == 304


@pytest.mark.parametrize(
    "path", ["/web/", "/web/__init__.py", "/web/..%2F__init__.py", "/web/x.js"]
)
def test_nothing_else_is(world: World, path: str) -> None:
    check_problem(world.client.get(path), 404)


@pytest.mark.parametrize("name", ASSETS)
def test_nothing_comes_from_elsewhere(name: str) -> None:
    addresses = re.findall(r"(?:https?:)?//[\w.-]+\.\w+", source(name))
    assert set(addresses) <= {"http://www.w3.org"}  # the name space of SVG


def test_texts_are_set_as_texts() -> None:
    for way in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
        assert way not in source("page.js")


def test_the_page_fits_its_policy() -> None:
    page = source("index.html")
    assert " style=" not in page
    assert not re.search(r"\son\w+=", page)
    assert not re.search(r"<script(?![^>]*\ssrc=)", page)


def test_elements_that_the_script_uses_are_on_the_page() -> None:
    used = set(re.findall(r'byId\("([^"]+)"\)', source("page.js")))
    used |= {
        f"{p}-{part}"
        for p in re.findall(r'panel\("(\w+)"\)', source("page.js"))
        for part in ("alert", "hint")
    }
    assert used <= set(re.findall(r'\sid="([^"]+)"', source("index.html")))


def test_every_input_has_a_label() -> None:
    page = source("index.html")
    labelled = set(re.findall(r'<label[^>]*\sfor="([^"]+)"', page))
    inputs = re.findall(r'<input[^>]*\sid="([^"]+)"', page)
    assert inputs
    assert set(inputs) <= labelled
