"""The current bundle in a running server: replaced without a restart."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass

from data.errors import BundleError, SegueError
from engine.bundle import Bundle, BundleRegistry
from engine.config import Sections
from engine.experiments.serving import Arms
from engine.recommender import Recommender
from engine.rulebook import Rulebook
from engine.similarity import SimilarTracks
from ranker.rules import ListFiles

logger = logging.getLogger("segue.engine")

CHECK_EVERY = 0.5  # seconds between two looks at the pointer


@dataclass(frozen=True)
class Models:
    """One opened bundle and what answers from it."""

    bundle: Bundle
    recommender: Recommender
    similar: SimilarTracks
    arms: Arms

    @classmethod
    def of(cls, bundle: Bundle, sections: Sections, *, files: ListFiles | None = None) -> Models:
        """Put the parts together for one bundle.

        Parameters
        ----------
        bundle : Bundle
        sections : Sections
            Settings.
        files : ListFiles, optional
            The lists that rules name, shared with the bundles before and after.
        """
        neighbours = sections.engine.neighbours
        behaviour = bundle.contents.behaviour
        similar = SimilarTracks(
            bundle.contents,
            sections.ranker,
            neighbours=neighbours,
            prior=None if behaviour is None else behaviour.prior,
        )
        rulebook = Rulebook(sections.rules, bundle.contents, files=files)
        recommender = Recommender(bundle, sections.ranker, taste=sections.taste, rules=rulebook)
        arms = Arms(recommender, sections.ranker, sections.experiments)
        return cls(bundle, recommender, similar, arms)


class LiveModels:
    """Always the models of the current bundle.

    The pointer is looked at again at most every half second, by whoever asks. A new bundle is
    opened in a thread of its own while the old one goes on answering; one that cannot be opened
    is reported once, and the old one stays.

    Parameters
    ----------
    registry : BundleRegistry
    sections : Sections
        Settings.
    """

    def __init__(self, registry: BundleRegistry, sections: Sections) -> None:
        self._registry = registry
        self._sections = sections
        self._lock = threading.Lock()
        self._files = ListFiles()
        self._models: Models | None = None
        self._looked_at = -CHECK_EVERY
        self._seen: str | None = None  # the last pointer acted on, good or bad

    def get(self) -> Models:
        """Return the current models.

        Raises
        ------
        BundleError
            If no bundle has been published yet, or the first one is corrupt.
        """
        models = self._models
        if models is None:
            return self._first()
        if time.monotonic() - self._looked_at >= CHECK_EVERY and self._lock.acquire(blocking=False):
            try:
                self._look()
            finally:
                self._lock.release()
        return models

    def _first(self) -> Models:
        with self._lock:
            if self._models is None:
                bundle = self._registry.open_current()
                self._models = Models.of(bundle, self._sections, files=self._files)
                self._seen = bundle.id
            return self._models

    def _look(self) -> None:
        self._looked_at = time.monotonic()
        try:
            current = self._registry.current_id()
        except BundleError:
            logger.exception("The pointer to the current bundle is unreadable; the old one stays.")
            return
        if current is not None and current != self._seen:
            self._seen = current
            threading.Thread(target=self._replace, args=(current,), daemon=True).start()

    def _replace(self, bundle_id: str) -> None:
        try:
            bundle = Bundle.open(self._registry.root / bundle_id)
            models = Models.of(bundle, self._sections, files=self._files)
            if bundle_id != self._seen:
                return  # another was published meanwhile, and may be open already
            self._models = models
            logger.info("Serving bundle %s.", bundle_id)
        except SegueError as error:
            logger.error("%s The old bundle goes on serving.", error)  # noqa: TRY400 - one line
        except Exception:
            logger.exception("Bundle %s fails. The old bundle goes on serving.", bundle_id)
