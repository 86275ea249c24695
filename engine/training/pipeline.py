"""The training pipeline: what the store holds -> models -> a bundle -> the gate -> published."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from audio_model.cache import MelCache
from audio_model.keras_encoder import KerasEncoder
from data.catalog import Catalog
from data.checks import check_choice
from data.errors import BundleError, DataError
from data.interactions import Interactions
from data.store import Store
from engine.behaviour import Lesson, inherit_behaviour, train_behaviour
from engine.bundle import (
    Acoustic,
    Behaviour,
    Bundle,
    BundleContents,
    BundleRegistry,
    write_bundle,
)
from engine.config import Sections
from engine.duplicates import Duplicates, Recordings
from engine.encoders import current_encoder
from engine.gate import compare, faults, keeping_factors, shrinkage
from engine.home import Home
from engine.modelling import assemble
from engine.ranking import Recipe, Trial, learn_ranker
from engine.spaces import IMPORTED, stored_acoustic
from engine.training.encoder import (
    fitting_encoder,
    pretrained_start,
    train_new_encoder,
    why_to_train,
)
from engine.training.report import Listeners, Start, TrainingReport
from engine.training.sound import audio_files, drop_unused_spaces, embed_catalog
from engine.tuning import tuned_config
from ranker.lambdamart import LambdaMART

PARTS = ("all", "audio", "cf", "ranker")

_RECORDED = {
    "audio",
    "cf",
    "prior",
    "taste",
    "ranker",
    "learning",
    "engine",
}  # not `data` and `api`: they hold passwords


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
        run = _Training(home, store, sections, workers, told, start or Start())
        return run.run(part, publish=publish)


@dataclass
class _Training:
    """One run; its methods are the stages, in their order."""

    home: Home
    store: Store
    sections: Sections
    workers: int
    listeners: Listeners
    start: Start
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
        with self._timed("read"):
            plays = self.store.load_feedback(catalog.tracks).plays
        self._describe(catalog, plays)
        acoustic = self._acoustic(catalog, part)
        inherits = part in ("audio", "ranker") and parent is not None
        if inherits:
            assert parent is not None, "there is something to inherit"
            space = acoustic.space if acoustic else None
            behaviour = inherit_behaviour(parent, catalog, plays.users, space=space)
        else:
            behaviour = self._behaviour(catalog, plays, acoustic, parent=parent)
        if acoustic is None and behaviour is None:
            raise DataError(
                "There are tracks, but neither plays nor sound to learn from. Import listens or "
                "embeddings, or give tracks an `audio_path`."
            )
        duplicates = self._duplicates(catalog, acoustic)
        contents = assemble(
            plays, catalog, acoustic=acoustic, behaviour=behaviour, duplicates=duplicates
        )
        factors_of = parent if inherits else None
        recipe = self._recipe(contents, factors_of)
        ranker, trial = self._ranker(plays, contents, parent, recipe)
        contents = replace(contents, ranker=ranker)
        objections = self._objections(plays, contents, parent, recipe=recipe, trial=trial)
        with self._timed("write"):
            self._write(registry, contents, parent, factors_of=factors_of)
        if publish:
            self._publish(registry, objections)
        return self.report

    @contextmanager
    def _timed(self, stage: str) -> Iterator[None]:
        start = time.monotonic()
        yield
        self.report.seconds[stage] = round(time.monotonic() - start, 2)

    def _describe(self, catalog: Catalog, plays: Interactions) -> None:
        self.report.tracks = len(catalog)
        self.report.users = len(plays.users)
        self.report.plays = len(plays)

    def _acoustic(self, catalog: Catalog, part: str) -> Acoustic | None:
        """Take the imported embeddings, or make those of the encoder, as the settings say."""
        choice = self.sections.engine.embeddings
        imported = IMPORTED in self.store.spaces()
        if choice == "imported" and not imported:
            raise DataError(
                "`engine.embeddings` is 'imported', but none were. "
                "Import them with `segue import embeddings FILE`."
            )
        if imported and choice != "encoder":
            if part == "audio":
                raise DataError(
                    "Imported embeddings are in use, so there is no encoder to train. "
                    "Set `engine.embeddings` to 'encoder' to use the sound files instead."
                )
            self.report.acoustic = "imported"
            return stored_acoustic(self.store, IMPORTED, catalog, encoder=None)
        files = audio_files(catalog)
        if not files and part == "audio":
            raise DataError("No track has an `audio_path`, so there is no sound to learn from.")
        return self._heard(files, catalog, part) if files else None

    def _heard(self, files: list[tuple[str, Path]], catalog: Catalog, part: str) -> Acoustic | None:
        config, say = self.sections.audio, self.listeners.say
        encoder = None if part == "audio" else fitting_encoder(self.home, config, say=say)
        if encoder is None and part in ("cf", "ranker"):
            return None
        if encoder is None:
            encoder = self._trained(catalog, len(files))
        self.listeners.say(f"Embedding what is new of {len(files):,} files.")
        with self._timed("embed"):
            embedding = embed_catalog(
                files,
                encoder,
                self.store,
                cache=MelCache(self.home.mel_cache, config),
                workers=self.workers,
                progress=self.listeners.progress,
                on_bad_file=self.listeners.on_bad_file,
            )
        self.report.bad_files = embedding.bad
        self.report.acoustic = "encoder"
        directory = current_encoder(self.home)
        return stored_acoustic(self.store, encoder.fingerprint, catalog, encoder=directory)

    def _trained(self, catalog: Catalog, files: int) -> KerasEncoder:
        config, say = self.sections.audio, self.listeners.say
        start = None if self.start.from_scratch else pretrained_start(config)
        if start is None and not self.start.from_scratch:
            say(why_to_train(config))
        origin = "initial" if start is None else "the pretrained"
        say(f"Training the audio encoder on {files:,} files, from {origin} weights.")
        with self._timed("encoder"):
            return train_new_encoder(
                self.home,
                catalog,
                config,
                store=self.store,
                start=start,
                workers=self.workers,
                progress=self.listeners.progress,
                say=say,
            )

    def _duplicates(self, catalog: Catalog, acoustic: Acoustic | None) -> Duplicates | None:
        """Group the tracks that are the same recording, by the prints of their sound."""
        if acoustic is None or acoustic.encoder is None:
            return None
        recordings = Recordings(*self.store.load_recordings(acoustic.space, catalog.tracks))
        if not recordings.words.size:
            return None
        with self._timed("duplicates"):
            found = Duplicates.find(recordings)
        self.report.duplicates = int((found.representatives != np.arange(len(catalog))).sum())
        return found

    def _behaviour(
        self,
        catalog: Catalog,
        plays: Interactions,
        acoustic: Acoustic | None,
        *,
        parent: Bundle | None,
    ) -> Behaviour | None:
        start = parent if self.start.warm else None
        if self.start.warm and (parent is None or parent.contents.behaviour is None):
            raise DataError(
                "A warm start needs a current bundle with factors. Run `segue train` first."
            )
        if start is not None:  # the factors go on, so do the settings that they were trained with
            self._take_over(start)
        else:
            self._tune(catalog, plays)
        if len(plays):
            self.listeners.say(
                f"Training ALS on {len(plays):,} plays of {len(plays.users):,} users."
            )
        with self._timed("cf"):
            return train_behaviour(
                plays,
                catalog,
                acoustic,
                lesson=Lesson(self.sections.cf, self.sections.prior, start),
                progress=self.listeners.progress,
            )

    def _recipe(self, contents: BundleContents, factors_of: Bundle | None) -> Recipe:
        recipe = Recipe(
            self.sections.cf,
            self.sections.prior,
            self.sections.taste,
            self.sections.ranker,
            self.sections.learning,
            self.sections.cf.seed,
        )
        return recipe if factors_of is None else keeping_factors(factors_of, contents, recipe)

    def _ranker(
        self, plays: Interactions, contents: BundleContents, parent: Bundle | None, recipe: Recipe
    ) -> tuple[LambdaMART | None, Trial | None]:
        """Learn to rank; None, and why, where rank fusion is to blend."""
        if self.start.warm and parent is not None:
            self._keep_verdict(parent)
            return parent.contents.ranker, None
        if self.sections.ranker.blend == "fusion":
            self.report.unranked = "`ranker.blend` is 'fusion'"
            return None, None
        self.listeners.say("Learning to rank.")
        with self._timed("ranker"):
            return self._learnt(plays, contents, recipe)

    def _keep_verdict(self, parent: Bundle) -> None:
        """Tell of the ranker that is taken over what was told of it before."""
        told = parent.manifest.metrics
        self.report.ranker = told.get("ranker")
        self.report.unranked = told.get("unranked", "")
        if parent.contents.ranker is None and not self.report.unranked:
            self.report.unranked = "the bundle before has no learned ranker"

    def _learnt(
        self, plays: Interactions, contents: BundleContents, recipe: Recipe
    ) -> tuple[LambdaMART | None, Trial | None]:
        try:
            found = learn_ranker(
                plays,
                contents.catalog,
                acoustic=contents.acoustic,
                duplicates=contents.duplicates,
                recipe=recipe,
                progress=self.listeners.progress,
            )
        except DataError as error:  # too few plays, or no LightGBM: fusion needs neither
            self.report.unranked = str(error)
            return None, None
        self.report.ranker = found.verdict.document()
        self.report.unranked = found.verdict.objection
        return None if self.report.unranked else found.model, found.trial

    def _objections(
        self,
        plays: Interactions,
        contents: BundleContents,
        parent: Bundle | None,
        *,
        recipe: Recipe,
        trial: Trial | None,
    ) -> list[str]:
        """Say why the bundle should not take the place of the current one."""
        if parent is None:
            return []
        lost = shrinkage(contents, parent.contents, most=self.sections.engine.gate_loss)
        if lost or self.sections.engine.gate == "faults":
            return lost
        self.listeners.say("Comparing with the current bundle.")
        with self._timed("gate"):
            found = compare(contents, parent, plays, recipe=recipe, trial=trial)
        self.report.gate = found.document()
        return found.objections

    def _take_over(self, parent: Bundle) -> None:
        """Train with the settings of ALS that another bundle was trained with."""
        self.sections = self.sections.model_copy(update={"cf": parent.cf})
        self.report.tuning = parent.manifest.metrics.get("tuning")

    def _tune(self, catalog: Catalog, plays: Interactions) -> None:
        """Let a search choose the settings of ALS that were not set."""
        if self.start.wish is None or not len(plays):
            return
        with self._timed("tuning"):
            found = tuned_config(
                self.home,
                plays,
                self.sections.cf,
                catalog=catalog,
                wish=self.start.wish,
                progress=self.listeners.progress,
                say=self.listeners.say,
            )
        self.sections = self.sections.model_copy(update={"cf": found.config})
        self.report.tuning = None if found.tuning is None else found.tuning.summary()

    def _write(
        self,
        registry: BundleRegistry,
        contents: BundleContents,
        parent: Bundle | None,
        *,
        factors_of: Bundle | None,
    ) -> None:
        config = self.sections.model_dump(mode="json", include=_RECORDED)
        if factors_of is not None:  # users are folded in with what the factors were trained with
            config["cf"] = factors_of.manifest.config.get("cf", config["cf"])
            self.report.tuning = factors_of.manifest.metrics.get("tuning")
        self.report.bundle = write_bundle(
            registry.root,
            contents,
            parent=parent.id if parent else None,
            config=config,
            metrics={
                "tracks": self.report.tracks,
                "users": self.report.users,
                "plays": self.report.plays,
                "embedded": int(contents.acoustic.known.sum()) if contents.acoustic else 0,
                "duplicates": self.report.duplicates,
                "ranker": self.report.ranker,
                "unranked": self.report.unranked,
                "gate": self.report.gate,
                "tuning": self.report.tuning,
                "seconds": self.report.seconds,
            },
        )

    def _publish(self, registry: BundleRegistry, objections: list[str]) -> None:
        # Publishing compares the hashes.
        written = Bundle.open(registry.root / self.report.bundle, verify=False)
        broken = faults(written)
        self.report.refused = [*broken, *objections]
        self.report.broken = bool(broken)
        if not self.report.refused:
            registry.publish(self.report.bundle)
            self.report.published = True
            registry.prune(self.sections.engine.keep_bundles)
            drop_unused_spaces(self.home, self.store, registry)


def _open_parent(registry: BundleRegistry) -> Bundle | None:
    """Open the current bundle; None where there is none or it cannot be used any more."""
    try:
        return registry.open_current(verify=False)
    except BundleError:
        return None
