"""A map as a PNG."""

from __future__ import annotations

import io
import warnings
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from engine.maps.groups import REST, Group

_INK, _SOFT = "#1b1c1e", "#63666b"
_NAME_LENGTH = 30


def render_picture(
    points: npt.NDArray[np.float32], groups: Sequence[Group], *, heading: str
) -> bytes:
    """Draw points in the colours of their groups.

    Parameters
    ----------
    points : ndarray of float32, shape (m, 2)
    groups : sequence of Group
        The most frequent first.
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
    size = float(np.clip(16_000 / max(1, len(points)), 7, 42))
    dots = []
    for group in groups:
        at = points[list(group.members)]
        rest = group.colour == REST
        dots.append(
            axes.scatter(
                at[:, 0],
                at[:, 1],
                s=size,
                c=group.colour,
                alpha=0.45 if rest else 0.85,
                linewidths=0.4,
                edgecolors="white",
                zorder=1 if rest else 2,
            )
        )
    axes.set_aspect("equal", adjustable="datalim")
    axes.set_axis_off()
    axes.set_title(heading, loc="left", fontsize=15, color=_INK, pad=12)
    _legend(axes, dots, groups)
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        # A name in a script that the font lacks is drawn as boxes; that is no reason to fail.
        warnings.filterwarnings("ignore", message="Glyph .* missing", category=UserWarning)
        canvas.print_png(buffer)
    return buffer.getvalue()


def _legend(axes: object, dots: Sequence[object], groups: Sequence[Group]) -> None:
    # Placeholders first: matplotlib drops labels that begin with "_" and reads "$" as mathematics.
    names = [str(i) for i in range(len(groups))]
    legend = axes.legend(  # type: ignore[attr-defined]  # matplotlib is untyped here
        dots,
        names,
        loc="center left",
        bbox_to_anchor=(1.0, 0.5),
        frameon=False,
        fontsize=11,
        labelcolor=_INK,
        handletextpad=0.4,
        labelspacing=0.7,
    )
    for text, handle, group in zip(legend.get_texts(), legend.legend_handles, groups, strict=True):
        text.set_parse_math(False)
        text.set_text(f"{_shorten(group.name)}  {len(group.members):,}")
        handle.set_sizes([70])
        handle.set_alpha(1)


def _shorten(name: str) -> str:
    line = " ".join(name.split())
    return line if len(line) <= _NAME_LENGTH else line[: _NAME_LENGTH - 1].rstrip() + "…"
