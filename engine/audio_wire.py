"""Messages between the service and its audio worker, over a Unix socket.

One connection carries one request and one reply. Each is a length of 4 bytes (big endian), a JSON
header of that length, and a body of `header["size"]` bytes: the sound file one way, the embedding
as little-endian float32 the other way.
"""

from __future__ import annotations

import json
import struct
from typing import Any, BinaryIO

from data.errors import SegueError

_LENGTH = struct.Struct(">I")
_MAX_HEADER = 64 * 1024


def send(stream: BinaryIO, header: dict[str, Any], body: bytes = b"") -> None:
    """Write one message."""
    encoded = json.dumps({**header, "size": len(body)}).encode()
    stream.write(_LENGTH.pack(len(encoded)) + encoded)
    stream.write(body)
    stream.flush()


def receive(stream: BinaryIO) -> tuple[dict[str, Any], bytes]:
    """Read one message.

    Raises
    ------
    SegueError
        If the other side hung up in the middle, or what it sent is no message.
    """
    (length,) = _LENGTH.unpack(_exactly(stream, _LENGTH.size))
    if length > _MAX_HEADER:
        raise SegueError("A message to the audio worker has an oversized header.")
    header: dict[str, Any] = json.loads(_exactly(stream, length))
    return header, _exactly(stream, int(header["size"]))


def _exactly(stream: BinaryIO, size: int) -> bytes:
    found = stream.read(size)
    if found is None or len(found) != size:
        raise SegueError("The audio worker hung up.")
    return found
