"""The result of a measurement of hearing, and its terminal form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.evaluation.report import Estimates, text_table, with_interval


@dataclass(frozen=True)
class Section:
    """The scores of all systems on one question.

    Attributes
    ----------
    name : str
        Such as "tracks" or "chunks, other albums".
    queries, artists : int
        Items asked for, and the artists that they are of.
    systems : mapping of str to mapping of str to Estimate
        By system and measure; without bounds where artists are too few for an interval.
    differences : mapping of str to mapping of str to Estimate
        System minus the MFCC baseline, the same queries compared one by one.
    """

    name: str
    queries: int
    artists: int
    systems: Mapping[str, Estimates]
    differences: Mapping[str, Estimates]

    def as_dict(self) -> dict[str, Any]:
        """Return everything as JSON-able values."""
        return {
            "name": self.name,
            "queries": self.queries,
            "artists": self.artists,
            "systems": _as_dict(self.systems),
            "differences": _as_dict(self.differences),
        }


@dataclass(frozen=True)
class HearingReport:
    """What was measured, on what, and how.

    Attributes
    ----------
    sizes : mapping of str to int
        Tracks and artists of either side, chunks, files left out.
    parameters : mapping
        Everything that the numbers depend on, JSON-able.
    seconds : mapping of str to float
        What the training of each recipe took in this run.
    sections : tuple of Section
    skipped : mapping of str to str
        Sections that could not be measured, and why.
    """

    sizes: Mapping[str, int]
    parameters: Mapping[str, Any]
    seconds: Mapping[str, float]
    sections: tuple[Section, ...]
    skipped: Mapping[str, str] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return everything as JSON-able values."""
        return {
            "sizes": dict(self.sizes),
            "parameters": dict(self.parameters),
            "seconds": dict(self.seconds),
            "sections": [section.as_dict() for section in self.sections],
            "skipped": dict(self.skipped),
        }


def _as_dict(systems: Mapping[str, Estimates]) -> dict[str, Any]:
    return {s: {m: e.as_dict() for m, e in metrics.items()} for s, metrics in systems.items()}


def render_hearing(report: HearingReport) -> str:
    """Return the report as tables for a terminal, about 100 columns wide."""
    sizes = report.sizes
    head = (
        f"{sizes['test_artists']:,} artists held out of {sizes['eligible_artists']:,} with "
        f"{report.parameters['min_tracks']} or more tracks: {sizes['test_tracks']:,} tracks, "
        f"{sizes['test_chunks']:,} chunks.\n"
        f"Trained on {sizes['train_tracks']:,} tracks of {sizes['train_artists']:,} others."
    )
    took = [f"{name} {seconds:.0f} s" for name, seconds in report.seconds.items()]
    parts = [f"{head} Training: {', '.join(took)}.", *map(_section, report.sections)]
    parts += [f"{name}: not measured. {why}" for name, why in report.skipped.items()]
    parts.append(
        "95% intervals: bootstrap over artists, where there are "
        f"{report.parameters['min_artists']} or more. * the interval excludes zero"
    )
    return "\n\n".join(parts) + "\n"


def _section(section: Section) -> str:
    title = f"{section.name}: {section.queries:,} queries of {section.artists:,} artists"
    rows = [["system", *next(iter(section.systems.values()))]]
    for name, metrics in section.systems.items():
        rows.append([name, *(with_interval(e) for e in metrics.values())])
    for name, metrics in section.differences.items():
        rows.append([name, *(with_interval(e, signed=True) for e in metrics.values())])
    return f"{title}\n\n{text_table(rows)}"
