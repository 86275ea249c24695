"""The `segue` command."""

from __future__ import annotations

import os
import re
import sys
import traceback
from pathlib import Path
from typing import NoReturn

import click

from api.cli.lazy import LazyGroup
from api.cli.output import logged_lines
from data.errors import ParameterError, SegueError

COMMANDS = {
    "demo": "Sample catalogue, training, service: the tour.",
    "import": "Read tracks, listens or embeddings of a team's own.",
    "export": "Write tracks, listens or embeddings to a file.",
    "data": "Sample and public data sets.",
    "embed": "Embed the tracks that have audio.",
    "train": "Train the models and publish a bundle.",
    "recommend": "Recommend tracks to a user, to all users, or for a history.",
    "similar": "Tracks like a track, or like a sound file.",
    "evaluate": "Measure the quality of recommendations.",
    "experiments": "What users listen to more: variants of the blend, compared.",
    "duplicates": "Tracks that are the same recording.",
    "map": "Draw the catalogue as a map of sound.",
    "bundle": "List, inspect, publish and roll back bundles.",
    "serve": "Serve recommendations over HTTP.",
}
"""Each command's one line of help; its module is `api.cli.<name>_command`.

The modules are imported when their command runs: several bring TensorFlow along, which takes
seconds that `segue bundle list` should not pay.
"""


@click.group(
    cls=LazyGroup,
    lazy=COMMANDS,
    modules="api.cli.{}_command",
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(package_name="segue", prog_name="segue")
@click.option(
    "--home",
    type=click.Path(path_type=Path),
    envvar="SEGUE_HOME",
    default=Path("segue-home"),
    show_default="$SEGUE_HOME, else ./segue-home",
    help="Directory that holds everything of one installation.",
)
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    default=None,
    show_default="$SEGUE_CONFIG, else segue.toml in the home",
    help="Settings file.",
)
@click.pass_context
def cli(ctx: click.Context, home: Path, config: Path | None) -> None:
    """Segue recommends music: by what a track sounds like and by who plays it."""
    ctx.obj = {"home": home, "config": config}
    ctx.with_resource(logged_lines())


_RANGE = re.compile(r"(is not a valid (?:integer|float)) range")
"""What click says of a word where a number in a range is wanted: that the word is no range."""


def _fail(message: str, status: int) -> NoReturn:
    click.echo(f"segue: {' '.join(message.split())}", err=True)
    sys.exit(status)


def _drop_output() -> None:
    """Let nothing more reach standard output, so that the end of Python has nothing to say."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _refusal(error: OSError) -> str:
    """Say what the system refused."""
    reason = (error.strerror or str(error)).rstrip(".")
    if _of_output(error):
        _drop_output()
        return f"Standard output cannot be written: {reason}. Send it elsewhere."
    if error.filename is not None:
        return f"{error.filename} cannot be used: {reason}. (SEGUE_DEBUG=1 shows where.)"
    return f"The system refuses: {reason}. (SEGUE_DEBUG=1 shows where.)"


def _of_output(error: OSError) -> bool:
    """Whether standard output was to be written: it still holds that, or `click.echo` failed."""
    try:
        sys.stdout.flush()
    except OSError:
        return True
    frames = [frame.f_code for frame, _ in traceback.walk_tb(error.__traceback__)]
    return frames[-1] is click.echo.__code__


def main() -> None:
    """Run the command line; every error is one line, and an exit status of 1 or 2."""
    try:
        status = cli(prog_name="segue", standalone_mode=False)
        sys.exit(status if isinstance(status, int) else 0)
    except click.exceptions.Exit as stop:
        sys.exit(stop.exit_code)
    except click.exceptions.NoArgsIsHelpError as stop:
        click.echo(stop.ctx.get_help() if stop.ctx else "")
        sys.exit(2)
    except click.UsageError as error:
        hint = f" See `{error.ctx.command_path} --help`." if error.ctx else ""
        _fail(_RANGE.sub(r"\1", error.format_message()) + hint, 2)
    except click.ClickException as error:
        _fail(error.format_message(), 1)
    except ParameterError as error:
        _fail(str(error), 2)
    except SegueError as error:
        _fail(str(error), 1)
    except (KeyboardInterrupt, click.Abort):
        _fail("Interrupted.", 130)
    except BrokenPipeError:
        # Whoever read our output has gone; say nothing, not even at exit.
        _drop_output()
        sys.exit(1)
    except OSError as error:
        if os.environ.get("SEGUE_DEBUG"):
            raise
        _fail(_refusal(error), 1)
    except Exception as error:
        if os.environ.get("SEGUE_DEBUG"):
            raise
        kind = type(error).__name__
        _fail(f"Unexpected {kind}: {error} (SEGUE_DEBUG=1 shows where.)", 1)
