"""Text from outside, made fit to be stored and searched."""

from __future__ import annotations

import unicodedata


def clean(text: str) -> str:
    """Return a text without what no database holds: NUL is dropped, lone surrogates become `?`."""
    return text.replace("\0", "").encode("utf-8", "replace").decode("utf-8")


def fold(text: str) -> str:
    """Return the form in which upper and lower case, and compatibility variants, are equal."""
    return unicodedata.normalize("NFKC", text).casefold()


def search_text(*fields: str | None) -> str:
    """Return what a text query is matched against.

    The unit separator between the fields keeps a query from matching across two of them.
    """
    return "\x1f".join(fold(field) for field in fields if field)
