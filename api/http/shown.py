"""What is logged of an answer."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass

from api.http.schemas import Options
from api.http.services import Services
from data.catalog import Catalog
from data.errors import SegueError
from data.store import Impression, Recommendation, ShownItem
from engine.experiments.serving import Arm
from engine.request import Answer, Item

logger = logging.getLogger("segue.impressions")


@dataclass(frozen=True, eq=False)
class Served:
    """One answer on its way out.

    Attributes
    ----------
    here : Services
    arm : Arm
        Who answers.
    key : str
        The recommendation's id.
    options : Options
        What was asked.
    user_id : str or None
    version : str
        The user's, when the key was made.
    """

    here: Services
    arm: Arm
    key: str
    options: Options
    user_id: str | None
    version: str

    def log(self, answer: Answer | None, bundle: str, catalog: Catalog) -> None:
        """Hand an impression to the writer, if this answer is one to be logged; never fails.

        Parameters
        ----------
        answer : Answer or None
            None where the bytes came from the cache: then it was logged when it was computed.
        bundle : str
            Its id.
        catalog : Catalog
            Of the bundle.
        """
        asked, settings = self.options, self.here.settings.impressions
        if asked.dry_run:
            return  # it is not for a user
        explore = self.arm.explores(asked.strategy, asked.explore)
        if not settings.wanted(experiment=self.arm.experiment is not None, explore=explore):
            return
        try:
            told = None if answer is None else self._told(answer, bundle, catalog)
            impression = Impression(
                self.key,
                self.user_id,
                int(time.time()),
                placement=asked.placement,
                version=self.version,
                recommendation=told,
            )
        except SegueError as error:
            logger.error("An answer cannot be logged: %s", error)  # noqa: TRY400 - one line
            return
        self.here.impressions.offer(impression)

    def _told(self, answer: Answer, bundle: str, catalog: Catalog) -> Recommendation:
        items = tuple(_item(item, catalog) for item in answer.items)
        arm, query = self.arm, self.options.canonical
        return Recommendation(bundle, query, items, arm.experiment, arm.variant)


def _item(item: Item, catalog: Catalog) -> ShownItem:
    return ShownItem(
        catalog.tracks.id(item.track),
        item.score,
        propensity=item.propensity,
        explored=item.explored,
        team=item.team,
    )
