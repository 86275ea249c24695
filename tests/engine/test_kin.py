"""Which tracks of a catalogue belong together, and what of it training takes up."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from audio_model.config import AudioConfig
from audio_model.kin import Kin
from data import Catalog
from data.config import DataConfig
from data.sample.generate import generate_sample
from data.sample.state import SampleFiles
from data.store import Store
from engine.config import Sections
from engine.home import Home
from engine.training import train
from engine.training.kin import catalog_kin, listened_together
from engine.training.report import Listeners, Start
from tests.engine.conftest import CF
from tests.engine.sounds import TINY, make_tracks

ALL = ("artist", "album", "listeners")


def listens(rows: list[tuple[str, str]]) -> pd.DataFrame:
    users, tracks = zip(*rows, strict=True)
    return pd.DataFrame(
        {
            "user_id": users,
            "track_id": tracks,
            "count": 1.0,
            "event": "listen",
            "at": -1,
            "played_ms": pd.array([None] * len(rows), dtype="Int64"),
            "event_id": None,
        }
    )


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home").create()


@pytest.fixture
def store(home: Home, tmp_path: Path) -> Iterator[Store]:
    """Six sounds; three users play s0 and s3 alone."""
    with Store.open(DataConfig().url(home.root)) as opened:
        opened.put_tracks([make_tracks(tmp_path)])
        yield opened


def share_listeners(store: Store) -> None:
    store.put_listens([listens([(f"u{u}", f"s{t}") for u in range(3) for t in (0, 3)])])


class TestOfACatalogue:
    CATALOG = Catalog.from_frame(
        pd.DataFrame(
            {
                "track_id": list("abcdef"),
                "artist": ["One", "one ", "Two", "Two", "", ""],
                "album": ["Live", "Other", "Live", "live", "Live", "Live"],
            }
        )
    )

    def pairs(self, *positives: str, together: sp.csr_matrix | None = None) -> set[str]:
        config = AudioConfig(positives=positives)
        kin = catalog_kin(self.CATALOG, np.arange(6), config, together=together)
        found = kin.among(np.arange(6))
        ids = self.CATALOG.tracks.ids(np.arange(6))
        return {f"{ids[i]}{ids[j]}" for i, j in zip(*np.nonzero(found), strict=True) if i < j}

    def test_artists(self) -> None:
        assert self.pairs("artist") == {"ab", "cd"}

    def test_albums_are_those_of_one_artist(self) -> None:
        assert self.pairs("album") == {"cd", "ef"}

    def test_listeners_come_besides(self) -> None:
        near = sp.csr_matrix(([True, True], ([0, 5], [5, 0])), shape=(6, 6))
        assert self.pairs(*ALL, together=near) == {"ab", "cd", "ef", "af"}
        rows = np.array([5, 0])
        some = catalog_kin(self.CATALOG, rows, AudioConfig(positives=ALL), together=near)
        assert some.among(np.arange(2)).all()

    def test_nothing_is_asked_for(self) -> None:
        assert self.pairs() == set()


class TestPlays:
    def asked(self, store: Store, *positives: str) -> tuple[sp.csr_matrix | None, list[str]]:
        said: list[str] = []
        config = AudioConfig(positives=positives)
        return listened_together(store, store.load_catalog(), config, say=said.append), said

    def test_are_not_read_by_default(self, store: Store) -> None:
        share_listeners(store)
        assert self.asked(store, "artist", "album") == (None, [])

    def test_pair_the_tracks_of_the_same_people(self, store: Store) -> None:
        share_listeners(store)
        found, said = self.asked(store, *ALL)
        assert found is not None
        catalog = store.load_catalog()
        a, b = catalog.tracks.indices(["s0", "s3"])
        assert sorted(zip(*found.nonzero(), strict=True)) == sorted([(a, b), (b, a)])
        assert said == ["Played by the same people: 1 pairs of tracks."]

    def test_that_are_missing_are_told_of(self, store: Store) -> None:
        found, said = self.asked(store, "listeners")
        assert found is None
        assert said == [
            "`audio.positives` names 'listeners', but no two tracks share enough of them: there "
            "are 0 plays. Training goes on without."
        ]


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> SampleFiles:
    directory = tmp_path_factory.mktemp("sample")
    return generate_sample(directory, styles=2, artists=2, tracks=3, seconds=3, users=60, workers=1)


class TestTraining:
    AUDIO = TINY.model_copy(update={"recipe": "crops", "positives": ALL, "batch_size": 4})

    @pytest.fixture
    def store(self, home: Home, sample: SampleFiles) -> Iterator[Store]:
        """The sample catalogue, and who played it."""
        tracks, events = pd.read_csv(sample.tracks), pd.read_csv(sample.listens)
        tracks["audio_path"] = [str(sample.tracks.parent / path) for path in tracks["audio_path"]]
        plays = events[events["event"] == "listen"][["user_id", "track_id"]].drop_duplicates()
        with Store.open(DataConfig().url(home.root)) as opened:
            opened.put_tracks([tracks])
            opened.put_listens([listens(list(plays.itertuples(index=False, name=None)))])
            yield opened

    def run(self, home: Home, store: Store, audio: AudioConfig) -> list[str]:
        said: list[str] = []
        sections, told = Sections(cf=CF, audio=audio), Listeners(say=said.append)
        start = Start(from_scratch=True)
        assert train(home, store, sections, part="audio", start=start, listeners=told).published
        return said

    def test_takes_up_who_is_played_by_the_same_people(
        self, home: Home, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        seen: list[Kin] = []
        among = Kin.among
        monkeypatch.setattr(
            Kin, "among", lambda kin, tracks: seen.append(kin) or among(kin, tracks)
        )
        said = self.run(home, store, self.AUDIO.model_copy(update={"kin_weight": 0.5}))
        (pairs,) = (int(n) for line in said for n in re.findall(r"same people: (\d+) pairs", line))
        assert pairs > 5
        assert seen
        assert all(kin.neighbours.nnz == 2 * pairs for kin in seen)

    def test_says_when_it_asks_for_no_kin(self, home: Home, store: Store) -> None:
        said = self.run(home, store, self.AUDIO)
        assert any("names 'listeners' in vain" in line for line in said)
        assert not any("Played by the same people" in line for line in said)
