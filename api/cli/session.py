"""What every command starts from: a home, its settings, its store, its bundle."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from api.config import Settings, load_settings
from data.errors import DataError, ParameterError
from data.store import Store
from engine.bundle import BundleRegistry
from engine.home import Home
from engine.live import Models


@dataclass(frozen=True)
class Session:
    """One run of a command in one home.

    Attributes
    ----------
    home : Home
    settings : Settings
    config : Path, optional
        The settings file that was named.
    reads : bool
        Whether the command only reads, so that a home that is not there is an error.
    """

    home: Home
    settings: Settings
    config: Path | None = None
    reads: bool = False

    @contextmanager
    def store(self) -> Iterator[Store]:
        """Open the store; the home is made if it is not there, unless the command only reads."""
        if self.reads:
            self._check_home()
        else:
            self.home.create()
        with Store.open(self.settings.data.url(self.home.root)) as store:
            yield store

    @property
    def registry(self) -> BundleRegistry:
        """The bundles of the home."""
        if self.reads:
            self._check_home()
        return BundleRegistry(self.home.bundles)

    def _check_home(self) -> None:
        root = self.home.root
        if root.exists() and not root.is_dir():
            raise ParameterError(
                f"The home {str(root)!r} is not a directory. Choose another with --home or "
                "SEGUE_HOME."
            )
        # Where the database is elsewhere, there may be something to read without a home.
        if not root.exists() and self.settings.data.database_url is None:
            raise DataError(
                f"There is no home {str(root)!r}. Choose another with --home or SEGUE_HOME, or "
                "begin this one with `segue import` and `segue train`."
            )

    def models(self) -> Models:
        """Open the current bundle."""
        return Models.of(self.registry.open_current(), self.settings)


def with_session(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command `--home` and `--config`, and a `Session` as its first argument."""
    return _with_session(function, reads=False)


def with_existing_home(function: Callable[..., Any]) -> Callable[..., Any]:
    """Do what `with_session` does, for a command that only reads and begins no home."""
    return _with_session(function, reads=True)


def _with_session(function: Callable[..., Any], *, reads: bool) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapper(*, own_home: Path | None, own_config: Path | None, **arguments: Any) -> Any:
        common = click.get_current_context().find_root().obj
        home = Home(own_home or common["home"])
        config = own_config or common["config"]
        session = Session(home, load_settings(home, config), config, reads=reads)
        return function(session, **arguments)

    path = click.Path(path_type=Path)
    home = click.option("--home", "own_home", type=path, default=None, help="See `segue -h`.")
    config = click.option("--config", "own_config", type=path, default=None, hidden=True)
    return home(config(wrapper))
