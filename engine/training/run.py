"""What the stages of one training share."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from data.store import Store
from engine.config import Sections
from engine.home import Home
from engine.training.report import Listeners, Start, TrainingReport


@dataclass
class Run:
    """One training: where, with what, and what it has done so far.

    Attributes
    ----------
    home : Home
    store : Store
    sections : Sections
        Settings; a stage that chooses some puts them here.
    workers : int
        Processes that decode sound files.
    listeners : Listeners
    start : Start
    report : TrainingReport
        Each stage adds to it.
    """

    home: Home
    store: Store
    sections: Sections
    workers: int
    listeners: Listeners
    start: Start
    report: TrainingReport = field(default_factory=TrainingReport)

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Note in the report how long a stage took; not if it fails."""
        start = time.monotonic()
        yield
        self.report.seconds[stage] = round(time.monotonic() - start, 2)
