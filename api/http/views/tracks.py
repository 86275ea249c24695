"""The catalogue, similar tracks, likely listeners, and sound files."""

from __future__ import annotations

import mimetypes
from pathlib import Path
from typing import Any

from flask import Response, request, send_file

from api.answers import item_documents, listener_documents
from api.http.documents import (
    ListenerList,
    TrackDocument,
    TrackList,
    TrackPage,
    answer,
    now,
    track_document,
)
from api.http.problems import ConflictError, problem
from api.http.queries import Blueprint, NoParameters
from api.http.schemas import ListenersQuery, SimilarQuery, TracksQuery
from api.http.services import services
from data.catalog import Track
from data.checks import check_id
from data.errors import UnknownTrack
from engine.audience import left_out
from engine.live import Models

blueprint = Blueprint("tracks", __name__, tag="Tracks")

_SOUND: dict[str, dict[str, Any]] = {"audio/*": {}}  # OpenAPI 3.1 has no schema for bytes
_TAG: dict[str, dict[str, Any]] = {
    "ETag": {"description": "For `If-None-Match`.", "schema": {"type": "string"}}
}
_DATED: dict[str, dict[str, Any]] = {
    **_TAG,
    "Last-Modified": {"description": "For `If-Modified-Since`.", "schema": {"type": "string"}},
}
_PART: dict[str, dict[str, Any]] = {
    "Content-Range": {"description": "Which bytes of how many.", "schema": {"type": "string"}}
}
_AUDIO: dict[int | str, dict[str, str | dict[str, dict[str, Any]]]] = {
    200: {"description": "The file", "content": _SOUND, "headers": _DATED},
    206: {"description": "Part of the file", "content": _SOUND, "headers": _PART},
    304: {"description": "The file is as it was", "headers": _TAG},
    404: {"description": "Unknown track, or it has no file"},
    416: {"description": "The file has no such range", "headers": _PART},
    503: {"description": "No store"},
}


@blueprint.get("/v1/tracks")
@blueprint.input(TracksQuery, location="query", arg_name="query")
@blueprint.output(TrackPage)
@blueprint.doc(
    operation_id="listTracks", summary="List or search the catalogue", responses={503: "No store"}
)
def page(query: TracksQuery) -> Response:
    """Answer a page of tracks, by id."""
    found = services().store.tracks_page(query.q, query.limit + 1, query.after)
    items = [track_document(track) for track in found[: query.limit]]
    last = found[query.limit - 1].track_id if len(found) > query.limit else None
    return answer({"items": items, "next": last})


@blueprint.get("/v1/tracks/<id:track_id>")
@blueprint.input(NoParameters, location="query", arg_name="query")
@blueprint.output(TrackDocument)
@blueprint.doc(operation_id="getTrack", summary="Describe a track", responses={503: "No store"})
def one(track_id: str, query: NoParameters) -> Response:  # noqa: ARG001 - checked, then done with
    """Answer what the catalogue says of a track."""
    return answer(track_document(_stored(track_id)))


@blueprint.get("/v1/tracks/<id:track_id>/similar")
@blueprint.input(SimilarQuery, location="query", arg_name="query")
@blueprint.output(TrackList)
@blueprint.doc(
    operation_id="similarTracks",
    summary="Find similar tracks",
    responses={503: "No bundle, or no store"},
)
def similar(track_id: str, query: SimilarQuery) -> Response:
    """Answer the tracks most like this one by sound, by listeners, or by both."""
    models = services().models.get()
    items = models.similar.to_track(_in_bundle(track_id, models), query.n, by=query.by)
    return answer(
        {
            "items": item_documents(items, models.bundle.contents.catalog),
            "bundle": models.bundle.id,
            "generated_at": now(),
        }
    )


@blueprint.get("/v1/tracks/<id:track_id>/listeners")
@blueprint.input(ListenersQuery, location="query", arg_name="query")
@blueprint.output(ListenerList)
@blueprint.doc(
    operation_id="trackListeners",
    summary="Find a track's listeners",
    responses={409: "The bundle has no users", 503: "No bundle, or no store"},
)
def listeners(track_id: str, query: ListenersQuery) -> Response:
    """Answer the users who would most want this track, also if nobody has played it."""
    here = services()
    models = here.models.get()
    track = _in_bundle(track_id, models)
    contents = models.bundle.contents
    if contents.behaviour is None:
        raise ConflictError(
            "The current bundle learnt from no plays, so it knows no user. Import listens, then "
            "run `segue train`."
        )
    exclude = left_out(here.store, contents, track, played=query.exclude_played)
    found = models.similar.listeners(track, query.n, exclude=exclude)
    return answer(
        {
            "by": found.by,
            "items": listener_documents(found.listeners, contents.users),
            "bundle": models.bundle.id,
            "generated_at": now(),
        }
    )


@blueprint.get("/v1/tracks/<id:track_id>/audio")
@blueprint.input(NoParameters, location="query", arg_name="query")
@blueprint.doc(
    operation_id="trackAudio",
    summary="Fetch a track's sound file",
    responses=_AUDIO,
)
def audio(track_id: str, query: NoParameters) -> Response:  # noqa: ARG001 - checked, then done with
    """Answer the file that the catalogue names, whole or in ranges."""
    path = _audio_file(_stored(track_id))
    if path is None:
        return problem(404, "This track has no sound file that can be read.", kind="no-audio")
    response = send_file(path, conditional=True, max_age=3600)
    response.direct_passthrough = not request.range  # a range is cut by werkzeug, not the server
    return response


def _stored(track_id: str) -> Track:
    check_id("track_id", track_id)
    track = services().store.get_track(track_id)
    if track is None:
        raise UnknownTrack(f"There is no track {track_id!r} in the catalogue.")
    return track


def _in_bundle(track_id: str, models: Models) -> int:
    """Return a track's index in the bundle, or say why it has none."""
    check_id("track_id", track_id)
    index = models.bundle.contents.catalog.tracks.get(track_id)
    if index is None:
        _stored(track_id)
        raise UnknownTrack(
            f"The track {track_id!r} came after the current bundle. `segue train` takes it in."
        )
    return index


def _audio_file(track: Track) -> Path | None:
    """Return a track's file if it is there; only files that are named like sound are served."""
    if track.audio_path is None:
        return None
    path = Path(track.audio_path)
    kind = mimetypes.guess_type(path.name)[0] or ""
    return path if kind.startswith("audio/") and path.is_absolute() and path.is_file() else None
