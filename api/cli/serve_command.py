"""`segue serve`: serves recommendations over HTTP."""

from __future__ import annotations

import click

from api.cli.session import Session, with_session
from api.server import serve


@click.command(name="serve")
@click.option("--host", default=None, show_default="127.0.0.1", help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=None, show_default="8000")
@click.option("--workers", type=click.IntRange(min=1), default=None, show_default="2")
@with_session
def command(session: Session, host: str | None, port: int | None, workers: int | None) -> None:
    """Serve the current bundle: the API under /v1 and a page at /.

    A bundle that is published while it runs is picked up without a restart.
    """
    api = session.settings.api
    serve(
        session.home,
        session.settings,
        host=host or api.host,
        port=api.port if port is None else port,
        workers=workers or api.workers,
    )
