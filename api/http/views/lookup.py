"""Look-up of a sound file: what is like it, and who would want it. Nothing is kept."""

from __future__ import annotations

from pathlib import Path

from flask import Response, request
from werkzeug.exceptions import RequestEntityTooLarge

from api.answers import duplicate_of, item_documents, listener_documents
from api.http.documents import LookupAnswer, answer, now
from api.http.problems import ConflictError, FieldError, FieldsError, problem, too_large
from api.http.queries import Blueprint
from api.http.schemas import CountQuery, LookupForm
from api.http.services import services
from engine.live import Models

blueprint = Blueprint("lookup", __name__, tag="Look-up")

_FORM_BYTES = 64 * 1024  # what a multipart form adds to the file
_N = {
    "in": "query",
    "name": "n",
    "description": "In the place of the form's.",
    "schema": CountQuery.model_json_schema()["properties"]["n"],
}


@blueprint.before_request
def _allow_uploads() -> None:
    request.max_content_length = services().settings.api.max_upload_bytes + _FORM_BYTES


@blueprint.errorhandler(RequestEntityTooLarge)
def _too_large(error: RequestEntityTooLarge) -> Response:  # noqa: ARG001 - Flask passes it
    return problem(413, too_large("`file`", services().settings.api.max_upload_bytes))


@blueprint.post("/v1/lookup")
@blueprint.input(LookupForm, location="files", arg_name="form")
@blueprint.output(LookupAnswer)
@blueprint.doc(
    operation_id="lookUpFile",
    summary="Look up a sound file",
    extensions={"parameters": [_N]},
    responses={
        409: "The bundle has no encoder",
        413: "Too large",
        415: "Not a form",
        503: "No bundle, or the audio worker does not answer",
    },
)
def lookup(form: LookupForm) -> Response:
    """Answer the tracks that sound like an uploaded file and where, and its likely listeners."""
    here = services()
    models = here.models.get()
    encoder = _encoder(models)
    audio = form.file.read()
    if not audio:
        raise FieldsError([FieldError(field="file", detail="`file` is empty.")])
    if len(audio) > here.settings.api.max_upload_bytes:
        raise RequestEntityTooLarge
    heard = here.audio.hear(audio, encoder=encoder)
    contents = models.bundle.contents
    items = models.similar.to_vector(heard.embedding, form.n, chunks=heard.segments)
    likely = models.similar.listeners_of_vector(heard.embedding, form.n)
    return answer(
        {
            "items": item_documents(items, contents.catalog),
            "listeners": listener_documents(likely, contents.users),
            "duplicate_of": duplicate_of(heard, contents),
            "bundle": models.bundle.id,
            "generated_at": now(),
        }
    )


def _encoder(models: Models) -> Path:
    acoustic = models.bundle.contents.acoustic
    if acoustic is None:
        fault = "no embeddings of tracks. Train it with tracks that have audio"
    elif acoustic.encoder is None:
        fault = "embeddings that were imported, and no encoder that could place a file among them"
    else:
        return acoustic.encoder
    raise ConflictError(f"The current bundle has {fault}.")
