"""Genres that a request asks for, against those of the catalogue."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from api.http.problems import FieldError, FieldsError
from data.catalog import Catalog, fold


def genre_names(given: Iterable[str]) -> tuple[str, ...]:
    """Bring genres into one form and order, so that equal questions have one answer."""
    return tuple(sorted({fold(genre) for genre in given} - {""}))


def known_genres(given: Sequence[str], catalog: Catalog, *, field: str) -> tuple[str, ...]:
    """Return genres in one form and order, if the catalogue has them all.

    Parameters
    ----------
    given : sequence of str
        As they were sent.
    catalog : Catalog
    field : str
        Where they stood: "genre", or "genres[{at}]" where each has a place of its own.

    Raises
    ------
    FieldsError
        If there is no such genre (422).
    """
    names = genre_names(given)
    if not all(name in catalog.genres for name in names):
        raise FieldsError(_unknown(given, catalog, field))
    return names


def _unknown(given: Sequence[str], catalog: Catalog, field: str) -> list[FieldError]:
    listed = catalog.some_genres or "it has none"
    errors = []
    for at, genre in enumerate(given):
        if fold(genre) and fold(genre) not in catalog.genres:
            name = field.format(at=at)
            text = f"`{name}` must be a genre of the catalogue ({listed}). Received: {genre!r:.80}."
            errors.append(FieldError(field=name, detail=text))
    return errors[:20]
