"""Errors as problem details (RFC 9457), each with the id of its request."""

from __future__ import annotations

import json
import logging
import re
import secrets
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, cast

from apiflask import APIFlask
from flask import Request, Response, request
from pydantic import BaseModel, Field
from werkzeug.exceptions import (
    ClientDisconnected,
    HTTPException,
    MethodNotAllowed,
    RequestedRangeNotSatisfiable,
)

from data.errors import (
    AudioError,
    BundleError,
    DataError,
    ParameterError,
    SegueError,
    UnknownTrack,
    UnknownUser,
)
from engine.audio_client import AudioWorkerUnavailable

logger = logging.getLogger("segue.http")

MIME = "application/problem+json"
REQUEST_ID = "X-Request-Id"
RETRY_AFTER_S = 2
BROKEN_BODY = (
    "The body ends early, or its chunks are broken. Send it anew, as long as its `Content-Length` "
    "says, or in chunks as `Transfer-Encoding: chunked` has them."
)

_SANE_ID = re.compile(r"[A-Za-z0-9._:/+=@-]{1,128}", re.ASCII)
_KINDS: dict[type[SegueError], tuple[int, str]] = {
    ParameterError: (422, "invalid-value"),
    AudioError: (422, "unusable-audio"),
    UnknownTrack: (404, "unknown-track"),
    UnknownUser: (404, "unknown-user"),
    AudioWorkerUnavailable: (503, "audio-worker-unavailable"),
    BundleError: (503, "no-bundle"),
    DataError: (503, "store-unavailable"),
}
"""Status and last part of the `type` of each error; the first class that fits counts."""


class FieldError(BaseModel):
    """What is wrong with one field."""

    field: str = Field(description="Where it is, such as `events[3].track_id`.")
    detail: str = Field(description="What is wrong with it, and what was received.")


class Problem(BaseModel):
    """Problem details (RFC 9457)."""

    type: str = Field(description="What kind of problem it is: a URN, or `about:blank`.")
    title: str = Field(description="The kind in words.")
    status: int = Field(description="The HTTP status.")
    detail: str = Field(description="What is wrong in this case, and what to do.")
    instance: str = Field(
        "", description="Path of the request; left out where the request could not be read."
    )
    request_id: str = Field(description="The id under which the service logs the request.")
    errors: list[FieldError] = Field(default=[], description="One entry a wrong field.")


class FieldsError(ParameterError):
    """Fields of a request are wrong.

    Attributes
    ----------
    errors : list of FieldError
    """

    def __init__(self, errors: Sequence[FieldError]) -> None:
        more = f" ({len(errors) - 1} more in `errors`)" if len(errors) > 1 else ""
        super().__init__(errors[0].detail + more)
        self.errors = list(errors)


class ConflictError(SegueError):
    """The request is right, but not for what the service holds now (409)."""


def request_id(current: Request) -> str:
    """Return the id of a request: the sender's `X-Request-Id` if it is a sane one, or a new one."""
    found = current.environ.get("segue.request_id")
    if found is None:
        sent = current.environ.get("HTTP_X_REQUEST_ID", "")
        found = sent if _SANE_ID.fullmatch(sent) else secrets.token_hex(8)
        current.environ["segue.request_id"] = found
    return cast(str, found)


def problem(
    status: int,
    detail: str,
    *,
    kind: str | None = None,
    errors: Sequence[FieldError] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Return a response of problem details.

    Parameters
    ----------
    status : int
        HTTP status.
    detail : str
        What is wrong in this case.
    kind : str, optional
        Last part of the `type`, such as "unknown-track".
    errors : sequence of FieldError
        What is wrong with each field.
    headers : mapping of str to str, optional
        Further headers.
    """
    body: dict[str, Any] = {
        "type": f"urn:segue:{kind}" if kind else "about:blank",
        "title": kind.replace("-", " ").capitalize() if kind else HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "instance": request.path,
        "request_id": request_id(request),
    }
    if errors:
        body["errors"] = [error.model_dump() for error in errors]
    response = Response(json.dumps(body, ensure_ascii=False), status, mimetype=MIME)
    response.headers.update(headers or {})
    return response


def too_large(what: str, most: int) -> str:
    """Say that something is larger than `most` bytes."""
    mib, rest = divmod(most, 1 << 20)
    size = f"{mib} MiB" if mib and not rest else f"{most} bytes"
    return f"{what} is larger than {size}, the most allowed."


def register(app: APIFlask) -> None:
    """Make every error of an application a problem."""
    app.register_error_handler(HTTPException, _of_http)
    app.register_error_handler(SegueError, _of_segue)
    app.register_error_handler(Exception, _of_anything)


def _of_http(error: HTTPException) -> Response | HTTPException:
    status = error.code or 500
    if status < 400 or error.response is not None:
        return error  # a redirect
    detail = str(error.description)
    headers = {}
    if isinstance(error, MethodNotAllowed) and error.valid_methods:
        headers["Allow"] = ", ".join(sorted(error.valid_methods))
        detail = f"{request.method} is not allowed here; use {headers['Allow']}."
    elif status == 404:
        detail = "There is nothing at this address. `/openapi.json` lists the endpoints."
    elif status == 413:
        detail = too_large("The body", request.max_content_length or 0)
    elif isinstance(error, RequestedRangeNotSatisfiable):
        headers["Content-Range"] = f"bytes */{error.length}"
        detail = f"The range must lie within the {error.length} bytes of the file."
    elif isinstance(error, ClientDisconnected):
        detail = BROKEN_BODY
    return problem(status, detail, headers=headers)


def _of_segue(error: SegueError) -> Response:
    if isinstance(error, ConflictError):
        return problem(409, str(error), kind="conflict")
    found = next((k for kind, k in _KINDS.items() if isinstance(error, kind)), None)
    if found is None:
        return _of_anything(error)
    status, kind = found
    errors = error.errors if isinstance(error, FieldsError) else ()
    if status < 500:
        return problem(status, str(error), kind=kind, errors=errors)
    logger.error("Request %s: %s", request_id(request), error)
    detail = "The store cannot be reached." if isinstance(error, DataError) else str(error)
    retry = {"Retry-After": str(RETRY_AFTER_S)}
    return problem(status, detail, kind=kind, headers=retry)


def _of_anything(error: Exception) -> Response:
    logger.error("Request %s failed.", request_id(request), exc_info=error)
    return problem(500, "The service failed. Its log says why, under the id of this request.")
