"""What the views work with, opened once a process."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import cast

from flask import current_app

from api.config import Settings
from api.http.cache import AnswerCache, answer_id
from data.store import Store
from engine.audio_client import AudioClient
from engine.bundle import BundleRegistry
from engine.home import Home
from engine.impressions.writer import ImpressionWriter
from engine.live import LiveModels

EXTENSION = "segue"


@dataclass(frozen=True)
class Services:
    """Everything that one process of the service holds.

    Attributes
    ----------
    settings : Settings
    store : Store
        Tracks and events.
    models : LiveModels
        The current bundle.
    cache : AnswerCache
        Finished answers.
    audio : AudioClient
        The worker that embeds uploads.
    impressions : ImpressionWriter
        Logs what was answered.
    fingerprint : str
        Digest of the settings that answers depend on, so that servers of different settings can
        share one Redis.
    """

    settings: Settings
    store: Store
    models: LiveModels
    cache: AnswerCache
    audio: AudioClient
    impressions: ImpressionWriter
    fingerprint: str

    @classmethod
    def open(
        cls, home: Home, settings: Settings, *, redis_url: str | None, audio_socket: Path
    ) -> Services:
        """Open the services of one home.

        Parameters
        ----------
        home : Home
        settings : Settings
        redis_url : str or None
            Where to keep answers; None for nowhere.
        audio_socket : Path
            Where the audio worker listens, or will.

        Raises
        ------
        DataError
            If the store cannot be opened.
        """
        sections = (settings.ranker, settings.engine, settings.taste)
        store = Store.open(settings.data.url(home.root))
        return cls(
            settings=settings,
            store=store,
            models=LiveModels(BundleRegistry(home.bundles), settings),
            cache=AnswerCache(redis_url, settings.api),
            audio=AudioClient(audio_socket, timeout=settings.api.audio_timeout),
            impressions=ImpressionWriter(store, settings.impressions),
            fingerprint=answer_id(*(section.model_dump_json() for section in sections)),
        )

    def close(self) -> None:
        """Write the impressions that wait, and close the connections."""
        self.impressions.close()
        self.cache.close()
        self.store.close()


def services() -> Services:
    """Return the services of the application that answers the current request."""
    return cast(Services, current_app.extensions[EXTENSION])
