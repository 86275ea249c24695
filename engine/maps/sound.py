"""Where a page finds the sound of its tracks."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from string import Formatter
from urllib.parse import quote

from data.catalog import Track
from data.errors import ParameterError

AudioUrl = Callable[[Track], str | None]
"""From a track to where a page may play it; None if there is nothing to play."""

SERVICE_PATH = "/v1/tracks/{track_id}/audio"
"""Where a running service answers a track's file."""


def own_files(page: Path) -> AudioUrl:
    """Play each track's own file, by its way from the page's folder.

    Parameters
    ----------
    page : Path
        Where the page will be.

    Returns
    -------
    callable
        Tracks without `audio_path`, or with a relative one, have no address.
    """
    folder = page.absolute().parent.resolve()

    def url(track: Track) -> str | None:
        if not track.audio_path or not Path(track.audio_path).is_absolute():
            return None
        return quote(os.path.relpath(track.audio_path, folder))

    return url


def elsewhere(template: str) -> AudioUrl:
    """Play each track from an address that its id or the name of its file is put into.

    Parameters
    ----------
    template : str
        With `{track_id}` or `{file}` where the percent-encoded id, or the file's name without its
        folder, belongs; without either, the file's name is put behind it, after one slash.

    Returns
    -------
    callable
        Where the file's name is asked for, tracks without `audio_path` have no address.

    Raises
    ------
    ParameterError
        If the template is empty or has another field.
    """
    fields = _fields(template)
    if not template.strip() or not fields <= {"track_id", "file"}:
        raise ParameterError(
            "An address of sound may have the fields {track_id} and {file}, or none. "
            f"Received: {template!r}."
        )
    if not fields:
        template, fields = template.rstrip("/") + "/{file}", {"file"}

    def url(track: Track) -> str | None:
        if "file" in fields and not track.audio_path:
            return None
        name = quote(Path(track.audio_path or "").name, safe="")
        # Not `str.format`, whose fields may reach into what they are given.
        return template.replace("{file}", name).replace(
            "{track_id}", quote(track.track_id, safe="")
        )

    return url


def _fields(template: str) -> set[str]:
    try:
        return {field for _, field, _, _ in Formatter().parse(template) if field is not None}
    except ValueError:  # a brace without its other half
        return {template}
