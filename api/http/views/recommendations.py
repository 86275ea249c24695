"""Recommendations: for a user, and for nobody in particular.

A cached answer takes one look-up of the user's version, one of Redis, and no model. What is kept
says `"cache":"hit"` already, so it is sent as it is. (No text from outside can hold these bytes:
inside a JSON string their quotes would be escaped.)
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import numpy as np
from flask import Response, request

from api.answers import item_documents, outcome_documents
from api.http.cache import answer_id
from api.http.documents import Recommendations, encode, now
from api.http.genres import known_genres
from api.http.problems import FieldError, FieldsError
from api.http.queries import Blueprint
from api.http.schemas import RecommendationBody, RecommendationQuery
from api.http.services import services
from api.http.shown import Served
from data.checks import check_id
from data.history import History
from data.store.users import NO_VERSION
from data.vocabulary import Vocabulary
from engine.live import Models
from engine.request import Request, Scope
from ranker.candidates import IntArray

blueprint = Blueprint("recommendations", __name__, tag="Recommendations")

_HIT, _MISS, _BYPASS = b'"cache":"hit"', b'"cache":"miss"', b'"cache":"bypass"'


@blueprint.get("/v1/users/<id:user_id>/recommendations")
@blueprint.input(RecommendationQuery, location="query", arg_name="query")
@blueprint.output(Recommendations)
@blueprint.doc(
    operation_id="recommendUser",
    summary="Recommend tracks to a user",
    responses={503: "No bundle, or no store"},
)
def of_user(user_id: str, query: RecommendationQuery) -> Response:
    """Answer for known and unknown users alike; `fallback` names the signal that stood in."""
    here = services()
    check_id("user_id", user_id)
    models = here.models.get()
    arm = models.arms.of(user_id, query.placement)
    # The version first: an event that arrives in between makes this answer newer than its key.
    version = here.store.user_version(user_id)
    scope = Scope(query.placement, datetime.now(UTC))
    rules = models.recommender.rulebook.state(scope)
    parts = (user_id, version, query.canonical, rules, *arm.key)
    key = answer_id(models.bundle.id, here.fingerprint, *parts)
    served = Served(here, arm, key, query, user_id, version)

    def compute() -> bytes:
        catalog = models.bundle.contents.catalog
        genres = known_genres(query.genre, catalog, field="genre")
        history = here.store.history(user_id, catalog.tracks)
        wanted = _request(history, query, scope, genres=genres, subject=user_id)
        return _document(models, wanted, served)

    return _kept_or(compute, models, served)


@blueprint.post("/v1/recommendations")
@blueprint.input(RecommendationBody, location="json", arg_name="body")
@blueprint.output(Recommendations)
@blueprint.doc(
    operation_id="recommendAnonymous",
    summary="Recommend tracks to somebody unknown",
    responses={400: "Not JSON", 413: "Too large", 415: "Not sent as JSON", 503: "No bundle"},
)
def anonymous(body: RecommendationBody) -> Response:
    """Start from seed tracks, disliked tracks and genres: onboarding, or a session."""
    here = services()
    models = here.models.get()
    scope = Scope(body.placement, datetime.now(UTC), body.rules)
    rules = models.recommender.rulebook.state(scope)
    key = answer_id(models.bundle.id, here.fingerprint, "", "", body.canonical, rules)
    served = Served(here, models.arms.of(None, None), key, body, None, NO_VERSION)

    def compute() -> bytes:
        catalog = models.bundle.contents.catalog
        tracks = catalog.tracks
        genres = known_genres(body.genres, catalog, field="genres[{at}]")
        seeds = _known("seed_tracks", body.seed_tracks, tracks)
        history = History(
            tracks=seeds,
            counts=np.ones(seeds.size, np.float32),
            last_at=np.full(seeds.size, -1, np.int64),
            hidden=_known("disliked_tracks", body.disliked_tracks, tracks),
        )
        wanted = _request(history, body, scope, genres=genres, subject="")
        return _document(models, wanted, served)

    return _kept_or(compute, models, served)


def _kept_or(compute: Callable[[], bytes], models: Models, served: Served) -> Response:
    here, key, keep = served.here, served.key, not served.options.dry_run
    control: str = request.environ.get("HTTP_CACHE_CONTROL", "")
    keep = keep and here.cache.enabled
    if not keep or "no-cache" in control or "no-store" in control:
        return _response(compute().replace(_HIT, _BYPASS, 1))
    body = here.cache.get(key)
    if body is None:
        kept = compute()
        here.cache.put(key, kept)
        return _response(kept.replace(_HIT, _MISS, 1))
    served.log(None, models.bundle.id, models.bundle.contents.catalog)
    return _response(body)


def _response(body: bytes) -> Response:
    return Response(body, mimetype="application/json")


def _request(
    history: History,
    options: RecommendationQuery | RecommendationBody,
    scope: Scope,
    *,
    genres: tuple[str, ...],
    subject: str,
) -> Request:
    return Request(
        history,
        n=options.n,
        strategy=options.strategy,
        exclude_seen=options.exclude_seen,
        genres=genres,
        artist_cap=options.artist_cap,
        diversity=options.diversity,
        explore=options.explore,
        subject=subject,
        explain=options.explain,
        scope=scope,
        dry_run=options.dry_run,
    )


def _document(models: Models, wanted: Request, served: Served) -> bytes:
    found = served.arm.recommend(wanted)
    catalog = models.bundle.contents.catalog
    served.log(found, models.bundle.id, catalog)
    document = {
        "user_id": served.user_id,
        "bundle": models.bundle.id,
        "generated_at": now(),
        "cache": "hit",
        "fallback": found.fallback,
        "recommendation_id": served.key,
        "experiment": served.arm.experiment,
        "variant": served.arm.variant,
        "items": item_documents(found.items, catalog),
    }
    if found.rules is not None:
        document["rules"] = outcome_documents(found.rules, catalog)
    return encode(document)


def _known(field: str, track_ids: tuple[str, ...], tracks: Vocabulary) -> IntArray:
    """Return the distinct indices of tracks, ascending; 422 if one is not in the bundle."""
    found = tracks.indices(list(track_ids))
    errors = [
        FieldError(
            field=f"{field}[{at}]",
            detail=f"`{field}[{at}]` must be a track of the current bundle. "
            f"Received: {track_ids[at]!r:.80}.",
        )
        for at in np.flatnonzero(found < 0).tolist()
    ]
    if errors:
        raise FieldsError(errors[:20])
    return np.unique(found).astype(np.int32)
