"""The service's side of the audio worker: embeds a sound file without importing TensorFlow."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np
import numpy.typing as npt

from data.errors import AudioError, SegueError
from engine.audio_wire import receive, send

_ERRORS = {"AudioError": AudioError, "SegueError": SegueError}


class AudioWorkerUnavailable(SegueError):  # noqa: N818 - says a state, not a fault of the caller
    """The audio worker does not answer; it may be starting."""


class AudioClient:
    """Asks the audio worker behind a Unix socket.

    Parameters
    ----------
    path : Path
        The socket.
    timeout : float
        Seconds to wait for an answer; decoding and embedding a long file takes a few.
    """

    def __init__(self, path: Path, *, timeout: float = 60.0) -> None:
        self._path = path
        self._timeout = timeout

    def embed(self, audio: bytes, *, encoder: Path) -> npt.NDArray[np.float32]:
        """Return the embedding of a sound file, shape (d,), normalised to length 1.

        Parameters
        ----------
        audio : bytes
            The file's content.
        encoder : Path
            Directory of the encoder of the current bundle.

        Raises
        ------
        AudioError
            If the file cannot be decoded, or has nothing to hear.
        AudioWorkerUnavailable
            If the worker does not answer.
        """
        body = self._ask({"op": "embed", "encoder": str(encoder)}, audio)
        return np.frombuffer(body, dtype="<f4").astype(np.float32)

    def ping(self) -> bool:
        """Say whether the worker answers."""
        try:
            self._ask({"op": "ping"}, b"", timeout=0.3)
        except SegueError:
            return False
        return True

    def _ask(self, header: dict[str, str], body: bytes, *, timeout: float | None = None) -> bytes:
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
                connection.settimeout(timeout or self._timeout)
                connection.connect(str(self._path))
                with cast(BinaryIO, connection.makefile("rwb")) as stream:
                    send(stream, dict(header), body)
                    answer, content = receive(stream)
        except (OSError, ValueError, SegueError):
            raise AudioWorkerUnavailable(
                "The audio worker does not answer. It may be starting: try again in some seconds."
            ) from None
        if "error" in answer:
            raise _ERRORS.get(answer["kind"], SegueError)(answer["error"])
        return content
