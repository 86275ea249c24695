"""A map as a file: a picture or a page, by the file's suffix."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from data.catalog import Track
from data.checks import check_choice
from data.errors import DataError, ParameterError
from data.files import write_atomically
from engine.maps.groups import group_tracks
from engine.maps.page import render_page
from engine.maps.picture import render_picture

COLOUR_BY = ("genre", "artist")


def write_map(
    path: Path,
    points: npt.NDArray[np.float32],
    *,
    tracks: Sequence[Track],
    colour_by: str = "genre",
    audio_url: Callable[[str], str] | None = None,
) -> None:
    """Write a map, atomically.

    Parameters
    ----------
    path : Path
        `.png`: a picture. `.html`: one self-contained page to pan, zoom, search and hover.
    points : ndarray of float32, shape (m, 2)
        As of `project`.
    tracks : sequence of Track, length m
        What the points stand for.
    colour_by : str
        "genre" (the first one) or "artist".
    audio_url : callable, optional
        From a track's id to where the page may play it; by default the page is silent.

    Raises
    ------
    ParameterError
        If the suffix or `colour_by` is unknown.
    DataError
        If the points are not finite, or not one a track.
    """
    check_choice("colour_by", colour_by, COLOUR_BY)
    suffix = path.suffix.lower()
    if suffix not in (".png", ".html"):
        raise ParameterError(f"A map's file must end in .png or .html. Received: {str(path)!r}.")
    points = np.asarray(points, np.float32)
    if points.shape != (len(tracks), 2) or not np.isfinite(points).all():
        raise DataError(
            f"A map of {len(tracks)} tracks needs as many finite points of two coordinates. "
            f"Received: shape {points.shape}."
        )
    groups = group_tracks(tracks, by=colour_by)
    if suffix == ".png":
        content = render_picture(points, groups, heading=f"{len(tracks):,} tracks by {colour_by}")
    else:
        urls = None if audio_url is None else [audio_url(track.track_id) for track in tracks]
        content = render_page(points, groups, tracks=tracks, urls=urls).encode("utf-8")
    write_atomically(path, content)
