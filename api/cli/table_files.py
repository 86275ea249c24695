"""Files of tables that commands read and write, by the suffixes that name formats."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from api.cli.out_files import OutFile
from data.errors import DataError, ParameterError
from data.readers.formats import format_of


class OutTable(OutFile):
    """A file of a table to write.

    Parameters
    ----------
    kind : str
        What the table holds, such as "tracks".
    """

    def __init__(self, kind: str) -> None:
        super().__init__()
        self._kind = kind

    def fault(self, path: Path) -> str | None:
        """Say what is wrong with a path; None if nothing is."""
        return _suffix_fault(path, self._kind) or super().fault(path)


class InTable(click.Path):
    """A file of a table to read; `check_there` says whether it is there.

    Parameters
    ----------
    kind : str
        What the table holds, such as "listens".
    """

    def __init__(self, kind: str) -> None:
        super().__init__(path_type=Path)
        self._kind = kind

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """Return the path, or fail as other options do."""
        path = Path(os.fsdecode(super().convert(value, param, ctx)))
        fault = _suffix_fault(path, self._kind)
        if fault is not None:
            self.fail(fault, param, ctx)
        return path


def check_there(option: str, path: Path | None) -> None:
    """Raise `ParameterError` if an option names a file to read that is not there."""
    if path is not None and not path.exists():
        raise ParameterError(f"`{option}`: there is no file {path}.")
    if path is not None and path.is_dir():
        raise ParameterError(f"`{option}`: {path} is a directory. Name a file.")


def _suffix_fault(path: Path, kind: str) -> str | None:
    try:
        format_of(path, kind)
    except DataError as error:
        return str(error)
    return None
