"""The terminal form of a measurement of hearing."""

from __future__ import annotations

from collections.abc import Mapping
from textwrap import fill

from engine.evaluation.report import text_table
from engine.hearing.report import Bounds, Figure, HearingReport, Robustness, Section

_WIDTH = 100
_LEGEND = """\
95% intervals. First row: bootstrap over tracks, for the artists asked for. Second row: over
artists, for artists in general{few}. / {baseline}: how many times the baseline's figure, over the
same draws; * the interval excludes 1, ** and the two systems' own intervals lie apart."""


def render_hearing(report: HearingReport) -> str:
    """Return the report as tables for a terminal, at most about 100 columns wide."""
    baseline = report.parameters["baseline"]
    parts = [_head(report), *(_section(section, baseline) for section in report.sections)]
    if report.robustness:
        parts.append(_robustness(report.robustness))
    parts += [f"{name}: not measured. {why}" for name, why in report.skipped.items()]
    parts += [f"Note: {note}" for note in report.notes]
    few = "" if any(_by_artist(s) for s in report.sections) else " (too few here)"
    parts.append(_LEGEND.format(baseline=baseline, few=few))
    return "\n\n".join(map(_wrapped, parts)) + "\n"


def _head(report: HearingReport) -> str:
    sizes = report.sizes
    lines = [
        f"Asked: {sizes['asked_tracks']:,} tracks, all of {sizes['asked_artists']:,} of the "
        f"{sizes['eligible_artists']:,} artists with {report.parameters['min_tracks']} or more "
        "tracks. "
        f"Searched: all {sizes['gallery_tracks']:,} tracks.",
    ]
    if sizes["heard_artists"]:
        lines.append(f"{sizes['heard_artists']:,} artists are left out: an encoder heard them.")
    for name, folds in report.training.items():
        seconds = sum(fold["seconds"] for fold in folds)
        tracks = sorted(int(fold["tracks"]) for fold in folds)
        span = f"{tracks[0]:,}" if tracks[0] == tracks[-1] else f"{tracks[0]:,}-{tracks[-1]:,}"
        times = "once" if len(folds) == 1 else f"{len(folds)} times"
        lines.append(
            f"Trained: {name}, {times}, on {span} tracks of artists that it is not asked about, "
            f"{seconds:.0f} s."
        )
    return "\n".join(lines)


def _wrapped(text: str) -> str:
    """Return a text whose long lines of prose are broken; those of tables are kept."""
    lines = text.splitlines()
    if any(line.startswith("---") for line in lines):
        return text
    return "\n".join(fill(line, _WIDTH) for line in lines)


def _section(section: Section, baseline: str) -> str:
    title = (
        f"{section.name}: {section.queries:,} queries, of {section.tracks:,} tracks of "
        f"{section.artists:,} artists"
    )
    rows = [["system", *next(iter(section.systems.values()))]]
    for name, figures in section.systems.items():
        rows.append([name, *(_number(f.mean, f.tracks) for f in figures.values())])
        rows.append(["", *(_number(None, f.artists) for f in figures.values())])
    for name, figures in section.ratios.items():
        stars = [
            _stars(figure, section.systems[name][m], section.systems[baseline][m])
            for m, figure in figures.items()
        ]
        cells = zip(figures.values(), stars, strict=True)
        rows.append([f"{name} / {baseline}", *(_number(f.mean, f.tracks) + s[0] for f, s in cells)])
        cells = zip(figures.values(), stars, strict=True)
        rows.append(["", *(_number(None, f.artists) + s[1] for f, s in cells)])
    shown = [row for row in rows if any(cell.strip() for cell in row)]
    return f"{title}\n\n{text_table(shown)}"


def _number(mean: float | None, bounds: Bounds | None) -> str:
    """Return a number such as "0.412 [0.367, 0.457]", or its interval alone."""
    number = " " * 5 if mean is None else f"{mean:.3f}"
    return f"{number} [{bounds[0]:.3f}, {bounds[1]:.3f}]" if bounds else number


def _stars(ratio: Figure, own: Figure, baseline: Figure) -> tuple[str, str]:
    """Return what the intervals over tracks, and those over artists, say of a ratio."""
    tracks = _clear(ratio.tracks, own.tracks, baseline.tracks)
    return tracks, _clear(ratio.artists, own.artists, baseline.artists)


def _clear(ratio: Bounds | None, own: Bounds | None, baseline: Bounds | None) -> str:
    if ratio is None or ratio[0] <= 1 <= ratio[1]:
        return ""
    apart = own and baseline and (own[0] > baseline[1] or own[1] < baseline[0])
    return " **" if apart else " *"


def _by_artist(section: Section) -> bool:
    return any(f.artists for figures in section.systems.values() for f in figures.values())


def _robustness(systems: Mapping[str, Robustness]) -> str:
    title = "robustness: cosine of a track to itself after a change, and to other tracks"
    rows = [["system", "change", "tracks", "itself", "5th percentile", "found again", "others"]]
    for name, robustness in systems.items():
        for i, (change, steady) in enumerate(robustness.changes.items()):
            numbers = [f"{steady.mean:.3f}", f"{steady.low:.3f}", f"{steady.found:.1%}"]
            first, last = ("", "") if i else (name, f"{robustness.others:.3f}")
            rows.append([first, change, str(steady.tracks), *numbers, last])
    return f"{title}\n\n{text_table(rows)}"
