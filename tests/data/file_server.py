"""A real HTTP server of files in memory, with the faults that servers have."""

from __future__ import annotations

import contextlib
import hashlib
import re
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class FileServer:
    """What is served, how, and what was asked.

    `cuts` holds, for one answer after the other, how many bytes of it to send before the
    connection is closed (None: all); `statuses`, which status to answer instead (None: none).
    """

    files: dict[str, bytes] = field(default_factory=dict)
    ranges: bool = True
    etag: bool = True
    modified: str | None = None
    length: int | None = None
    encoding: str | None = None
    span: str | None = None
    cuts: list[int | None] = field(default_factory=list)
    statuses: list[int | None] = field(default_factory=list)
    requests: list[tuple[str, str | None]] = field(default_factory=list)
    url: str = ""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    state: FileServer

    def log_message(self, *args: object) -> None:
        pass

    def do_GET(self):
        state = self.state
        asked = self.headers.get("Range") if state.ranges else None
        state.requests.append((self.path, self.headers.get("Range")))
        content = state.files.get(self.path)
        status = state.statuses.pop(0) if state.statuses else None
        if status is not None or content is None:
            self.send_error(status or 404)
            return
        tag = f'"{hashlib.sha256(content).hexdigest()[:16]}"' if state.etag else None
        condition = self.headers.get("If-Range")
        if condition is not None and condition not in (tag, state.modified):
            asked = None
        start = int(re.fullmatch(r"bytes=(\d+)-", asked)[1]) if asked else 0
        if asked and start >= len(content):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(content)}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self._send(content, start, tag=tag, partial=asked is not None)

    def _send(self, content, start, *, tag, partial):
        state = self.state
        self.send_response(206 if partial else 200)
        if partial:
            span = f"bytes {start}-{len(content) - 1}/{len(content)}"
            self.send_header("Content-Range", state.span or span)
        length = len(content) - start if state.length is None else state.length
        if length >= 0:
            self.send_header("Content-Length", str(length))
        else:
            self.close_connection = True
        for name, value in (
            ("ETag", tag),
            ("Last-Modified", state.modified),
            ("Content-Encoding", state.encoding),
        ):
            if value is not None:
                self.send_header(name, value)
        self.end_headers()
        cut = state.cuts.pop(0) if state.cuts else None
        body = content[start:] if cut is None else content[start : start + cut]
        with contextlib.suppress(ConnectionError):
            self.wfile.write(body)
            self.wfile.flush()
        if cut is not None:
            self.close_connection = True


@contextlib.contextmanager
def serving(**options):
    """Serve on a free port of this machine until the block ends."""
    state = FileServer(**options)
    handler = type("Handler", (_Handler,), {"state": state})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    state.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
