"""Writes the reference pages that follow from the code: `make docs`.

`pages()` is also what a test compares the committed pages with, so that no command or setting is
ever undocumented or described as it no longer is.
"""

from __future__ import annotations

from pathlib import Path
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

import click
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from api.cli.main import COMMANDS, cli
from api.config import Settings

HERE = Path(__file__).parent

_CONFIGURATION = """# Settings

<!-- Written by `make docs` from the code. Do not edit. -->

Settings live in one TOML file: `--config FILE`, else `$SEGUE_CONFIG`, else `segue.toml` in the
home. Each can also be set by an environment variable, which wins. An unknown key is an error.

```toml
[cf]
factors = 128

[api]
port = 8080
```

`SEGUE_CF__FACTORS=128` says the same as the first of these. `SEGUE_HOME` names the home and
`SEGUE_REDIS_URL` a Redis server; without it, an embedded one is started.
"""

_COMMANDS = """# Commands

<!-- Written by `make docs` from the code. Do not edit. -->

Exit status 0: done. 1: the work failed. 2: the arguments are wrong. Errors are one line on standard
error. Progress goes to standard error: a bar on a terminal, plain lines elsewhere. Tables are
tab-separated where standard output is not a terminal.
"""


def _type_name(annotation: Any) -> str:
    if get_origin(annotation) is Literal:
        return ", ".join(f"`{value}`" for value in get_args(annotation))
    if get_origin(annotation) in (Union, UnionType):
        return " or ".join(_type_name(a) for a in get_args(annotation) if a is not type(None))
    return getattr(annotation, "__name__", str(annotation))


def _setting(section: str, name: str, field: FieldInfo) -> str:
    default = field.get_default(call_default_factory=True)
    shown = "none" if default is None else f"`{default}`"
    variable = f"`SEGUE_{section}__{name}`".upper()
    description = " ".join((field.description or "").split())
    kind = _type_name(field.annotation)
    return f"| `{name}` | {kind} | {shown} | {description} {variable} |"


def configuration() -> str:
    """Return the page of all settings."""
    parts = [_CONFIGURATION]
    for section, field in Settings.model_fields.items():
        model = field.annotation
        assert isinstance(model, type)
        assert issubclass(model, BaseModel)
        summary = " ".join((model.__doc__ or "").split("\n\n")[0].split())
        parts.append(f"## `[{section}]`\n\n{summary}\n")
        rows = [_setting(section, name, info) for name, info in model.model_fields.items()]
        parts.append("\n".join(["| key | type | default | meaning |", "|---|---|---|---|", *rows]))
        parts.append("")
    return "\n".join(parts)


def _help(command: click.Command, path: str, parent: click.Context) -> list[str]:
    with click.Context(command, info_name=path.split()[-1], parent=parent) as context:
        context.max_content_width = context.terminal_width = 90
        found = [f"## `{path}`\n\n```text\n{command.get_help(context)}\n```\n"]
        if isinstance(command, click.Group):
            for name in command.list_commands(context):
                child = command.get_command(context, name)
                assert child is not None
                found += _help(child, f"{path} {name}", context)
    return found


def commands() -> str:
    """Return the page of all commands."""
    with click.Context(cli, info_name="segue") as context:
        context.max_content_width = context.terminal_width = 90
        parts = [_COMMANDS, f"## `segue`\n\n```text\n{cli.get_help(context)}\n```\n"]
        for name in COMMANDS:
            command = cli.get_command(context, name)
            assert command is not None
            parts += _help(command, f"segue {name}", context)
    return "\n".join(parts)


def pages() -> dict[Path, str]:
    """Return the content of every generated page, by its path."""
    return {HERE / "configuration.md": configuration(), HERE / "commands.md": commands()}


if __name__ == "__main__":
    for path, content in pages().items():
        path.write_text(content, "utf-8")
        print(f"Wrote {path}.")
