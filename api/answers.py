"""Answers of the engine as the JSON of the contract, the same from the command line and HTTP."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from data.catalog import Catalog
from data.vocabulary import Vocabulary
from engine.request import Item
from engine.similarity import Listener
from ranker.explain import Reason


def item_documents(items: Sequence[Item], catalog: Catalog) -> list[dict[str, Any]]:
    """Describe recommended or similar tracks.

    Returns
    -------
    list of dict
        `track_id`, `title`, `artist`, `score`, `sources` and, where known, `reasons`.
    """
    titles, artists = catalog.column("title"), catalog.column("artist")
    documents = []
    for item in items:
        document: dict[str, Any] = {
            "track_id": catalog.tracks.id(item.track),
            "title": titles[item.track].as_py(),
            "artist": artists[item.track].as_py(),
            "score": round(item.score, 6),
            "sources": list(item.sources),
        }
        if item.reason is not None:
            document["reasons"] = reason_document(item.reason, catalog)
        documents.append(document)
    return documents


def reason_document(reason: Reason, catalog: Catalog) -> dict[str, Any]:
    """Describe why a track was recommended.

    Returns
    -------
    dict
        `because` (played tracks that led to it), the shares `sound`, `behaviour` and
        `popularity`, and the `rule` that moved it, if one did.
    """
    titles = catalog.column("title")
    because = [
        {"track_id": catalog.tracks.id(track), "title": titles[track].as_py()}
        for track in reason.because
    ]
    return {
        "because": because,
        "sound": round(reason.sound, 4),
        "behaviour": round(reason.behaviour, 4),
        "popularity": round(reason.popularity, 4),
        "rule": reason.rule,
    }


def listener_documents(listeners: Sequence[Listener], users: Vocabulary) -> list[dict[str, Any]]:
    """Describe the users who would want a track: `user_id` and `score`."""
    return [{"user_id": users.id(e.user), "score": round(e.score, 6)} for e in listeners]
