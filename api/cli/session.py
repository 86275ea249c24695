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
from data.store import Store
from engine.bundle import BundleRegistry
from engine.home import Home
from engine.live import Models


@dataclass(frozen=True)
class Session:
    """One run of a command in one home."""

    home: Home
    settings: Settings
    config: Path | None = None

    @contextmanager
    def store(self) -> Iterator[Store]:
        """Open the store; the home is made if it is not there."""
        self.home.create()
        with Store.open(self.settings.data.url(self.home.root)) as store:
            yield store

    @property
    def registry(self) -> BundleRegistry:
        """The bundles of the home."""
        return BundleRegistry(self.home.bundles)

    def models(self) -> Models:
        """Open the current bundle."""
        return Models.of(self.registry.open_current(), self.settings)


def with_session(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command `--home` and `--config`, and a `Session` as its first argument."""

    @functools.wraps(function)
    def wrapper(*, own_home: Path | None, own_config: Path | None, **arguments: Any) -> Any:
        common = click.get_current_context().find_root().obj
        home = Home(own_home or common["home"])
        config = own_config or common["config"]
        return function(Session(home, load_settings(home, config), config), **arguments)

    path = click.Path(path_type=Path)
    home = click.option("--home", "own_home", type=path, default=None, help="See `segue -h`.")
    config = click.option("--config", "own_config", type=path, default=None, hidden=True)
    return home(config(wrapper))
