"""ID3v2.4 tags, written by hand.

Layout: https://id3.org/id3v2.4.0-structure and https://id3.org/id3v2.4.0-frames. Only text frames,
in UTF-8, are written.
"""

from __future__ import annotations

from collections.abc import Mapping

from data.errors import DataError

_UTF8 = b"\x03"  # the encoding byte that opens a text frame
_LIMIT = 1 << 28  # four bytes of seven bits


def synchsafe(size: int) -> bytes:
    """Return a size as four bytes of seven bits each, so that no byte looks like MPEG sync.

    Raises
    ------
    DataError
        If it does not fit into 28 bits.
    """
    if not 0 <= size < _LIMIT:
        raise DataError(f"An ID3 tag holds less than {_LIMIT} bytes. Received: {size}.")
    return bytes((size >> shift) & 0x7F for shift in (21, 14, 7, 0))


def text_frame(name: str, text: str) -> bytes:
    """Return one text frame, such as `TIT2`.

    Raises
    ------
    DataError
        If the name is not four capital letters or digits that start with T.
    """
    good = len(name) == 4 and name.isascii() and name.isalnum() and name == name.upper()
    if not good or name[0] != "T":
        raise DataError(f"A text frame has a name such as `TIT2`. Received: {name!r}.")
    body = _UTF8 + text.encode("utf-8")
    return name.encode("ascii") + synchsafe(len(body)) + b"\x00\x00" + body


def id3_tag(frames: Mapping[str, str]) -> bytes:
    r"""Return a whole tag, to be put in front of the first MPEG frame.

    Parameters
    ----------
    frames : mapping of str to str
        Text by frame: `TIT2` title, `TPE1` artist, `TALB` album, `TCON` genre, `TRCK` track,
        `TDRC` date of recording, `TDRL` date of release, `TCOP` licence.

    Examples
    --------
    >>> id3_tag({"TIT2": "A"})
    b'ID3\x04\x00\x00\x00\x00\x00\x0cTIT2\x00\x00\x00\x02\x00\x00\x03A'
    """
    body = b"".join(text_frame(name, text) for name, text in frames.items())
    return b"ID3\x04\x00\x00" + synchsafe(len(body)) + body
