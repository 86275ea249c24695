"""What is the same for everybody: popular tracks, new tracks."""

from __future__ import annotations

from typing import Any

import numpy as np
from apiflask import APIBlueprint
from flask import Response

from api.answers import item_documents
from api.http.documents import TrackList, answer, now
from api.http.schemas import CountQuery, PopularQuery
from api.http.services import services
from data.catalog import Catalog
from data.history import History
from engine.live import Models
from engine.request import Item, Request

blueprint = APIBlueprint("lists", __name__, tag="Lists")


@blueprint.get("/v1/popular")
@blueprint.input(PopularQuery, location="query", arg_name="query")
@blueprint.output(TrackList)
@blueprint.doc(summary="List popular tracks", responses={503: "No bundle"})
def popular(query: PopularQuery) -> Response:
    """Answer the tracks that most users played."""
    models = services().models.get()
    request = Request(History(), n=query.n, strategy="popular", genres=query.genre)
    return answer(_list(models, models.recommender.recommend(request).items))


@blueprint.get("/v1/new")
@blueprint.input(CountQuery, location="query", arg_name="query")
@blueprint.output(TrackList)
@blueprint.doc(summary="List new tracks", responses={503: "No bundle"})
def new(query: CountQuery) -> Response:
    """Answer the tracks released last; those without a date are left out."""
    models = services().models.get()
    return answer(_list(models, newest(models.bundle.contents.catalog, query.n)))


def newest(catalog: Catalog, n: int) -> tuple[Item, ...]:
    """Return the `n` tracks released last, the last first; the score is the year.

    ISO dates sort as text. Equal dates keep the order of the catalogue.
    """
    dates = np.array([date or "" for date in catalog.column("released_at").to_pylist()], dtype=str)
    order = np.argsort(dates, kind="stable")[::-1] if dates.size else np.empty(0, int)
    # Reversing put equal dates in reverse order: sort again by date alone, latest first.
    ranks = np.unique(dates, return_inverse=True)[1] if dates.size else order
    order = np.argsort(-ranks, kind="stable")
    dated = [int(i) for i in order[: n + 0] if dates[i]]
    return tuple(Item(i, float(dates[i][:4]), ("new",)) for i in dated)


def _list(models: Models, items: tuple[Item, ...]) -> dict[str, Any]:
    return {
        "items": item_documents(items, models.bundle.contents.catalog),
        "bundle": models.bundle.id,
        "generated_at": now(),
    }
