"""A map as a file: a picture or a page, by the file's suffix."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from data.catalog import Track
from data.checks import check_choice
from data.errors import DataError, ParameterError
from data.files import write_atomically
from engine.maps.groups import COLOUR_BY, group_tracks, usual_colouring
from engine.maps.page import render_page
from engine.maps.picture import render_picture
from engine.maps.sound import AudioUrl


def check_out(path: Path) -> None:
    """Raise `ParameterError` unless a map can be written here; made for asking before the work.

    Parameters
    ----------
    path : Path
        Must end in .png or .html. Folders that are missing will be made.
    """
    if path.suffix.lower() not in (".png", ".html"):
        raise ParameterError(f"A map's file must end in .png or .html. Received: {str(path)!r}.")
    folder = path.absolute().parent
    while not folder.exists():
        folder = folder.parent
    if path.is_dir() or not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        raise ParameterError(f"A map cannot be written here: {str(path)!r}. Choose another file.")


def write_map(
    path: Path,
    points: npt.NDArray[np.float32],
    *,
    tracks: Sequence[Track],
    colour_by: str | None = None,
    audio_url: AudioUrl | None = None,
    heading: str | None = None,
) -> None:
    """Write a map, atomically.

    Parameters
    ----------
    path : Path
        `.png`: a picture. `.html`: one self-contained page to pan, zoom, search, hover and play.
    points : ndarray of float32, shape (m, 2)
        As of `project`.
    tracks : sequence of Track, length m
        What the points stand for.
    colour_by : str, optional
        "genre" (the first one) or "artist"; by default `usual_colouring`. A page can switch.
    audio_url : callable, optional
        From a track to where the page may play it; by default the page is silent.
    heading : str, optional
        By default the number of tracks.

    Raises
    ------
    ParameterError
        If `colour_by` is unknown, or the path is none that a map can be written to.
    DataError
        If the points are not finite, or not one a track.
    """
    check_out(path)
    by = usual_colouring(tracks) if colour_by is None else colour_by
    check_choice("colour_by", by, COLOUR_BY)
    points = np.asarray(points, np.float32)
    if points.shape != (len(tracks), 2) or not np.isfinite(points).all():
        raise DataError(
            f"A map of {len(tracks)} tracks needs as many finite points of two coordinates. "
            f"Received: shape {points.shape}."
        )
    heading = heading or f"{len(tracks):,} tracks"
    if path.suffix.lower() == ".png":
        groups = group_tracks(tracks, by=by)
        content = render_picture(points, groups, heading=f"{heading}, by {by}")
    else:
        order = [by, *(other for other in COLOUR_BY if other != by)]
        content = render_page(
            points,
            {name: group_tracks(tracks, by=name) for name in order},
            tracks=tracks,
            heading=heading,
            urls=None if audio_url is None else [audio_url(track) for track in tracks],
        ).encode("utf-8")
    write_atomically(path, content)
