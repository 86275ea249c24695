"""The directory that holds everything of one installation.

::

    SEGUE_HOME/
    ├── segue.toml          settings (optional)
    ├── segue.db            SQLite, unless a PostgreSQL URL is set
    ├── tuning.json         settings of ALS that a search found, and its trials
    ├── bundles/            immutable bundles and the `current` pointer
    ├── encoders/           trained audio encoders, one directory a fingerprint
    ├── cache/mel/          mel-spectrograms, so that epochs don't decode again
    ├── work/               checkpoints of training, trials of a search: safe to delete when none
    │                       is running
    ├── redis/              the embedded cache's socket and log
    ├── sample/             the demo's catalogue
    └── fma/, lastfm/       public data sets that were fetched
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from data.errors import ParameterError, SegueError


class Home:
    """Paths under one `SEGUE_HOME`; nothing is created before `create`."""

    def __init__(self, root: Path) -> None:
        self.root = root.expanduser().resolve()

    def __repr__(self) -> str:
        return f"Home({str(self.root)!r})"

    @property
    def settings(self) -> Path:
        """The settings file."""
        return self.root / "segue.toml"

    @property
    def bundles(self) -> Path:
        """Directory of bundles."""
        return self.root / "bundles"

    @property
    def encoders(self) -> Path:
        """Directory of trained encoders."""
        return self.root / "encoders"

    @property
    def mel_cache(self) -> Path:
        """Directory of cached mel-spectrograms."""
        return self.root / "cache" / "mel"

    @property
    def work(self) -> Path:
        """Directory of checkpoints."""
        return self.root / "work"

    @property
    def redis(self) -> Path:
        """Directory of the embedded Redis."""
        return self.root / "redis"

    def create(self) -> Home:
        """Make the directory, if it is not there.

        Raises
        ------
        ParameterError
            If it cannot be made, or is a file.
        """
        try:
            self.root.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ParameterError(
                f"The home {str(self.root)!r} cannot be made: {error.strerror}. "
                "Choose another with --home or SEGUE_HOME."
            ) from None
        return self

    @contextmanager
    def lock(self, name: str) -> Iterator[None]:
        """Hold the lock of a job that must run once a home; released even by a crash.

        Raises
        ------
        SegueError
            If another process holds it.
        """
        self.work.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.work / f"{name}.lock", os.O_RDWR | os.O_CREAT, 0o644)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise SegueError(
                    f"Another `segue {name}` is running in {str(self.root)!r}. "
                    "Wait for it, or use another --home."
                ) from None
            yield
        finally:
            os.close(descriptor)
