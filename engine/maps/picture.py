"""A map as a PNG."""

from __future__ import annotations

import io
import warnings
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from engine.maps.groups import REST_NAME, Group

_INK = "#1b1c1e"
_NAME_LENGTH = 30
_EDGED = 2000  # tracks: more of them lie so close that white edges would hide them


def render_picture(
    points: npt.NDArray[np.float32], groups: Sequence[Group], *, heading: str
) -> bytes:
    """Draw points in the colours of their groups, smaller and fainter the more there are.

    Parameters
    ----------
    points : ndarray of float32, shape (m, 2)
    groups : sequence of Group
        A partition of the points, the most frequent first.
    heading : str

    Returns
    -------
    bytes
        A PNG of 1800 x 1200 pixels.
    """
    # Figure and canvas of our own: pyplot's global state is not safe in a server's threads.
    figure = Figure(figsize=(12, 8), dpi=150, facecolor="white", layout="constrained")
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    _dots(axes, points, groups)
    axes.set_aspect("equal", adjustable="datalim")
    axes.set_axis_off()
    title = axes.set_title(heading, loc="left", fontsize=15, color=_INK, pad=12)
    title.set_parse_math(False)
    _legend(axes, groups)
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        # A name in a script that the font lacks is drawn as boxes; that is no reason to fail.
        warnings.filterwarnings("ignore", message="Glyph .* missing", category=UserWarning)
        canvas.print_png(buffer)
    return buffer.getvalue()


def _dots(axes: Axes, points: npt.NDArray[np.float32], groups: Sequence[Group]) -> None:
    count = len(points)
    strength = float(np.interp(np.log10(max(1, count)), [2.5, 4.7], [0.9, 0.55]))
    colours = np.empty((count, 4))
    for group in groups:
        alpha = strength * (0.55 if group.name == REST_NAME else 1)
        colours[list(group.members)] = to_rgba(group.colour, alpha)
    # The rest below, and above it the groups mixed, so that none hides another.
    rest = np.zeros(count, bool)
    rest[[i for group in groups if group.name == REST_NAME for i in group.members]] = True
    mixed = np.random.default_rng(0).permutation(count)
    order = np.concatenate([mixed[rest[mixed]], mixed[~rest[mixed]]])
    edged = count <= _EDGED
    axes.scatter(
        points[order, 0],
        points[order, 1],
        s=float(np.clip(16_000 / max(1, count), 1.6, 42)),  # square points (1/72 inch)
        c=colours[order],
        linewidths=0.4 if edged else 0,
        edgecolors="white" if edged else "none",
    )


def _legend(axes: Axes, groups: Sequence[Group]) -> None:
    dots = [Line2D([], [], ls="", marker="o", ms=8, mew=0, color=g.colour) for g in groups]
    # Placeholders first: matplotlib drops labels that begin with "_" and reads "$" as mathematics.
    legend = axes.legend(
        dots,
        [str(i) for i in range(len(groups))],
        loc="center left",
        bbox_to_anchor=(1.0, 0.5),
        frameon=False,
        fontsize=11,
        labelcolor=_INK,
        handletextpad=0.4,
        labelspacing=0.7,
    )
    for text, group in zip(legend.get_texts(), groups, strict=True):
        text.set_parse_math(False)
        text.set_text(f"{_shorten(group.name)}  {len(group.members):,}")


def _shorten(name: str) -> str:
    line = " ".join(name.split())
    return line if len(line) <= _NAME_LENGTH else line[: _NAME_LENGTH - 1].rstrip() + "…"
