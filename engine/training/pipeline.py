"""The training pipeline: what the store holds -> models -> a bundle -> the gate -> published."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from data.checks import check_choice
from data.errors import DataError
from data.store import Store
from engine.bundle import BundleContents, BundleRegistry
from engine.config import Sections
from engine.home import Home
from engine.training.behaviour import inherit_behaviour, train_behaviour
from engine.training.sound import (
    Progress,
)

IMPORTED = "imported"
"""Name of the embedding space that a team brings along."""

PARTS = ("all", "audio", "cf")


@dataclass
class TrainingReport:
    """What a training did.

    Attributes
    ----------
    bundle : str
        Id of the new bundle.
    published : bool
        Whether it is the current one now.
    refused : list of str
        Why the gate refused it.
    tracks, users, plays : int
        Size of what it learnt from.
    acoustic : str
        "imported", "encoder" or "none".
    bad_files : list of (track_id, path, reason)
        Sound files that were skipped.
    seconds : dict of str to float
        Time of each stage.
    """

    bundle: str = ""
    published: bool = False
    refused: list[str] = field(default_factory=list)
    tracks: int = 0
    users: int = 0
    plays: int = 0
    acoustic: str = "none"
    bad_files: list[tuple[str, Path, str]] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Listeners:
    """Who is told what, while a training runs."""

    progress: Progress | None = None
    on_bad_file: Callable[[str, Path, str], None] | None = None
    say: Callable[[str], None] = lambda _: None


def train(
    home: Home,
    store: Store,
    sections: Sections,
    *,
    part: str = "all",
    workers: int = 1,
    publish: bool = True,
    listeners: Listeners | None = None,
) -> TrainingReport:
    """Train from what the store holds, write a bundle, and publish it if it passes the gate.

    Parameters
    ----------
    home : Home
    store : Store
    sections : Sections
        Settings.
    part : {"all", "audio", "cf"}
        "all" trains ALS, and an encoder unless one that fits the settings is there already.
        "audio" trains a new encoder and keeps the factors of the current bundle. "cf" trains ALS
        and keeps the encoder. Tracks that are new or changed are embedded in any case.
    workers : int
        Processes that decode sound files.
    publish : bool
        Whether to publish the bundle.
    listeners : Listeners, optional
        Whom to tell about progress and bad files.

    Raises
    ------
    DataError
        If there is nothing to learn from.
    SegueError
        If another training runs in this home.
    """
    check_choice("part", part, PARTS)
    with home.lock("train"):
        return _Training(home, store, sections, workers, listeners or Listeners()).run(
            part, publish=publish
        )


@dataclass
class _Training:
    """One run; its methods are the stages, in their order."""

    home: Home
    store: Store
    sections: Sections
    workers: int
    listeners: Listeners
    report: TrainingReport = field(default_factory=TrainingReport)

    def run(self, part: str, *, publish: bool) -> TrainingReport:
        catalog = self.store.load_catalog()
        if not len(catalog):
            raise DataError(
                "There is nothing to learn from. Import tracks with `segue import tracks FILE` "
                "or listens with `segue import listens FILE`."
            )
        registry = BundleRegistry(self.home.bundles)
        parent = _open_parent(registry)
        plays = self._timed("read", lambda: self.store.load_feedback(catalog.tracks).plays)
        acoustic = self._acoustic(catalog, part)
        if part == "audio":
            behaviour = inherit_behaviour(parent, catalog, plays.users)
        else:
            self.listeners.say(f"Training ALS on {len(plays):,} plays.")
            behaviour = self._timed(
                "cf",
                lambda: train_behaviour(plays, self.sections.cf, progress=self.listeners.progress),
            )
        if acoustic is None and behaviour is None:
            raise DataError(
                "There are tracks, but neither plays nor sound to learn from. Import listens or "
                "embeddings, or give tracks an `audio_path`."
            )
        popularity = _popularity(plays)
        contents = BundleContents(catalog, plays.users, *popularity, acoustic, behaviour)
        self._describe(catalog, plays)
        self._write(registry, contents, parent.id if parent else None)
        return self._publish(registry) if publish else self.report

    def _timed[T](self, stage: str, work: Callable[[], T]) -> T:
        raise NotImplementedError
