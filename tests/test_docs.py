"""The documentation against the code: what it names exists, and what exists is named."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from apiflask import APIFlask
from werkzeug.routing import Map

from api.cli.main import cli
from api.config import Settings
from api.http.app import create_app
from api.http.paths import EncodedPaths
from api.http.services import Services
from audio_model.config import AudioConfig
from audio_model.network import build_network
from audio_model.recipes import RECIPES
from docs.generate import pages
from engine.home import Home

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
SECTIONS = "|".join(Settings.model_fields)

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_EXAMPLE = re.compile(r"http://127\.0\.0\.1:8000(/[^\s'\"?]*)")

of_page = pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))


def blocks(page: Path, language: str) -> list[str]:
    return [text for name, text in _FENCE.findall(page.read_text("utf-8")) if name == language]


def prose(page: Path) -> str:
    return _FENCE.sub("", page.read_text("utf-8"))


def read(name: str) -> str:
    return (ROOT / "docs" / name).read_text("utf-8")


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[APIFlask]:
    home = Home(tmp_path_factory.mktemp("home"))
    services = Services.open(home, Settings(), redis_url=None, audio_socket=home.root / "a.sock")
    yield create_app(services)
    services.close()


class TestGeneratedPages:
    @pytest.mark.parametrize("path", pages(), ids=lambda p: p.name)
    def test_equal_what_the_code_generates(self, path: Path) -> None:
        committed = path.read_text("utf-8") if path.is_file() else ""
        assert committed == pages()[path], f"{path.name} is out of date: run `make docs`."

    def test_hold_every_command(self) -> None:
        page = read("commands.md")
        missing = [name for name in command_names(cli, "segue") if f"## `{name}`\n" not in page]
        assert not missing

    def test_hold_every_setting_under_its_section(self) -> None:
        parts = read("configuration.md").split("## `[")
        for part, (section, field) in zip(parts[1:], Settings.model_fields.items(), strict=True):
            assert part.startswith(f"{section}]`")
            keys = field.annotation.model_fields  # type: ignore[union-attr]
            assert re.findall(r"^\| `(\w+)` \|", part, re.MULTILINE) == list(keys)


def command_names(command: click.Command, path: str) -> Iterator[str]:
    yield path
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            assert child is not None
            yield from command_names(child, f"{path} {name}")


class TestHttp:
    @staticmethod
    def endpoints(app: APIFlask) -> set[str]:
        return {
            f"{method} {re.sub(r'<(?:\w+:)?(\w+)>', r'{\1}', rule.rule)}"
            for rule in app.url_map.iter_rules()
            for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        }

    def test_every_endpoint_is_documented_and_no_other(self, app: APIFlask) -> None:
        named = re.findall(r"`((?:GET|POST|PUT|PATCH|DELETE) /[^`\s]*)`", prose(page("http.md")))
        assert set(named) == self.endpoints(app)

    def test_every_endpoint_of_the_readme_exists(self, app: APIFlask) -> None:
        text = prose(ROOT / "README.md")
        named = re.findall(r"`((?:GET|POST|PUT|PATCH|DELETE) /[^`\s]*)`", text)
        assert named
        assert set(named) <= self.endpoints(app)

    def test_every_field_and_parameter_is_named(self, app: APIFlask) -> None:
        spec = app.spec
        names = {p["name"] for ops in spec["paths"].values() for p in parameters(ops)}
        for schema in spec["components"]["schemas"].values():
            names |= set(schema.get("properties", {}))
        text = read("http.md")
        assert {n for n in names if not re.search(rf"\b{n}\b", text)} == set()

    def test_every_kind_of_problem_that_is_named_exists(self) -> None:
        code = "".join(p.read_text("utf-8") for p in (ROOT / "api" / "http").rglob("*.py"))
        kinds = re.findall(r"urn:segue:([\w-]+)", read("http.md"))
        assert len(kinds) > 5
        assert [kind for kind in kinds if f'"{kind}"' not in code] == []

    @of_page
    def test_addresses_of_examples_exist(self, app: APIFlask, page: Path) -> None:
        urls: Map = app.url_map
        adapter = urls.bind("127.0.0.1")
        for path in _EXAMPLE.findall(page.read_text("utf-8")):
            seen: dict[str, str] = {}
            EncodedPaths(lambda environ, _, seen=seen: [seen.update(environ)] and [])(
                {"RAW_URI": path}, None  # type: ignore[arg-type]
            )
            assert adapter.allowed_methods(seen["PATH_INFO"]), path


def page(name: str) -> Path:
    return ROOT / "docs" / name


def parameters(operations: dict[str, dict[str, list[dict[str, str]]]]) -> Iterator[dict[str, str]]:
    for operation in operations.values():
        yield from operation.get("parameters", [])


class TestPages:
    @of_page
    def test_relative_links_resolve(self, page: Path) -> None:
        for link in _LINK.findall(prose(page)):
            if re.match(r"[a-z]+:", link):
                continue
            path, _, anchor = link.partition("#")
            target = (page.parent / path).resolve() if path else page
            assert target.exists(), f"{page.name}: {link}"
            if anchor:
                assert anchor in slugs(target), f"{page.name}: {link}"

    @of_page
    def test_commands_parse(self, page: Path) -> None:
        for line in shown_commands(page):
            check_command(line)

    @of_page
    def test_json_is_json(self, page: Path) -> None:
        for text in blocks(page, "json"):
            json.loads(text)

    @of_page
    def test_settings_exist(self, page: Path) -> None:
        for section, key in re.findall(rf"`({SECTIONS})\.([a-z_]+)\b", prose(page)):
            model = Settings.model_fields[section].annotation
            assert key in model.model_fields, f"{section}.{key}"  # type: ignore[union-attr]

    def test_every_page_can_be_reached_from_the_readme(self) -> None:
        found, todo = set(), [ROOT / "README.md"]
        while todo:
            page = todo.pop()
            found.add(page)
            links = (link.partition("#")[0] for link in _LINK.findall(prose(page)))
            linked = {(page.parent / link).resolve() for link in links if link.endswith(".md")}
            todo += [path for path in linked - found if path.is_file()]
        assert set(PAGES) <= found


def slugs(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as they are made from their text."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def shown_commands(page: Path) -> list[str]:
    """Return every command line of `segue` in the shell blocks and the text of a page."""
    lines = [
        part.strip()
        for text in blocks(page, "sh")
        for line in text.replace("\\\n", " ").splitlines()
        for part in re.split(r"&&|\|\s", line)
    ]
    inline = re.findall(r"`(segue [^`]*)`", prose(page))
    return [line for line in map(without_variables, [*lines, *inline]) if is_command(line)]


def without_variables(line: str) -> str:
    return re.sub(r"^(?:[A-Z_]+=\S+ )+", "", line)


def is_command(line: str) -> bool:
    return line.startswith("segue ") and "[" not in line and "..." not in line


def check_command(line: str) -> None:
    """Parse a command line as it would be, and run nothing."""
    words = shlex.split(line, comments=True)
    command: click.Command = cli
    context: click.Context | None = None
    name, rest = words[0], words[1:]
    while isinstance(command, click.Group):
        context = click.Context(command, info_name=name, parent=context)
        _, rest, _ = command.make_parser(context).parse_args(rest)
        if not rest:
            return  # a group by itself, in text
        name, rest = rest[0], rest[1:]
        child = command.get_command(context, name)
        assert child is not None, f"There is no such command: {line}"
        command = child
    try:
        command.make_context(name, list(rest), parent=context)
    except click.MissingParameter:
        assert not rest, line  # the bare name of a command, in text
    except click.UsageError as error:
        raise AssertionError(f"{line}: {error.format_message()}") from error


class TestCommandChecker:
    """The checks above are worth nothing if they let everything pass."""

    @pytest.mark.parametrize(
        "line",
        [
            "segue frobnicate",
            "segue serve --prot 8000",
            "segue train sound",
            "segue bundle erase ID",
            "segue similar",
            "segue --hme x train",
        ],
    )
    def test_refuses(self, line: str) -> None:
        if line == "segue similar":
            check_command(line)  # text may name a command without its arguments
            return
        with pytest.raises((AssertionError, click.UsageError)):
            check_command(line)


class TestAudioModelPage:
    def test_tells_the_network_as_it_is_built(self) -> None:
        text = read("audio-model.md")
        model = build_network("article", AudioConfig())
        rows = re.findall(r"^\| .+ \| ([\d × ]+) \| ([\d,]+) \|$", text, re.MULTILINE)
        built = [(layer.output.shape[1:], layer.count_params()) for layer in model.layers]
        assert rows == [(" × ".join(map(str, shape)), f"{n:,}") for shape, n in built]
        assert f"**{model.count_params():,}**" in text

    def test_tells_the_recipe_as_it_is(self) -> None:
        text = read("audio-model.md")
        recipe = RECIPES["article"]
        for words in (
            f"`{recipe.views}`",
            f"standard deviation {recipe.noise_std} ",
            f"temperature {recipe.temperature} ",
            f"| {recipe.batch_size} chunks;",
            f"learning rate {recipe.learning_rate} ",
            f"{recipe.epochs} epochs",
            f"at most {recipe.max_steps} steps",
        ):
            assert words in text
