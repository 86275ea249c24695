"""The web server: a gunicorn whose workers each answer with several threads.

Run by the supervisor as ``python -P -m api.server.web``, with a `Handover` on standard input.
Its environment sets `OPENBLAS_NUM_THREADS` and `OMP_NUM_THREADS` to 1 unless they are set: several
requests are answered at once, and their small products are slower on several cores each.

A worker opens the store, the cache and the bundle after it was forked, so that no connection is
shared. The bundle's arrays are memory-mapped, so that they are.
"""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import Any

from flask import Flask
from gunicorn import util
from gunicorn.app.base import BaseApplication
from gunicorn.http.errors import ParseException

from api.http.app import create_app
from api.http.bodies import broken_body
from api.http.services import Services
from api.server.handover import Handover
from api.server.refusals import LONGEST_HEADER, LONGEST_LINE, MAX_HEADERS, write_problem
from data.errors import BundleError
from engine.home import Home

logger = logging.getLogger("segue.http")


class WebServer(BaseApplication):  # type: ignore[misc] # gunicorn has no types
    """Gunicorn, told everything by code."""

    def __init__(self, handover: Handover) -> None:
        self._handover = handover
        self._services: Services | None = None
        super().__init__(prog="segue")

    def load_config(self) -> None:
        """Set gunicorn's settings."""
        for name, value in self._options().items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        """Make the application, in a worker."""
        told = self._handover
        services = self._services = Services.open(
            Home(told.home),
            told.settings,
            redis_url=told.redis_url,
            audio_socket=told.audio_socket,
        )
        try:
            services.models.get()  # now, and not in the first request
        except BundleError as error:
            logger.error("%s", error)  # noqa: TRY400 - one line; /readyz says it, too
        app = create_app(services)
        app.register_error_handler(ParseException, broken_body)  # it parses chunks as they are read
        return app

    def _close(self) -> None:
        """Write what a worker still has to write, at its end."""
        if self._services is not None:
            self._services.close()

    def _options(self) -> dict[str, Any]:
        told, api = self._handover, self._handover.settings.api
        return {
            "bind": f"fd://{told.listener}",
            "worker_class": "gthread",
            "workers": told.workers,
            "threads": told.threads,
            "timeout": api.request_timeout,
            "graceful_timeout": api.shutdown_timeout,
            "keepalive": 30,
            "limit_request_line": LONGEST_LINE,
            "limit_request_fields": MAX_HEADERS,
            "limit_request_field_size": LONGEST_HEADER,
            "worker_tmp_dir": "/dev/shm" if Path("/dev/shm").is_dir() else None,
            "accesslog": "-" if api.access_log else None,
            "access_log_format": '%(h)s "%(r)s" %(s)s %(b)s %(L)ss %({x-request-id}o)s',
            "errorlog": "-",
            "loglevel": "warning",
            "control_socket_disable": True,
            "worker_exit": lambda _arbiter, _worker: self._close(),
        }


def main() -> None:
    """Serve until told to end."""
    handover = Handover.model_validate_json(sys.stdin.buffer.read())
    logging.basicConfig(format="segue %(levelname)s %(name)s: %(message)s", level=logging.INFO)
    util.write_error = write_problem  # gunicorn has no setting for it
    WebServer(handover).run()


if __name__ == "__main__":
    main()
