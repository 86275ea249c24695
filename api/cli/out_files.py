"""Files that commands write, looked at before the work."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from data.files import why_not_writable


class OutFile(click.Path):
    """A file to write: it is refused before the work if it cannot be written.

    Parameters
    ----------
    allow_dash : bool
        Whether - stands for standard output.
    suffixes : tuple of str
        What its name may end in, in lower case; by default anything.
    """

    def __init__(self, *, allow_dash: bool = False, suffixes: tuple[str, ...] = ()) -> None:
        super().__init__(path_type=Path, allow_dash=allow_dash)
        self._suffixes = suffixes

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """Return the path, or fail as other options do."""
        path = Path(os.fsdecode(super().convert(value, param, ctx)))
        if self.allow_dash and str(path) == "-":
            return path
        fault = self.fault(path)
        if fault is not None:
            self.fail(fault, param, ctx)
        return path

    def fault(self, path: Path) -> str | None:
        """Say what is wrong with a path; None if nothing is."""
        if self._suffixes and path.suffix.lower() not in self._suffixes:
            known = ", ".join(filter(None, self._suffixes))
            return f"Its name must end in one of {known}. Received: {path.name}."
        reason = why_not_writable(path)
        return reason and f"{path} cannot be written: {reason}. Choose another file."
