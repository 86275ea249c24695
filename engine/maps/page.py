"""A map as one self-contained, interactive HTML page.

Nothing that was written by others becomes markup or code: texts travel as JSON in which every
``<``, ``>`` and ``&`` is escaped (so that no title can close the script element), and the script
puts them on the page as text only.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from data.catalog import Track
from engine.maps.groups import Group
from engine.maps.script import SCRIPT

_STYLE = """
:root { color-scheme: light dark; --page: #fcfcfb; --ink: #1b1c1e; --soft: #63666b;
  --line: #dcdee1; --panel: #ffffffe6; }
@media (prefers-color-scheme: dark) { :root { --page: #151618; --ink: #e9eaec; --soft: #9ca0a6;
  --line: #34363a; --panel: #1e2023e6; } }
* { box-sizing: border-box; }
html, body { height: 100%; margin: 0; overflow: hidden; background: var(--page);
  color: var(--ink); font: 14px/1.45 system-ui, sans-serif; }
canvas { position: fixed; inset: 0; width: 100%; height: 100%; cursor: grab; touch-action: none; }
canvas.moving { cursor: grabbing; } canvas.over { cursor: pointer; }
#panel { position: fixed; top: 12px; left: 12px; width: 230px; max-height: calc(100% - 24px);
  overflow: auto; padding: 12px; background: var(--panel); border: 1px solid var(--line);
  border-radius: 10px; }
#panel input { width: 100%; padding: 6px 9px; color: inherit; background: transparent;
  border: 1px solid var(--line); border-radius: 6px; font: inherit; }
#count { margin: 6px 2px; color: var(--soft); font-size: 12px; }
#legend button, #reset { display: flex; width: 100%; gap: 8px; align-items: center;
  padding: 3px 6px; border: 0; border-radius: 6px; background: none; color: inherit;
  font: inherit; text-align: left; cursor: pointer; }
#legend button:hover, #reset:hover { background: var(--line); }
#legend button[aria-pressed="true"] { background: var(--line); font-weight: 600; }
#legend i { flex: none; width: 11px; height: 11px; border-radius: 50%; }
#legend span { flex: 1; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
#legend small { color: var(--soft); } #reset { margin-top: 8px; color: var(--soft); }
#tip { position: fixed; max-width: 300px; padding: 7px 10px; background: var(--panel);
  border: 1px solid var(--line); border-radius: 8px; pointer-events: none;
  overflow-wrap: anywhere; }
#tip b { display: block; } #tip span { display: block; color: var(--soft); }
#player { position: fixed; right: 12px; bottom: 12px; padding: 10px; background: var(--panel);
  border: 1px solid var(--line); border-radius: 10px; } #player div { margin-bottom: 6px; }
[hidden] { display: none !important; }
"""

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Map of tracks</title>
<style>{style}</style>
</head>
<body>
<canvas id="map" aria-label="Map of tracks"></canvas>
<div id="panel">
<input id="search" type="search" placeholder="Search" aria-label="Search the tracks">
<div id="count" role="status"></div>
<div id="legend"></div>
<button id="reset" type="button">Reset the view</button>
</div>
<div id="tip" hidden><b></b><span></span><span></span></div>
<div id="player" hidden><div></div><audio controls></audio></div>
<script type="application/json" id="data">{data}</script>
<script>{script}</script>
</body>
</html>
"""


def render_page(
    points: npt.NDArray[np.float32],
    groups: Sequence[Group],
    *,
    tracks: Sequence[Track],
    urls: Sequence[str] | None = None,
) -> str:
    """Return the page.

    Parameters
    ----------
    points : ndarray of float32, shape (m, 2)
        Within -1..1.
    groups : sequence of Group
        A partition of the tracks, in the order of the legend.
    tracks : sequence of Track, length m
    urls : sequence of str, length m, optional
        Where each track can be heard.

    Returns
    -------
    str
        An HTML document without external resources, but for those of `urls` when played.
    """
    group_of = np.zeros(len(tracks), np.int64)
    for code, group in enumerate(groups):
        group_of[list(group.members)] = code
    content = {
        "x": [round(float(x), 4) for x in points[:, 0]],
        "y": [round(float(y), 4) for y in points[:, 1]],
        "group": group_of.tolist(),
        "groups": [{"name": g.name, "colour": g.colour, "size": len(g.members)} for g in groups],
        "title": [track.title or track.track_id for track in tracks],
        "artist": [track.artist or "" for track in tracks],
        "genre": [(track.genre or "").replace("|", ", ") for track in tracks],
        "url": None if urls is None else list(urls),
    }
    return _PAGE.format(style=_STYLE, data=script_json(content), script=SCRIPT)


def script_json(content: object) -> str:
    """Return JSON that is safe inside a script element of HTML."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    # The separators U+2028 and U+2029 need no escape in JSON, but have upset readers of scripts.
    return text.translate({ord(c): f"\\u{ord(c):04x}" for c in "<>&\u2028\u2029"})
