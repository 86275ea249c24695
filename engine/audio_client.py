"""The service's side of the audio worker: hears a sound file without importing TensorFlow."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any, BinaryIO, cast

from audio_model.encoder import Heard
from data.errors import AudioError, SegueError
from engine.audio_wire import receive, send, unpack_heard

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

    def hear(self, audio: bytes, *, encoder: Path) -> Heard:
        """Return what a sound file becomes: its embedding, its chunks, its recording's print.

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
        header, body = self._ask({"op": "hear", "encoder": str(encoder)}, audio)
        return unpack_heard(header, body)

    def ping(self) -> bool:
        """Say whether the worker answers."""
        try:
            self._ask({"op": "ping"}, b"", timeout=0.3)
        except SegueError:
            return False
        return True

    def _ask(
        self, header: dict[str, str], body: bytes, *, timeout: float | None = None
    ) -> tuple[dict[str, Any], bytes]:
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
        return answer, content
