"""What is the same for everybody: popular tracks, new tracks."""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from flask import Response

from api.answers import item_documents
from api.http.documents import TrackList, answer, now
from api.http.genres import known_genres
from api.http.queries import Blueprint
from api.http.schemas import CountQuery, PopularQuery
from api.http.services import services
from data.catalog import Catalog
from data.history import History
from engine.duplicates import Duplicates
from engine.live import Models
from engine.request import Item, Request

blueprint = Blueprint("lists", __name__, tag="Lists")

_released: WeakKeyDictionary[Catalog, list[tuple[int, int]]] = WeakKeyDictionary()
"""Day and index of each dated track, the last first: sorted once a bundle."""


@blueprint.get("/v1/popular")
@blueprint.input(PopularQuery, location="query", arg_name="query")
@blueprint.output(TrackList)
@blueprint.doc(
    operation_id="popularTracks", summary="List popular tracks", responses={503: "No bundle"}
)
def popular(query: PopularQuery) -> Response:
    """Answer the tracks that most users played."""
    models = services().models.get()
    genres = known_genres(query.genre, models.bundle.contents.catalog, field="genre")
    request = Request(History(), n=query.n, strategy="popular", genres=genres, scope=None)
    return answer(_list(models, models.recommender.recommend(request).items))


@blueprint.get("/v1/new")
@blueprint.input(CountQuery, location="query", arg_name="query")
@blueprint.output(TrackList)
@blueprint.doc(operation_id="newTracks", summary="List new tracks", responses={503: "No bundle"})
def new(query: CountQuery) -> Response:
    """Answer the tracks released last; those without a date are left out."""
    models = services().models.get()
    contents = models.bundle.contents
    return answer(_list(models, newest(contents.catalog, query.n, duplicates=contents.duplicates)))


def newest(catalog: Catalog, n: int, *, duplicates: Duplicates | None = None) -> tuple[Item, ...]:
    """Return the `n` tracks released last, the last first; the score is days since 1970.

    Tracks of one day keep the order of the catalogue. Of tracks that are the same recording, the
    one released last is there.
    """
    released = _released.get(catalog)
    if released is None:
        released = _released[catalog] = _by_release(catalog)
    if duplicates is None:
        return tuple(Item(index, float(day), ("new",)) for day, index in released[:n])
    items: dict[int, Item] = {}  # by the track that stands for its recording
    for day, index in released:
        if len(items) == n:
            break
        representative = int(duplicates.representatives[index])
        items.setdefault(representative, Item(index, float(day), ("new",)))
    return tuple(items.values())


def _by_release(catalog: Catalog) -> list[tuple[int, int]]:
    dated = np.flatnonzero(np.isfinite(catalog.released))
    last_first = dated[np.argsort(-catalog.released[dated], kind="stable")]
    days = catalog.released[last_first].astype(int)
    return list(zip(days.tolist(), last_first.tolist(), strict=True))


def _list(models: Models, items: tuple[Item, ...]) -> dict[str, Any]:
    return {
        "items": item_documents(items, models.bundle.contents.catalog),
        "bundle": models.bundle.id,
        "generated_at": now(),
    }
