"""The training pipeline: what the store holds -> models -> a bundle -> the gate -> published."""

from __future__ import annotations

from dataclasses import replace

from data.catalog import Catalog
from data.checks import check_choice
from data.errors import DataError
from data.interactions import Interactions
from data.store import Store
from engine.behaviour import inherit_behaviour
from engine.bundle import Acoustic, Behaviour, Bundle, BundleContents, BundleRegistry
from engine.config import Sections
from engine.home import Home
from engine.modelling import assemble
from engine.training.hearing import find_duplicates, hear
from engine.training.listening import learn_behaviour
from engine.training.publishing import objections, open_parent, publish, write
from engine.training.ranking import learn_to_rank, recipe_of
from engine.training.report import Listeners, Start, TrainingReport
from engine.training.run import Run

PARTS = ("all", "audio", "cf", "ranker")

_INHERITING = ("audio", "ranker")
"""Parts that keep the factors of the current bundle."""


def train(
    home: Home,
    store: Store,
    sections: Sections,
    *,
    part: str = "all",
    workers: int = 1,
    publish: bool = True,
    start: Start | None = None,
    listeners: Listeners | None = None,
) -> TrainingReport:
    """Train from what the store holds, write a bundle, and publish it if it passes the gate.

    Parameters
    ----------
    home : Home
    store : Store
    sections : Sections
        Settings.
    part : {"all", "audio", "cf", "ranker"}
        "all" trains ALS, and an encoder only if neither the home's own nor the pretrained one fits
        the settings. "audio" trains a new encoder, from the pretrained one where that fits, and
        keeps the factors of the current bundle. "ranker" keeps these, and the encoder. "cf" trains
        ALS and keeps the encoder. Tracks that are new or changed are embedded in any case.
    workers : int
        Processes that decode sound files.
    publish : bool
        Whether to publish the bundle.
    start : Start, optional
        What training begins with.
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
        told = listeners or Listeners()
        run = Run(home, store, sections, workers, told, start or Start())
        _stages(run, part, to_be_published=publish)
        return run.report


def _stages(run: Run, part: str, *, to_be_published: bool) -> None:
    registry = BundleRegistry(run.home.bundles)
    catalog, plays = _read(run)
    parent = open_parent(registry)
    factors_of = parent if part in _INHERITING else None
    contents = _modelled(run, catalog, plays, part, parent=parent)
    recipe = recipe_of(run, contents, factors_of)
    ranker, trial = learn_to_rank(run, plays, contents, parent, recipe)
    contents = replace(contents, ranker=ranker)
    found = objections(run, plays, contents, parent, recipe=recipe, trial=trial)
    write(run, registry, contents, parent, factors_of=factors_of)
    if to_be_published:
        publish(run, registry, found)


def _read(run: Run) -> tuple[Catalog, Interactions]:
    catalog = run.store.load_catalog()
    if not len(catalog):
        raise DataError(
            "There is nothing to learn from. Import tracks with `segue import tracks FILE` "
            "or listens with `segue import listens FILE`."
        )
    with run.timed("read"):
        plays = run.store.load_feedback(catalog.tracks).plays
    run.report.tracks = len(catalog)
    run.report.users = len(plays.users)
    run.report.plays = len(plays)
    return catalog, plays


def _modelled(
    run: Run, catalog: Catalog, plays: Interactions, part: str, *, parent: Bundle | None
) -> BundleContents:
    """Make everything of the bundle but its ranker."""
    acoustic = hear(run, catalog, part)
    behaviour = _behaviour(run, catalog, plays, acoustic, part, parent=parent)
    if acoustic is None and behaviour is None:
        raise DataError(
            "There are tracks, but neither plays nor sound to learn from. Import listens or "
            "embeddings, or give tracks an `audio_path`."
        )
    duplicates = find_duplicates(run, catalog, acoustic)
    return assemble(plays, catalog, acoustic=acoustic, behaviour=behaviour, duplicates=duplicates)


def _behaviour(
    run: Run,
    catalog: Catalog,
    plays: Interactions,
    acoustic: Acoustic | None,
    part: str,
    *,
    parent: Bundle | None,
) -> Behaviour | None:
    if part in _INHERITING and parent is not None:
        space = acoustic.space if acoustic else None
        return inherit_behaviour(parent, catalog, plays.users, space=space)
    return learn_behaviour(run, catalog, plays, acoustic, parent=parent)
