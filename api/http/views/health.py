"""Health: whether the process is up, and whether it can answer."""

from __future__ import annotations

from typing import Literal

from flask import Response
from pydantic import BaseModel, Field

from api.http.documents import answer
from api.http.queries import Blueprint
from api.http.services import services

blueprint = Blueprint("health", __name__, tag="Health")


class Alive(BaseModel):
    """The process answers."""

    status: Literal["alive"]


class Ready(BaseModel):
    """The service can recommend."""

    status: Literal["ready"]
    bundle: str = Field(description="The current bundle.")
    store: Literal["ok"]
    cache: Literal["ok", "down", "off"] = Field(description="Redis; not required.")
    audio: Literal["ok", "down", "off"] = Field(
        description="The audio worker, needed by look-ups only; off if the bundle has no encoder."
    )


@blueprint.get("/healthz")
@blueprint.output(Alive)
@blueprint.doc(operation_id="isAlive", summary="Is the process up?")
def healthz() -> Response:
    """Answer without looking at anything."""
    return answer({"status": "alive"})


@blueprint.get("/readyz")
@blueprint.output(Ready)
@blueprint.doc(
    operation_id="isReady",
    summary="Can the service answer?",
    responses={503: "No bundle, or no store"},
)
def readyz() -> Response:
    """Look at the bundle and the store, which are required, and at the cache and audio worker."""
    here = services()
    models = here.models.get()
    here.store.ping()
    acoustic = models.bundle.contents.acoustic
    hears = acoustic is not None and acoustic.encoder is not None
    audio = ("ok" if here.audio.ping() else "down") if hears else "off"
    return answer(
        {
            "status": "ready",
            "bundle": models.bundle.id,
            "store": "ok",
            "cache": here.cache.state,
            "audio": audio,
        }
    )
