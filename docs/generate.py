"""Writes the reference pages that follow from the code: `make docs`.

`pages()` is also what a test compares the committed pages with, so that no command or setting is
ever undocumented or described as it no longer is.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import click
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from api.cli.main import COMMANDS, cli
from api.config import Settings
from ranker.rules import KINDS, Conditions, RuleBase, Where

HERE = Path(__file__).parent

_CONFIGURATION = """# Settings

<!-- Written by `make docs` from the code. Do not edit. -->

Settings live in one TOML file: `--config FILE`, else `$SEGUE_CONFIG`, else `segue.toml` in the
home. Every key is optional, and each can also be set by the variable beside it, which wins over the
file. An unknown key, a wrong value, or a variable `SEGUE_..__..` of an unknown section is an error
(exit status 2).

```toml
[cf]
factors = 128

[api]
port = 8080
```

`SEGUE_CF__FACTORS=128` says the same as the first of these. Changes of `audio`, `cf`, `learning`,
`engine.embeddings` and `engine.keep_bundles` take effect at the next `segue train`; all other
settings are read when a command, or `segue serve`, starts. [operations.md](operations.md) lists
the other variables.
"""

_COMMANDS = """# Commands

<!-- Written by `make docs` from the code. Do not edit. -->

| exit status | meaning |
|---|---|
| 0 | done |
| 1 | the work failed |
| 2 | the arguments or settings are wrong |
| 130 | interrupted (Ctrl-C) |

An error is one line on standard error; `SEGUE_DEBUG=1` shows where an unexpected one came from.
Progress goes to standard error: a bar on a terminal, plain lines elsewhere. Lists are
tab-separated where standard output is not a terminal; the reports of `segue evaluate` and
`segue experiments report` are text for people everywhere, and JSON by `--json FILE`. `--home` and
`--config` may stand before the command or behind it.
"""

_RULES = """## `[[rules]]`

What may be answered and where it stands: one table a rule, in the file only. [rules.md](rules.md)
says what rules do, and in which order.
"""

_TYPES: dict[Any, str] = {
    str: "text",
    int: "integer",
    float: "number",
    bool: "true or false",
    date: "day",
    datetime: "time or day",
    Path: "file",
    tuple[str, ...]: "text or several",
    Conditions: "table like `where`",
    Where: "table: `where`",
}
_LIMITS = {"gt": "above", "ge": "from", "lt": "below", "le": "to"}


def _kind(field: FieldInfo) -> str:
    """Say which values a field takes: "integer, from 1, to 256"."""
    limits = [
        f"{word} {getattr(limit, attribute)}"
        for attribute, word in _LIMITS.items()
        for limit in field.metadata
        if hasattr(limit, attribute)
    ]
    return ", ".join([_type_name(field.annotation), *limits])


def _type_name(annotation: Any) -> str:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "table"
    if get_origin(annotation) is tuple:
        inner = get_args(annotation)[0]
        return "tables" if _type_name(inner) == "table" else f"list of {_type_name(inner)}"
    if get_origin(annotation) is Literal:
        return ", ".join(f"`{value}`" for value in get_args(annotation))
    if get_origin(annotation) is Annotated:
        return _type_name(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        return " or ".join(_type_name(a) for a in get_args(annotation) if a is not type(None))
    if get_origin(annotation) is tuple:
        return f"list of {_type_name(get_args(annotation)[0])}"
    return _TYPES[annotation]


def _shown(default: Any) -> str:
    """Write a default as TOML does."""
    if isinstance(default, tuple):
        return "[" + ", ".join(f'"{value}"' for value in default) + "]"
    return str(default).lower()


def _setting(section: str, name: str, field: FieldInfo) -> str:
    default = field.get_default(call_default_factory=True)
    shown = "none" if default is None else f"`{_shown(default)}`"
    variable = f"`SEGUE_{section}__{name}`".upper()
    description = " ".join((field.description or "").split())
    return f"| `{name}` | {_kind(field)} | {shown} | {description} | {variable} |"


def configuration() -> str:
    """Return the page of all settings."""
    parts = [_CONFIGURATION]
    for section, field in Settings.model_fields.items():
        if section == "rules":
            parts += _rules()
            continue
        if get_origin(field.annotation) is tuple:
            parts += _tables(f"{section}", get_args(field.annotation)[0])
            continue
        model = field.annotation
        assert isinstance(model, type)
        assert issubclass(model, BaseModel)
        parts.append(f"## `[{section}]`\n\n{_summary(model)}\n")
        rows = [_setting(section, name, info) for name, info in model.model_fields.items()]
        head = "| key | value | default | meaning | variable |"
        parts.append("\n".join([head, "|---|---|---|---|---|", *rows]))
        parts.append("")
    return "\n".join(parts)


def _rules() -> list[str]:
    """Return the section of rules: what every one can say, its selector, and each kind's own."""
    common = dict(RuleBase.model_fields)
    parts = [_RULES, "### Every rule\n", _keys(common), "", "### `where`\n"]
    parts += [_keys(Where.model_fields), ""]
    for kind, model in KINDS.items():
        summary = (model.__doc__ or "").splitlines()[0]
        own = {n: f for n, f in model.model_fields.items() if n not in {*common, "kind"}}
        parts += [f'### `kind = "{kind}"`\n\n{summary}\n', _keys(own), ""]
    return parts


def _keys(fields: Mapping[str, FieldInfo]) -> str:
    rows = ["| key | value | default | meaning |", "|---|---|---|---|"]
    for name, field in fields.items():
        default = "required" if field.is_required() else f"`{field.default}`"
        shown = "" if field.default in (None, "") else default
        key, meaning = field.alias or name, field.description or ""
        rows.append(f"| `{key}` | {_kind(field)} | {shown} | {meaning} |")
    return "\n".join(rows)


def _summary(model: type[BaseModel]) -> str:
    return " ".join((model.__doc__ or "").split("\n\n")[0].split())


def _tables(path: str, model: type[BaseModel], level: int = 2) -> list[str]:
    """Describe a section of which there may be any number, and those within it."""
    parts = [f"{'#' * level} `[[{path}]]`\n\n{_summary(model)}\n"]
    rows = ["| key | value | default | meaning |", "|---|---|---|---|"]
    inner: list[str] = []
    for name, field in model.model_fields.items():
        default = field.get_default(call_default_factory=True)
        needed = field.is_required()
        plain = default is not None and not isinstance(default, BaseModel | tuple)
        shown = "required" if needed else f"`{str(default).lower()}`" if plain else "none"
        rows.append(f"| `{name}` | {_kind(field)} | {shown} | {field.description} |")
        item = get_args(field.annotation)[0] if get_origin(field.annotation) is tuple else None
        if isinstance(item, type) and issubclass(item, BaseModel):
            inner += _tables(f"{path}.{name}", item, level + 1)
    return [*parts, "\n".join(rows), "", *inner]


def _help(command: click.Command, path: str, parent: click.Context | None) -> list[str]:
    """Return the help of a command and of all commands under it, one section each."""
    settings = {"max_content_width": 90, "terminal_width": 90, **command.context_settings}
    with click.Context(command, info_name=path.split()[-1], parent=parent, **settings) as context:
        found = [f"## `{path}`\n\n```text\n{command.get_help(context)}\n```\n"]
        if isinstance(command, click.Group):
            names = COMMANDS if command is cli else command.list_commands(context)
            for name in names:
                child = command.get_command(context, name)
                assert child is not None
                found += _help(child, f"{path} {name}", context)
    return found


def commands() -> str:
    """Return the page of all commands."""
    return "\n".join([_COMMANDS, *_help(cli, "segue", None)])


def pages() -> dict[Path, str]:
    """Return the content of every generated page, by its path."""
    return {HERE / "configuration.md": configuration(), HERE / "commands.md": commands()}


if __name__ == "__main__":
    for path, content in pages().items():
        path.write_text(content, "utf-8")
        print(f"Wrote {path}.")
