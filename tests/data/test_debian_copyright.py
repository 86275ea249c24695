"""Licences out of copyright files: the machine-readable format, and prose."""

from __future__ import annotations

import pytest

from data.debian_copyright import licenses

MACHINE = """\
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Source: https://example.org

Files: *
Copyright: 2001 Ann
License: GPL-2+

Files: data/music/*
Copyright: 2002 Bo
License: CC-BY-SA-3.0 or GPL-3+
 The text.

Files: data/music/frog.ogg
       data/music/duck*.ogg
Copyright: 2003 Cy
License: CC0-1.0

Files: debian/*
Copyright: 2004 Di
License: ISC

License: GPL-2+
 On Debian systems, see `/usr/share/common-licenses/GPL-2'.
"""


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("usr/share/games/pond/data/music/pike.ogg", "CC-BY-SA-3.0 or GPL-3+"),
        ("usr/share/pond/music/pike.ogg", "CC-BY-SA-3.0 or GPL-3+"),
        ("usr/share/pond/music/frog.ogg", "CC0-1.0"),  # the last that matches
        ("usr/share/pond/sounds/duck2.ogg", "CC0-1.0"),  # by its name
        ("usr/share/pond/sounds/pike.ogg", "GPL-2+"),
        ("usr/share/pond/pond.ogg", "GPL-2+"),
    ],
)
def test_the_pattern_that_agrees_with_most_of_the_path(path: str, expected: str) -> None:
    assert licenses(MACHINE, path) == expected


def test_a_suffix_or_the_place_of_all_packages_is_no_match() -> None:
    text = (
        "Files: share/*\nLicense: A\n\nFiles: lib/*.ogg\nLicense: B\n\nFiles: src/*\nLicense: A\n"
    )
    assert licenses(text, "usr/share/pond/frog.ogg") == "A|B"  # all, since none matches


def test_spellings_of_old_drafts() -> None:
    text = "Files: a.png, music/*\r\nLicence: CC-by-3.0\r\n\r\nFiles: *\r\nLicence: GPL-3\r\n"
    assert licenses(text, "usr/share/pond/music/frog.ogg") == "CC-by-3.0"
    assert licenses(text, "usr/share/pond/frog.ogg") == "GPL-3"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("can be found in `/usr/share/common-licenses/GPL-2'.", "GPL-2"),
        ("GNU General\nPublic License as published by the FSF; version 3", "GPL-3"),
        ("see /usr/share/common-licenses/GPL. Fonts: public domain.", "GPL|public-domain"),
        ("/usr/share/common-licenses/GPL, which is GPL v2", "GPL-2"),
        ("Creative Commons Attribution-ShareAlike 3.0 and CC-BY-4.0", "CC-BY-SA-3.0|CC-BY-4.0"),
        ("CC BY-SA 2.5", "CC-BY-SA-2.5"),
        ("Redistribution and use in source\n and binary forms, with", "BSD"),
        ("All rights reserved.", ""),
        ("", ""),
    ],
)
def test_prose(text: str, expected: str) -> None:
    assert licenses(text, "usr/share/pond/frog.ogg") == expected
