"""Files of ids, one a line: the only reader of them."""

from __future__ import annotations


def read_ids(content: bytes) -> list[str]:
    r"""Return the ids that a file lists, as they stand in it.

    Parameters
    ----------
    content : bytes
        UTF-8 text, with or without a mark at its beginning (U+FEFF). Only "\n" or "\r\n" ends a
        line; an id may hold every other character that `str.splitlines` would split at, and begin
        or end with a space. Empty lines are passed over.

    Returns
    -------
    list of str
        In the order of the file; an id stands here as often as it does there.

    Raises
    ------
    UnicodeDecodeError
        If the text is not UTF-8.

    Examples
    --------
    >>> read_ids(b"t1\r\n\n t2\n")
    ['t1', ' t2']
    """
    lines = (line.removesuffix("\r") for line in content.decode("utf-8-sig").split("\n"))
    return [line for line in lines if line]
