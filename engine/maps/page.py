"""A map as one self-contained, interactive HTML page.

Nothing that was written by others becomes markup or code: texts travel as JSON in which every
``<``, ``>`` and ``&`` is escaped (so that no title can close the script element), the script puts
them on the page as text only, and the page's own policy lets no other script run. Numbers travel
as little-endian arrays in base64.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
from collections.abc import Mapping, Sequence
from importlib.resources import files

import numpy as np
import numpy.typing as npt

from data.catalog import Track
from engine.maps.groups import REST_NAME, Group

_SCRIPTS = ("find.js", "draw.js", "page.js")


def render_page(
    points: npt.NDArray[np.float32],
    colourings: Mapping[str, Sequence[Group]],
    *,
    tracks: Sequence[Track],
    heading: str,
    urls: Sequence[str | None] | None = None,
) -> str:
    """Return the page.

    Parameters
    ----------
    points : ndarray of float32, shape (m, 2)
        Within -1..1; the page knows them to 1/32767.
    colourings : mapping of str to sequence of Group
        By name, partitions of the tracks in the order of the legend. The first is shown first.
    tracks : sequence of Track, length m
    heading : str
    urls : sequence of str or None, length m, optional
        Where each track can be heard, absolute or relative to the page.

    Returns
    -------
    str
        An HTML document without external resources, but for those of `urls` when played.
    """
    style = _file("page.css")
    script = "".join(_file(name) for name in _SCRIPTS)
    page = _file("page.html")
    # The data last: they may hold what looks like a place to fill.
    for place, text in (
        ("@POLICY@", _policy(style, script)),
        ("@STYLE@", style),
        ("@SCRIPT@", script),
        ("@HEADING@", html.escape(heading)),
        ("@DATA@", script_json(_content(points, colourings, tracks=tracks, urls=urls))),
    ):
        page = page.replace(place, text)
    return page


def script_json(content: object) -> str:
    """Return JSON that is safe inside a script element of HTML."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    # The separators U+2028 and U+2029 need no escape in JSON, but have upset readers of scripts.
    return text.translate({ord(c): f"\\u{ord(c):04x}" for c in "<>&\u2028\u2029"})


def _file(name: str) -> str:
    return files("engine.maps").joinpath(name).read_text("utf-8")


def _policy(style: str, script: str) -> str:
    """Return a Content-Security-Policy: this style, this script, sound from anywhere."""
    rules = (
        "default-src 'none'",
        f"style-src '{_digest(style)}'",
        f"script-src '{_digest(script)}'",
        "media-src * file: blob: data:",
        "base-uri 'none'",
        "form-action 'none'",
    )
    return "; ".join(rules)


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _content(
    points: npt.NDArray[np.float32],
    colourings: Mapping[str, Sequence[Group]],
    *,
    tracks: Sequence[Track],
    urls: Sequence[str | None] | None,
) -> dict[str, object]:
    return {
        "points": _packed(np.round((points + 1.0) * 32767.5), "<u2"),
        "titles": [track.title or track.track_id for track in tracks],
        "artists": _coded([track.artist or "" for track in tracks]),
        "genres": _coded([(track.genre or "").replace("|", ", ") for track in tracks]),
        "colourings": [_colouring(by, groups, len(tracks)) for by, groups in colourings.items()],
        "audio": None if urls is None else _shortened(urls),
    }


def _packed(values: npt.ArrayLike, dtype: str) -> str:
    return base64.b64encode(np.asarray(values).astype(dtype).tobytes()).decode()


def _coded(texts: Sequence[str]) -> dict[str, object]:
    """Return each distinct text once, and which one each track has."""
    codes = {text: code for code, text in enumerate(dict.fromkeys(texts))}
    return {"names": list(codes), "of": _packed([codes[text] for text in texts], "<u4")}


def _colouring(by: str, groups: Sequence[Group], count: int) -> dict[str, object]:
    of = np.zeros(count, np.uint8)
    for code, group in enumerate(groups):
        of[list(group.members)] = code
    shown = [
        {
            "name": group.name,
            "colour": group.colour,
            "size": len(group.members),
            "rest": group.name == REST_NAME,
        }
        for group in groups
    ]
    return {"by": by, "groups": shown, "of": _packed(of, "u1")}


def _shortened(urls: Sequence[str | None]) -> dict[str, object]:
    """Return addresses without what all of them begin and end with."""
    known = [url for url in urls if url is not None]
    head = _common_start(known)
    tail = _common_start([url[len(head) :][::-1] for url in known])[::-1]
    end = -len(tail) or None
    return {
        "head": head,
        "middles": [None if url is None else url[len(head) : end] for url in urls],
        "tail": tail,
    }


def _common_start(texts: Sequence[str]) -> str:
    # What the first and the last in order begin with, all between them begin with.
    first, last = min(texts, default=""), max(texts, default="")
    differs = (k for k, (a, b) in enumerate(zip(first, last, strict=False)) if a != b)
    return first[: next(differs, len(first))]
