"""The result of a measurement of duplicates, and its terminal form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from engine.evaluation.report import text_table


@dataclass(frozen=True)
class Score:
    """What became of one kind of change.

    Attributes
    ----------
    kind : str
        Name in `engine.duplicates.changes.KINDS`, or "all together".
    same : bool
        Whether the recording is the same after it, so that it ought to be found.
    pairs : int
        Pairs of a file and its changed self; of all together, also of two changed selves.
    found : int
        Those that were put into one group.
    mistaken : int
        Pairs in one group that are of different files, which the catalogue does not hold as one
        recording either.
    worst : float or None
        Largest error of a changed self that was found, see `engine.duplicates.match.Match`.
    """

    kind: str
    same: bool
    pairs: int
    found: int
    mistaken: int
    worst: float | None

    @property
    def recall(self) -> float | None:
        """Share of the pairs that were found."""
        return self.found / self.pairs if self.pairs else None

    @property
    def precision(self) -> float | None:
        """Share of what was put together that belongs together."""
        together = self.found + self.mistaken
        return self.found / together if together and self.same else None


@dataclass(frozen=True)
class DuplicatesReport:
    """How surely the same recording is found.

    Attributes
    ----------
    tracks, sampled : int
        Files of the catalogue, any of which may be mistaken for another; and those changed.
    own : tuple of (track_id, track_id, error)
        Pairs that the catalogue itself holds: to be judged by ear.
    scores : tuple of Score
    parameters : mapping
        Everything that the figures depend on, JSON-able.
    """

    tracks: int
    sampled: int
    own: tuple[tuple[str, str, float], ...]
    scores: tuple[Score, ...]
    parameters: Mapping[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """Return everything as JSON-able values."""
        return {
            "tracks": self.tracks,
            "sampled": self.sampled,
            "own": [{"tracks": [a, b], "error": round(e, 4)} for a, b, e in self.own],
            "scores": [
                asdict(s) | {"recall": s.recall, "precision": s.precision} for s in self.scores
            ],
            "parameters": dict(self.parameters),
        }


def render_duplicates(report: DuplicatesReport) -> str:
    """Return the report as text for a terminal."""
    half = report.parameters["half"]
    where = f", of the {half} half" if half else ""
    head = f"Changed: {report.sampled:,} of {report.tracks:,} files{where}."
    rows = [["change", "pairs", "found", "mistaken", "recall", "precision", "worst error"]]
    for score in report.scores:
        name = score.kind if score.same else f"{score.kind} (not the same)"
        counts = [f"{n:,}" for n in (score.pairs, score.found, score.mistaken)]
        shares = [
            "" if s is None else f"{s:.3f}" for s in (score.recall, score.precision, score.worst)
        ]
        rows.append([name, *counts, *shares])
    own = [f"{a} and {b} (error {error:.3f})" for a, b, error in report.own]
    found = "\n".join(["Found in the catalogue itself:", *own]) if own else ""
    limit = f"Recordings are the same up to an error of {report.parameters['max_error']:g}."
    return "\n\n".join(part for part in (head, text_table(rows), limit, found) if part) + "\n"
