"""Messages between the service and its audio worker, over a Unix socket.

One connection carries one request and one reply. Each is a length of 4 bytes (big endian), a JSON
header of that length, and a body of `header["size"]` bytes: the sound file one way, what was heard
the other way. That is the embedding (float32), the chunks (float16) and the recording's print
(uint32), all little endian, one after the other; the header says how many chunks and words.
"""

from __future__ import annotations

import json
import struct
from typing import Any, BinaryIO

import numpy as np

from audio_model.encoder import Heard
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


def pack_heard(heard: Heard) -> tuple[dict[str, Any], bytes]:
    """Return what was heard of a file as a header and a body."""
    parts = (
        heard.embedding.astype("<f4"),
        heard.segments.astype("<f2"),
        heard.recording.astype("<u4"),
    )
    header = {"chunks": len(heard.segments), "words": len(heard.recording)}
    return header, b"".join(part.tobytes() for part in parts)


def unpack_heard(header: dict[str, Any], body: bytes) -> Heard:
    """Return what `pack_heard` was given.

    Raises
    ------
    ValueError
        If the body is not of the size that the header says.
    """
    chunks, words = int(header["chunks"]), int(header["words"])
    dim, rest = divmod(len(body) - 4 * words, 4 + 2 * chunks)
    if rest or dim < 1:
        raise ValueError(f"{len(body)} bytes are not {chunks} chunks and {words} words.")
    return Heard(
        np.frombuffer(body, "<f4", dim).astype(np.float32),
        np.frombuffer(body, "<f2", chunks * dim, 4 * dim).astype(np.float16).reshape(chunks, dim),
        np.frombuffer(body, "<u4", words, len(body) - 4 * words).astype(np.uint32),
    )


def _exactly(stream: BinaryIO, size: int) -> bytes:
    found = stream.read(size)
    if found is None or len(found) != size:
        raise SegueError("The audio worker hung up.")
    return found
