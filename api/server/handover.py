"""What the supervisor tells the web server, as JSON on its standard input."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from api.config import Settings


class Handover(BaseModel):
    """Everything that the web server starts from.

    Attributes
    ----------
    home : Path
    settings : Settings
    listener : int
        Descriptor of the bound socket, inherited.
    workers, threads : int
        Processes, and threads of each.
    redis_url : str or None
        Where answers are cached.
    audio_socket : Path
        Where the audio worker listens, or will.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    home: Path
    settings: Settings
    listener: int
    workers: int
    threads: int
    redis_url: str | None
    audio_socket: Path
