"""Events: what users did, as it happens."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Response

from api.http.documents import EventsAnswer, answer
from api.http.event_schemas import EventIn, EventsBody
from api.http.problems import FieldError, FieldsError
from api.http.queries import Blueprint
from api.http.services import services
from data.errors import ParameterError, UnknownTrack
from data.store import Event, Store

blueprint = Blueprint("events", __name__, tag="Events")


@blueprint.post("/v1/events")
@blueprint.input(EventsBody, location="json", arg_name="body")
@blueprint.output(EventsAnswer, status_code=202)
@blueprint.doc(
    operation_id="addEvents",
    summary="Report what users did",
    responses={400: "Not JSON", 413: "Too large", 415: "Not sent as JSON", 503: "No store"},
)
def add(body: EventsBody) -> Response:
    """Store a batch, all or none; durable when answered, and part of the next answer.

    Events with an `event_id` may be sent again: those already held count as duplicates.
    """
    here = services()
    most = here.settings.api.max_events
    if not 0 < len(body.events) <= most:
        text = f"`events` must hold 1 to {most} events. Received: {len(body.events)}."
        raise FieldsError([FieldError(field="events", detail=text)])
    batch = [_checked(at, event) for at, event in enumerate(body.events)]
    try:
        added = here.store.add_events(batch)
    except UnknownTrack as error:
        raise _unknown_track(batch, here.store) from error
    return answer({"accepted": added.accepted, "duplicates": added.duplicates}, 202)


def _checked(at: int, event: EventIn) -> Event:
    try:
        return event.as_event()
    except ParameterError as error:
        field = f"events[{at}]"
        raise FieldsError([FieldError(field=field, detail=f"`{field}`: {error}")]) from None


def _unknown_track(batch: Sequence[Event], store: Store) -> FieldsError:
    """Say which events name tracks that the catalogue doesn't have."""
    errors = []
    for at, event in enumerate(batch):
        if store.get_track(event.track_id) is None:
            field = f"events[{at}].track_id"
            text = f"`{field}` is not in the catalogue. Received: {event.track_id!r:.80}."
            errors.append(FieldError(field=field, detail=text))
    return FieldsError(errors[:20])
