"""Whose music an encoder was trained on: the file `heard.json` beside it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from audio_model.arrays import UNREADABLE
from data.errors import BundleError
from data.files import write_atomically

HEARD = "heard.json"


@dataclass(frozen=True)
class HeardNames:
    """Whose music an encoder was trained on; names as `name_key` makes them.

    Attributes
    ----------
    artists, albums : frozenset of str
    """

    artists: frozenset[str]
    albums: frozenset[str]


def name_key(name: str | None) -> str:
    """Return a name as it is compared: without case and spaces around it; "" for none."""
    return (name or "").strip().casefold()


def write_heard(
    directory: Path, artists: Iterable[str | None], albums: Iterable[str | None]
) -> None:
    """Write `heard.json`, `{"artists": [...], "albums": [...]}`, each name once."""
    given = {"artists": artists, "albums": albums}
    names = {kind: sorted({name for name in of if name}) for kind, of in given.items()}
    text = json.dumps(names, ensure_ascii=False, indent=1) + "\n"
    write_atomically(directory / HEARD, text.encode())


def read_heard(directory: Path) -> HeardNames | None:
    """Return whose music the encoder in a directory heard, None where no file says so.

    Raises
    ------
    BundleError
        If the file is something else.
    """
    path = directory / HEARD
    if not path.is_file():
        return None
    try:
        document = json.loads(path.read_text("utf-8"))
        artists, albums = (
            frozenset(name_key(str(name)) for name in list(document[kind]))
            for kind in ("artists", "albums")
        )
    except UNREADABLE as error:
        raise BundleError(
            f"{str(path)!r} must say whose music the encoder heard, as "
            f'{{"artists": [...], "albums": [...]}}. Received: {error!s:.80}.'
        ) from error
    return HeardNames(artists, albums)
