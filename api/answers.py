"""Answers of the engine as the JSON of the contract, the same from the command line and HTTP."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from api.reasons import sentence_of
from audio_model.encoder import Heard
from data.catalog import Catalog
from data.vocabulary import Vocabulary
from engine.bundle import BundleContents
from engine.request import Item
from engine.segments import Passage
from engine.similarity import Listener
from ranker.explain import Reason
from ranker.rules import Outcome


def item_documents(items: Sequence[Item], catalog: Catalog) -> list[dict[str, Any]]:
    """Describe recommended or similar tracks.

    Returns
    -------
    list of dict
        `track_id`, `title`, `artist`, `score`, `sources` and, where known, `reasons` and
        `segments`.
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
        if item.segments:
            document["segments"] = [passage_document(p) for p in item.segments]
        documents.append(document)
    return documents


def reason_document(reason: Reason, catalog: Catalog) -> dict[str, Any]:
    """Describe why a track was recommended.

    Returns
    -------
    dict
        `text` (a sentence), `because` (played tracks that led to it), the shares `sound`,
        `behaviour` and `popularity`, and the `rule` that moved it, if one did.
    """
    titles = catalog.column("title")
    because = [
        {"track_id": catalog.tracks.id(track), "title": titles[track].as_py()}
        for track in reason.because
    ]
    return {
        "text": sentence_of(reason, [b["title"] or b["track_id"] for b in because]),
        "because": because,
        "sound": round(reason.sound, 4),
        "behaviour": round(reason.behaviour, 4),
        "popularity": round(reason.popularity, 4),
        "rule": reason.rule,
    }


def outcome_documents(outcomes: Sequence[Outcome], catalog: Catalog) -> list[dict[str, Any]]:
    """Describe what each rule did: what `dry_run` asks for."""
    ids = catalog.tracks.id
    return [
        {
            "name": outcome.name,
            "kind": outcome.kind,
            "origin": outcome.origin,
            "in_force": outcome.in_force,
            "matched": outcome.matched,
            "removed": outcome.removed,
            "removed_tracks": [ids(track) for track in outcome.removed_tracks],
            "moves": [
                {"track_id": ids(move.track), "from": move.before, "to": move.after}
                for move in outcome.moves
            ],
            "unfulfilled": list(outcome.unfulfilled),
        }
        for outcome in outcomes
    ]


def passage_document(passage: Passage) -> dict[str, Any]:
    """Describe two passages that sound alike: times in seconds, and their `similarity`."""
    return {
        "from": round(passage.start, 1),
        "to": round(passage.end, 1),
        "item_from": round(passage.item_start, 1),
        "item_to": round(passage.item_end, 1),
        "similarity": round(passage.similarity, 4),
    }


def passage_words(passage: dict[str, Any]) -> str:
    """Say where two tracks sound alike, of a `passage_document`."""
    here, there = (
        f"{clock(passage[a])}-{clock(passage[b])}"
        for a, b in (("from", "to"), ("item_from", "item_to"))
    )
    return f"{here} of this sounds like {there} of that"


def clock(seconds: float) -> str:
    """Return a time as a player shows it: 1:10, or 1:02:10."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def listener_documents(listeners: Sequence[Listener], users: Vocabulary) -> list[dict[str, Any]]:
    """Describe the users who would want a track: `user_id` and `score`."""
    return [{"user_id": users.id(e.user), "score": round(e.score, 6)} for e in listeners]


def duplicate_of(heard: Heard, contents: BundleContents) -> str | None:
    """Return the id of the track that is the same recording as a file; None if there is none."""
    known = contents.duplicates
    track = None if known is None else known.of_recording(heard.recording)
    return None if track is None else contents.catalog.tracks.id(track)
