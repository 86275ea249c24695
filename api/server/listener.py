"""The socket that the service listens on, opened before anything else is started."""

from __future__ import annotations

import errno
import http.client
import json
import socket

from data.errors import ParameterError, SegueError

_BACKLOG = 2048
_ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}


def listen(host: str, port: int) -> socket.socket:
    """Bind an address.

    Parameters
    ----------
    host : str
        Name or address, IPv4 or IPv6.
    port : int
        0 for a free one.

    Raises
    ------
    SegueError
        If the port is in use.
    ParameterError
        If the address is not this machine's, or not allowed.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listener = socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise SegueError(
                f"Port {port} of {host} is in use. Choose another with --port, or end what uses it."
            ) from None
        raise ParameterError(
            f"Segue cannot listen on {host} port {port}: {error.strerror}. "
            "Choose others with --host and --port."
        ) from None
    # Connections inherit it: without, an answer in two packets waits 40 ms for the first one's
    # acknowledgement.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def readiness(listener: socket.socket) -> tuple[bool, str, str]:
    """Ask the service behind a listener whether it is ready.

    Returns
    -------
    ready : bool
    kind : str
        The `type` of the problem where it is not, "" where it does not answer.
    detail : str
        What is missing.
    """
    host, port = listener.getsockname()[:2]
    connection = http.client.HTTPConnection(_ANYWHERE.get(host, host), port, timeout=2)
    try:
        connection.request("GET", "/readyz")
        response = connection.getresponse()
        body = json.loads(response.read())
    except (OSError, ValueError, http.client.HTTPException):
        return False, "", "it does not answer"
    finally:
        connection.close()
    if response.status == 200:
        return True, "", ""
    return False, str(body.get("type", "")), str(body.get("detail", ""))
