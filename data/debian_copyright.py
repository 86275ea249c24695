"""The licences that the copyright file of a Debian package names.

The machine-readable format ("DEP-5") is a list of paragraphs; `Files:` patterns are paths of the
source package, and the last paragraph that matches a file counts. Installed files lie elsewhere,
so patterns are compared by their tails. <https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/>
Other copyright files are prose, in which the common licences are looked for by name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase

_FIELD = re.compile(r"^(Files|Licen[sc]e):[ \t]*(.*(?:\n[ \t].*)*)", re.MULTILINE | re.IGNORECASE)
_INSTALLED = re.compile(r"^(\./)?usr/(share/|lib/)?(games/)?")

_PROSE = (
    (r"common-licenses/([A-Za-z]+(?:-[\d.]*\d)?)", r"\1"),
    (r"\bGPL[ -]v?(\d)", r"GPL-\1"),
    (r"GNU General Public License[^.]{0,60}? version (\d)", r"GPL-\1"),
    (r"Creative Commons Attribution[ -]Share ?-?Alike,? (?:License )?v?(\d\.\d)", r"CC-BY-SA-\1"),
    (r"Creative Commons Attribution,? (?:License )?v?(\d\.\d)", r"CC-BY-\1"),
    (r"CC[ -]BY-SA[ -]v?(\d\.\d)", r"CC-BY-SA-\1"),
    (r"CC[ -]BY[ -]v?(\d\.\d)", r"CC-BY-\1"),
    (r"public domain", "public-domain"),
    (r"Redistribution and use in source and binary forms", "BSD"),
)


@dataclass(frozen=True)
class _Paragraph:
    patterns: tuple[str, ...]
    license: str


def licenses(copyright_text: str, path: str) -> str:
    """Return the licences of one installed file.

    Parameters
    ----------
    copyright_text : str
        The package's copyright file.
    path : str
        Where the package puts the file, such as `usr/share/games/pond/music/frog.ogg`.

    Returns
    -------
    str
        Of the machine-readable format, what the paragraph says whose pattern agrees with most of
        the path's end. If there is none, and for other files, all licences that the text names,
        in its order and joined by `|`. Empty where it names none.
    """
    paragraphs = _paragraphs(copyright_text)
    best = max(paragraphs, key=lambda p: _agreement(p, path), default=None)
    if best is not None and _agreement(best, path) >= 0:
        return best.license
    named = [p.license for p in paragraphs[::-1]] or _in_prose(copyright_text)
    return "|".join(dict.fromkeys(named))


def _paragraphs(text: str) -> list[_Paragraph]:
    """Return the paragraphs that have both fields, the last first, without Debian's own files."""
    found = []
    for block in re.split(r"\n[ \t]*\n", text.replace("\r\n", "\n")):
        fields = {name.lower()[:5]: value for name, value in _FIELD.findall(block)}
        listed = fields.get("files", "").replace(",", " ").split()  # the commas of old drafts
        patterns = tuple(p for p in listed if not p.startswith("debian/"))
        license_ = fields.get("licen", "").split("\n")[0].strip()
        if patterns and license_:
            found.append(_Paragraph(patterns, license_))
    return found[::-1]


def _agreement(paragraph: _Paragraph, path: str) -> int:
    """Return how many parts of a pattern agree with the path's end: 0 for `*`, -1 if none do."""
    below = "/" + _INSTALLED.sub("", path)
    return max(_tail_length(pattern.removeprefix("./"), below) for pattern in paragraph.patterns)


def _tail_length(pattern: str, path: str) -> int:
    if pattern == "*":
        return 0
    parts = pattern.split("/")
    for start in range(len(parts)):
        tail = parts[start:]
        if _says_something(tail) and fnmatchcase(path, "*/" + "/".join(tail)):
            return len(tail)
    return -1


def _says_something(tail: list[str]) -> bool:
    """Whether a tail names a folder, or a file by more than its suffix."""
    first = tail[0] if len(tail) > 1 else tail[0].rpartition(".")[0]
    return first.strip("*?") != ""


def _in_prose(text: str) -> list[str]:
    flat = re.sub(r"\s+", " ", text)
    found = [
        (match.start(), match.expand(name))
        for pattern, name in _PROSE
        for match in re.finditer(pattern, flat, re.IGNORECASE)
    ]
    names = [name for _, name in sorted(found)]
    versioned = {name.partition("-")[0] for name in names if "-" in name}
    return [name for name in names if name not in versioned]
