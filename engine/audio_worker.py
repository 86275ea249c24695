"""The process that hears: the only one of a running service that imports TensorFlow.

Run as ``python -m engine.audio_worker --socket PATH``. It ends when its standard input is closed,
so that it never outlives the server that started it. One file is embedded at a time; more wait.
"""

from __future__ import annotations

import argparse
import logging
import os
import socketserver
import sys
import threading
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from data.errors import AudioError, SegueError
from engine.audio_wire import pack_heard, receive, send

if TYPE_CHECKING:
    from audio_model.keras_encoder import KerasEncoder

logger = logging.getLogger("segue.worker")


@lru_cache(maxsize=2)  # the current bundle's, and the one before while requests still name it
def _encoder(directory: str) -> KerasEncoder:
    from audio_model.keras_encoder import KerasEncoder

    return KerasEncoder.load(Path(directory))


class _Handler(socketserver.BaseRequestHandler):
    """Answers one request."""

    def handle(self) -> None:
        with self.request.makefile("rwb") as raw:
            stream = cast(BinaryIO, raw)
            try:
                header, body = receive(stream)
            except (SegueError, ValueError, OSError):
                return  # whoever asked is gone
            try:
                answer, content = self._answer(header, body)
            except SegueError as error:
                kind = "AudioError" if isinstance(error, AudioError) else "SegueError"
                answer, content = {"error": str(error), "kind": kind}, b""
            except Exception:
                logger.exception("A request failed.")
                answer = {"error": "The audio worker failed; see its log.", "kind": "SegueError"}
                content = b""
            send(stream, answer, content)

    def _answer(self, header: dict[str, str], body: bytes) -> tuple[dict[str, Any], bytes]:
        if header["op"] == "ping":
            return {}, b""
        with cast(_Server, self.server).one_at_a_time:
            return pack_heard(_encoder(header["encoder"]).hear_file(body))


class _Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True

    def __init__(self, path: str) -> None:
        self.one_at_a_time = threading.Lock()
        super().__init__(path, _Handler)

    def handle_error(self, request: object, client_address: object) -> None:  # noqa: ARG002
        """Log in one line: whoever asked hung up."""
        logger.debug("A request was broken off: %s", sys.exc_info()[1])


def _end_with_standard_input() -> None:
    while sys.stdin.buffer.read(4096):
        pass
    os._exit(0)


def main() -> None:
    """Serve until standard input is closed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--socket", type=Path, required=True)
    parser.add_argument("--encoder", type=Path, help="load this encoder at once")
    arguments = parser.parse_args()
    logging.basicConfig(format="segue audio worker: %(message)s", level=logging.INFO)
    threading.Thread(target=_end_with_standard_input, daemon=True).start()
    arguments.socket.unlink(missing_ok=True)
    server = _Server(str(arguments.socket))
    if arguments.encoder is not None:
        with server.one_at_a_time:
            _encoder(str(arguments.encoder))
    server.serve_forever()


if __name__ == "__main__":
    main()
