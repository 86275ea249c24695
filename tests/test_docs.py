"""The documentation against the code: what it names exists, and what exists is named."""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import click
import pytest
from apiflask import APIFlask

from api.cli.main import cli
from api.config import Settings
from api.http.app import create_app
from api.http.services import Services
from audio_model.config import AudioConfig
from audio_model.recipes import RECIPES
from engine.experiments import Experiment, Variant
from engine.home import Home
from engine.ranking.holdout import PARTS
from ranker.features import FEATURES, NAMES
from ranker.rules import KINDS, Where
from ranker.sources import SIGNAL_OF

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_ENDPOINT = re.compile(r"`((?:GET|POST|PUT|PATCH|DELETE) /[^`\s]*)`")
_EXAMPLE = re.compile(r"http://127\.0\.0\.1:8000(/[^\s'\"?>]*)")
_PATH = re.compile(r"`((?:data|audio_model|cf_model|ranker|engine|api|tests|docs)/[\w/.]*)`")
_SECTIONS = [name for name in Settings.model_fields if name != "rules"]
_SETTING = re.compile(rf"`({'|'.join(_SECTIONS)})\.([a-z_]+)\b")

of_page = pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))


def read(name: str) -> str:
    return (ROOT / "docs" / name).read_text("utf-8")


def blocks(page: Path, language: str) -> list[str]:
    return [text for name, text in _FENCE.findall(page.read_text("utf-8")) if name == language]


def prose(page: Path) -> str:
    return _FENCE.sub("", page.read_text("utf-8"))


class TestGeneratedPages:
    @pytest.mark.parametrize("name", ["commands.md", "configuration.md"])
    def test_equal_what_the_code_generates(self, name: str) -> None:
        from docs.generate import pages  # imports every command, and TensorFlow with them

        path = ROOT / "docs" / name
        committed = path.read_text("utf-8") if path.is_file() else ""
        assert committed == pages()[path], f"docs/{name} is out of date: run `make docs`."

    def test_hold_every_command(self) -> None:
        page = read("commands.md")
        assert [n for n in command_names(cli, "segue") if f"## `{n}`\n" not in page] == []

    def test_hold_every_setting_under_its_section(self) -> None:
        parts = re.split(r"^## `\[+", read("configuration.md"), flags=re.MULTILINE)[1:]
        for part, (section, field) in zip(parts, Settings.model_fields.items(), strict=True):
            assert part.startswith(f"{section}]")
            found = re.findall(r"^\| `(\w+)` \|", part, re.MULTILINE)
            if section == "rules":
                models = (*KINDS.values(), Where)
                keys = {f.alias or n for model in models for n, f in model.model_fields.items()}
                assert set(found) == keys - {"kind"}
                assert [kind for kind in KINDS if f'`kind = "{kind}"`' not in part] == []
                continue
            models = (Experiment, Variant) if section == "experiments" else (field.annotation,)
            assert found == [n for model in models for n in model.model_fields]  # type: ignore[union-attr]


def command_names(command: click.Command, path: str) -> Iterator[str]:
    yield path
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            assert child is not None
            yield from command_names(child, f"{path} {name}")


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[APIFlask]:
    home = Home(tmp_path_factory.mktemp("home"))
    services = Services.open(home, Settings(), redis_url=None, audio_socket=home.root / "a.sock")
    yield create_app(services)
    services.close()


@pytest.fixture(scope="module")
def endpoints(app: APIFlask) -> set[str]:
    found = set()
    for rule in app.url_map.iter_rules():
        path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)
        found |= {f"{method} {path}" for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}}
    return found


class TestHttp:
    def test_every_endpoint_is_documented_and_no_other(self, endpoints: set[str]) -> None:
        assert set(_ENDPOINT.findall(prose(ROOT / "docs" / "http.md"))) == endpoints

    def test_endpoints_of_the_readme_exist(self, endpoints: set[str]) -> None:
        named = set(_ENDPOINT.findall(prose(ROOT / "README.md")))
        assert named
        assert named <= endpoints

    def test_every_field_and_parameter_is_named(self, app: APIFlask) -> None:
        operations = [o for path in app.spec["paths"].values() for o in path.values()]
        names = {p["name"] for o in operations for p in o.get("parameters", [])}
        for schema in app.spec["components"]["schemas"].values():
            names |= set(schema.get("properties", {}))
        text = read("http.md")
        assert len(names) > 30
        assert {name for name in names if not re.search(rf"\b{name}\b", text)} == set()

    def test_every_problem_that_is_named_exists(self) -> None:
        code = "".join(p.read_text("utf-8") for p in (ROOT / "api" / "http").rglob("*.py"))
        kinds = re.findall(r"urn:segue:([\w-]+)", read("http.md"))
        assert len(kinds) > 5
        assert [kind for kind in kinds if f'"{kind}"' not in code] == []

    @of_page
    def test_addresses_of_examples_exist(self, app: APIFlask, page: Path) -> None:
        adapter = app.url_map.bind("127.0.0.1")
        paths = _EXAMPLE.findall(page.read_text("utf-8"))
        assert [path for path in paths if not adapter.allowed_methods(path)] == []


class TestPages:
    @of_page
    def test_relative_links_resolve(self, page: Path) -> None:
        for link in _LINK.findall(prose(page)):
            path, _, anchor = link.partition("#")
            if not re.match(r"[a-z]+:", link):
                target = (page.parent / path).resolve() if path else page
                assert target.exists(), link
                assert not anchor or anchor in anchors(target), link

    def test_all_can_be_reached_from_the_readme(self) -> None:
        found: set[Path] = set()
        todo = [ROOT / "README.md"]
        while todo:
            page = todo.pop()
            found.add(page)
            links = (link.partition("#")[0] for link in _LINK.findall(prose(page)))
            linked = {(page.parent / link).resolve() for link in links if link.endswith(".md")}
            todo += [path for path in linked - found if path.is_file()]
        assert set(PAGES) - found == set()

    @of_page
    def test_commands_parse(self, page: Path) -> None:
        for line in commands_in_blocks(page):
            parse(line)
        for line in commands_in_text(page):
            parse(line, whole=False)

    @of_page
    def test_settings_in_examples_are_read(self, page: Path) -> None:
        for text in blocks(page, "toml"):
            Settings.model_validate(tomllib.loads(text))

    @of_page
    def test_json_is_json(self, page: Path) -> None:
        for text in blocks(page, "json"):
            json.loads(text)

    @of_page
    def test_files_of_the_code_exist(self, page: Path) -> None:
        assert [p for p in _PATH.findall(prose(page)) if not (ROOT / p).exists()] == []

    @of_page
    def test_settings_exist(self, page: Path) -> None:
        for section, key in _SETTING.findall(prose(page)):
            model = Settings.model_fields[section].annotation
            assert key in model.model_fields, f"{section}.{key}"  # type: ignore[union-attr]


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as forges make them from their text."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def commands_in_blocks(page: Path) -> list[str]:
    """Return every command line of `segue` in the shell blocks of a page."""
    parts = [
        re.sub(r"^(?:[A-Z_]+=\S+ )+", "", part.strip())  # variables set for one command
        for text in blocks(page, "sh")
        for line in text.replace("\\\n", " ").splitlines()
        for part in re.split(r"&&|\|\s", line)
    ]
    return [part for part in parts if part.startswith("segue ")]


def commands_in_text(page: Path) -> list[str]:
    """Return every command line of `segue` in the text of a page."""
    lines = re.findall(r"`(segue [^`]*)`", prose(page))
    patterns = re.compile(r"[\[|]|\.\.\.")  # `segue train [all|audio|cf]` is no command line
    return [line for line in lines if not patterns.search(line)]


def parse(line: str, *, whole: bool = True) -> None:
    """Parse a command line as it would be, and run nothing.

    Raises
    ------
    click.UsageError
        If a command, an option or a choice does not exist, or, in a `whole` line, an argument is
        missing.
    """
    words = shlex.split(line, comments=True)
    command: click.Command = cli
    context: click.Context | None = None
    while isinstance(command, click.Group):
        context = click.Context(command, info_name=words[0], parent=context)
        given = words
        _, words, _ = command.make_parser(context).parse_args(words[1:])
        if not words and command.invoke_without_command:
            command.make_context(given[0], given[1:], parent=context.parent)
            return
        if not words and not whole:
            return
        found = command.get_command(context, words[0]) if words else None
        if found is None:
            raise click.UsageError(f"No such command: {line}")
        command = found
    try:
        command.make_context(words[0], words[1:], parent=context)
    except click.MissingParameter:
        if whole:
            raise


class TestParse:
    def test_accepts_what_exists(self) -> None:
        parse("segue --home x recommend USER -n 5 --strategy cf  # a comment")
        parse("segue import", whole=False)
        parse("segue map --method tsne", whole=False)
        parse("segue evaluate -k 5")
        parse("segue evaluate audio --seed 1")

    @pytest.mark.parametrize(
        "line",
        [
            "segue frobnicate",
            "segue bundle erase ID",
            "segue serve --prot 8000",
            "segue --hme x train",
            "segue train sound",
            "segue similar one two",
            "segue evaluate --protocol lunar",
            "segue evaluate sound",
        ],
    )
    @pytest.mark.parametrize("whole", [True, False])
    def test_refuses_what_does_not(self, line: str, whole: bool) -> None:
        with pytest.raises(click.UsageError):
            parse(line, whole=whole)

    @pytest.mark.parametrize("line", ["segue import", "segue similar", "segue map --method tsne"])
    def test_refuses_half_a_line(self, line: str) -> None:
        with pytest.raises(click.UsageError):
            parse(line)

    def test_finds_lines_in_blocks_and_in_text(self, tmp_path: Path) -> None:
        page = tmp_path / "page.md"
        page.write_text(
            "Say `segue train cf`, or `segue train [all|cf]`:\n\n"
            "```sh\nmake x && A=1 segue a \\\n  -b  # c\ncurl y\n```\n"
        )
        assert commands_in_blocks(page) == ["segue a    -b  # c"]
        assert commands_in_text(page) == ["segue train cf"]


class TestAudioModelPage:
    @pytest.mark.parametrize("recipe", ["article", "crops"])
    def test_tells_the_network_as_it_is_built(self, recipe: str) -> None:
        from audio_model.network import build_network  # loads TensorFlow

        name = RECIPES[recipe].architecture
        model = build_network(name, AudioConfig(recipe=recipe))
        section = read("audio-model.md").split(f"### `{name}`")[1].split("###")[0]
        rows = re.findall(r"^\| .+ \| ([\d × ]+) \| ([\d,]+) \|$", section, re.MULTILINE)
        shapes = [tuple(layer.output.shape[1:]) for layer in model.layers]
        told = [tuple(int(n) for n in shape.split(" × ")) for shape, _ in rows]
        # A row may stand for several layers; in their order, and with all of their parameters.
        assert [s for s, _ in groupby(shapes)] == [s for s, _ in groupby(told)]
        assert sum(int(n.replace(",", "")) for _, n in rows) == model.count_params()
        assert f"**{model.count_params():,}**" in section

    def test_tells_the_recipe_of_crops_as_it_is(self) -> None:
        text = read("audio-model.md").split("### `crops`")[1].split("###")[0]
        recipe, how = RECIPES["crops"], RECIPES["crops"].augmentation
        for words in (
            f"`{recipe.views}`",
            f"e^±{how.stretch})",
            f"up to {how.pitch_bands:g} of 128",
            f"{how.mix:.0%} of the crops",
            f"{how.mix_db[0]:g} to {how.mix_db[1]:g} dB softer",
            f"{how.equalise:.0%} of the crops",
            f"each up to {how.equalise_db:g} dB",
            f"{how.gain_db[0]:g} to +{how.gain_db[1]:g} dB",
            f"{how.masks} bands of less than {how.mask_bands}",
            f"temperature {recipe.temperature} ",
            f"| {recipe.batch_size} tracks;",
            f"weight decay {recipe.weight_decay},",
            f"to {recipe.learning_rate},",
            f"| {recipe.max_steps} steps |",
            f"{recipe.tuning.max_steps} steps at {recipe.tuning.rate:.0%} of the learning rate",
            f"{recipe.tuning.kin_weight:.0%} of the loss",
            f"{recipe.tuning.share:.0%} of what training found",
            f"variance ** -{recipe.whitening / 2:g} ",
        ):
            assert words in text, words

    def test_tells_the_recipe_of_the_article_as_it_is(self) -> None:
        text = read("audio-model.md").split("## Recipes")[1].split("### `article`")[1]
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


class TestRankingPage:
    def test_tells_every_feature_as_it_is(self) -> None:
        section = read("ranking.md").split("## Features")[1].split("\n## ")[0]
        told = {
            name: (signal, note)
            for names, signal, note in re.findall(
                r"^\| (`.+`) \| ([\w ]+) \| (\w*) ?\|", section, re.MULTILINE
            )
            for name in re.findall(r"`(\w+)`", names)
        }
        assert set(told) == set(NAMES)
        for feature in FEATURES:
            note = "rising" if feature.monotone else "track" if feature.of_track else ""
            signal = "of the user" if feature.signal == "user" else feature.signal
            assert told[feature.name] == (signal, note), feature.name
        assert f"One row of {len(FEATURES)} numbers" in section

    def test_tells_every_retriever(self) -> None:
        section = read("ranking.md").split("## Candidates")[1].split("\n## ")[0]
        assert set(re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)) == set(SIGNAL_OF)

    def test_tells_the_parts_as_they_are(self) -> None:
        text = read("ranking.md").split("**Parts.**")[1].split("\n\n")[0]
        train, stop, judge = PARTS
        for words in (f"{train:.0%} to grow", f"{stop:.0%} to choose", f"{judge:.0%} to judge"):
            assert words in text, words
