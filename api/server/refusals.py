"""What gunicorn refuses before the application sees it, as problem details like all else."""

from __future__ import annotations

import json
import secrets
import socket

from gunicorn import util

from api.http.problems import BROKEN_BODY, MIME, REQUEST_ID

LONGEST_LINE = 8190
"""Bytes of a request line: ids of 256 bytes, each byte as three characters, and many genres."""

MAX_HEADERS, LONGEST_HEADER = 100, 8190
"""How many headers a request may have, and the bytes of one."""

_OF_STATUS = {
    403: "The request comes from an address that may send none.",
    414: f"The request line is longer than {LONGEST_LINE} bytes, the most allowed.",
    417: "`Expect` must be `100-continue`, or left out.",
    431: (
        f"The headers are too large: at most {MAX_HEADERS} are allowed, of {LONGEST_HEADER} bytes "
        "each."
    ),
    500: "The service failed. Its log says why.",
    501: "The transfer coding is unknown. Send the body in chunks, or with `Content-Length`.",
}
_OF_MESSAGE = {
    "Invalid Request Line": "The request line must be as in `GET /v1/tracks HTTP/1.1`.",
    "Invalid Method": "The method must be one of HTTP, in capital letters, such as GET.",
    "Invalid HTTP Version": "The version of HTTP must be 1.0 or 1.1.",
    "Invalid chunk": BROKEN_BODY,
}
"""By how gunicorn's own words begin, which are for whoever runs it."""
_HEADER = "A header is not as HTTP has it, or contradicts another. The log of the service names it."


def write_problem(client: socket.socket, status: int, reason: str, message: str) -> None:
    """Answer what never reached the application (a broken request line, say) as a problem, too.

    It has no `instance`: which path was meant is unknown.

    Parameters
    ----------
    client : socket
    status : int
        HTTP status.
    reason : str
        The status in words.
    message : str
        What gunicorn says of it.
    """
    request_id = secrets.token_hex(8)
    document = {
        "type": "about:blank",
        "title": reason,
        "status": status,
        "detail": _detail(status, message),
        "request_id": request_id,
    }
    body = json.dumps(document).encode()
    head = (
        f"HTTP/1.1 {status} {reason}\r\nConnection: close\r\nContent-Type: {MIME}\r\n"
        f"{REQUEST_ID}: {request_id}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    util.write_nonblock(client, head.encode("latin-1") + body)


def _detail(status: int, message: str) -> str:
    known = (text for start, text in _OF_MESSAGE.items() if message.startswith(start))
    return _OF_STATUS.get(status) or next(known, _HEADER)
