"""A measurement from files to report, on sounds that are easy to tell apart."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from audio_model.config import AudioConfig
from audio_model.heard_names import read_heard
from audio_model.keras_encoder import KerasEncoder
from audio_model.kin import Kin
from audio_model.recipes import resolve_recipe
from data import BundleError, Catalog, DataError, ParameterError
from engine.hearing import HearingReport, render_hearing
from engine.hearing.entrants import read_entrants
from engine.hearing.lineup import HearingSettings
from engine.hearing.run import evaluate_audio
from engine.hearing.sections import Labels
from engine.hearing.trained import untrained_encoders
from engine.training.sound import audio_files
from tests.engine.sounds import TINY as SMALL
from tests.engine.sounds import chord

TINY = SMALL.model_copy(update={"recipe": "article"})  # in chunks of 32 frames
BASICS = ("mfcc", "untrained")
TRAINED = HearingSettings(
    systems=("random", *BASICS), train=("article",), folds=2, changed=3, resamples=50
)


def make_catalog(directory: Path) -> Catalog:
    """Five artists of four tracks in registers of their own, one of two, and one unknown."""
    rows = []
    for i in range(24):
        artist = i // 4
        base = 110 * 2**artist * (1 + i / 500)
        path = chord(directory / f"s{i:02}.wav", base=base, seconds=1.6, seed=i)
        name = "" if i == 22 else f"Artist {artist}"
        genre = ("Low|Dark", "high")[artist % 2] if i != 3 else None
        rows.append((f"s{i:02}", name, f"Album {artist} {i % 2}", genre, str(path)))
    (directory / "s23.wav").write_bytes(b"no sound")
    rows.append(("s24", "Artist 6", "", None, rows[0][4]))  # the sound of another track
    columns = ["track_id", "artist", "album", "genre", "audio_path"]
    return Catalog.from_frame(pd.DataFrame(rows, columns=columns))


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    return make_catalog(tmp_path_factory.mktemp("sounds"))


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("run")


@pytest.fixture(scope="module")
def told() -> dict[str, list[str]]:
    return {"bad": [], "progress": []}


@pytest.fixture(scope="module")
def report(catalog: Catalog, directory: Path, told: dict[str, list[str]]) -> HearingReport:
    return evaluate_audio(
        audio_files(catalog),
        catalog,
        TINY,
        cache=directory / "mel",
        work=directory / "work",
        settings=TRAINED,
        progress=lambda *told_of: told["progress"].append(told_of[2].partition(", loss")[0]),
        on_bad_file=lambda *told_of: told["bad"].append(told_of[0]),
    )


class TestRun:
    def test_sizes(self, report: HearingReport) -> None:
        assert report.sizes == {
            "eligible_artists": 5,
            "heard_artists": 0,
            "asked_artists": 5,
            "asked_tracks": 20,
            "gallery_tracks": 23,
            "gallery_passages": 23,  # 69 frames: less than one standard chunk each
            "tracks_without_artist": 1,
        }
        folds = [(fold["tracks"], fold["artists"]) for fold in report.training["article"]]
        assert folds == [(10, 3), (14, 4)]  # of 22 tracks of 6 artists, 3 artists held out, then 2

    def test_every_system_is_asked_the_same(self, report: HearingReport) -> None:
        names = ["tracks", "tracks, other albums", "chunks", "chunks, other albums", "genre"]
        assert [s.name for s in report.sections][:5] == names
        assert [s.queries for s in report.sections][:5] == [20, 20, 20, 20, 19]
        for section in report.sections:
            assert list(section.systems) == ["random", "mfcc", "untrained", "article"]
            assert list(section.ratios) == ["untrained", "article"]
            for name, figures in section.ratios.items():
                for measure, figure in figures.items():
                    above, below = (section.systems[n][measure].mean for n in (name, "mfcc"))
                    assert figure.mean == (pytest.approx(above / below) if below else None)

    def test_the_baseline_tells_registers_apart(self, report: HearingReport) -> None:
        tracks = report.sections[0].systems["mfcc"]
        assert tracks["hit@1"].mean == 1
        assert tracks["map"].mean > 0.98  # another register lies between two of an artist once
        assert tracks["p@5"].mean == pytest.approx(3 / 5)  # three others of the artist
        assert report.sections[0].systems["random"]["map"].mean < 0.5

    def test_robustness(self, report: HearingReport) -> None:
        assert list(report.robustness) == ["mfcc", "untrained", "article"]
        for system in report.robustness.values():
            assert system.changes["gain -12 dB"].tracks == 3
            assert system.changes["gain -12 dB"].mean == pytest.approx(1, abs=1e-3)
            assert "first 10 s cut" not in system.changes  # the sounds last 1.6 s

    @pytest.mark.usefixtures("report")
    def test_bad_files_and_progress_are_told(self, told: dict[str, list[str]]) -> None:
        assert told["bad"] == ["s23"]
        steps = {
            "reading sound",
            "mfcc: embedding",
            "untrained: embedding",
            "article, fold 1: training the encoder",
            "article, fold 2: embedding",
            "changing sound",
        }
        assert steps <= set(told["progress"])

    @pytest.mark.usefixtures("report")
    def test_leaves_nothing_but_the_cache(self, directory: Path) -> None:
        assert [p.name for p in directory.iterdir()] == ["mel"]

    def test_forms(self, report: HearingReport) -> None:
        text = render_hearing(report)
        assert "Asked: 20 tracks, all of 5 of the 5 artists with 4 or more tracks." in text
        assert "Trained: article, 2 times, on 10-14 tracks" in text
        assert "tracks, other albums: 20 queries, of 20 tracks of 5 artists" in text
        assert "for artists in general (too few here)" in text
        assert [line for line in text.splitlines() if len(line) > 100] == []
        document = json.loads(json.dumps(report.as_dict(), allow_nan=False))
        assert document["parameters"]["trained"]["recipes"]["article"]["max_steps"] == 3
        assert document["parameters"]["systems"]["mfcc"]["mel"]["n_mels"] == 128
        assert document["parameters"]["systems"]["article"]["mel"]["n_mels"] == 32
        assert document["sections"][0]["systems"]["mfcc"]["hit@1"]["tracks"] == [1, 1]
        assert document["robustness"]["mfcc"]["changes"]["gain -12 dB"]["found"] == 1

    def test_a_killed_run_goes_on_and_ends_the_same(
        self, report: HearingReport, catalog: Catalog, directory: Path, tmp_path: Path
    ) -> None:
        class KilledError(Exception):
            pass

        steps: list[int] = []

        def run(kill_at: int) -> HearingReport:
            def progress(done: int, total: int, what: str) -> None:
                if "training" in what:
                    steps.append(done)
                    if len(steps) == kill_at:
                        raise KilledError

            config = TINY.model_copy(update={"checkpoint_seconds": 0.0})
            return evaluate_audio(
                audio_files(catalog),
                catalog,
                config,
                cache=directory / "mel",
                work=tmp_path / "work",
                settings=TRAINED,
                progress=progress,
            )

        with pytest.raises(KilledError):
            run(kill_at=6)
        again = run(kill_at=-1)
        assert (again.sections, again.robustness) == (report.sections, report.robustness)
        assert steps == [1, 2, 3, 1, 2, 3, 3]


class TestSettings:
    def test_wrong_ones(self) -> None:
        for options in ({"train": ("x",)}, {"systems": ("x",)}, {"changed": -1}):
            with pytest.raises(ParameterError, match=r"`(recipe|system|changed)` must"):
                HearingSettings(**options)
        with pytest.raises(ParameterError, match="`start` is where 'tuned' starts from"):
            HearingSettings(train=("article",), start=Path("x"))

    def test_too_little_sound(self, catalog: Catalog, directory: Path, tmp_path: Path) -> None:
        files = audio_files(catalog)
        for few, why in (([], "None of 0 sound"), (files[:4] + files[20:22], "1 of so many")):
            with pytest.raises(DataError, match=why):
                evaluate_audio(few, catalog, TINY, cache=directory / "mel", work=tmp_path)


class TestEntrants:
    def save(self, directory: Path, heard: object = None) -> Path:
        KerasEncoder.untrained(TINY).save(directory)
        if heard is not None:
            (directory / "heard.json").write_text(json.dumps(heard))
        return directory

    def measured(self, catalog: Catalog, directory: Path, work: Path, **settings) -> HearingReport:  # type: ignore[no-untyped-def]
        return evaluate_audio(
            audio_files(catalog),
            catalog,
            TINY,
            cache=directory / "mel",
            work=work,
            settings=HearingSettings(changed=0, resamples=10, **settings),
        )

    def test_nobody_is_asked_about_an_artist_that_an_encoder_heard(
        self, catalog: Catalog, directory: Path, tmp_path: Path
    ) -> None:
        heard = {"artists": [" ARTIST 0"], "albums": ["album 2 1"]}
        one = self.save(tmp_path / "one", heard)
        report = self.measured(catalog, directory, tmp_path / "w", systems=BASICS, encoders=(one,))
        assert (report.sizes["heard_artists"], report.sizes["asked_tracks"]) == (2, 12)
        assert report.sizes["gallery_tracks"] == 23
        assert list(report.sections[0].systems) == ["mfcc", "untrained", "one"]
        # An untrained network is what was saved here, too.
        systems = report.sections[0].systems
        assert systems["one"] == systems["untrained"]
        assert (report.notes, dict(report.robustness)) == ((), {})
        everyone = self.save(
            tmp_path / "two", {"artists": [f"artist {i}" for i in range(4)], "albums": []}
        )
        with pytest.raises(DataError, match="4 of them heard"):
            self.measured(catalog, directory, tmp_path / "w", encoders=(everyone,))

    def test_an_encoder_of_unknown_history_is_marked(
        self, catalog: Catalog, directory: Path, tmp_path: Path
    ) -> None:
        one = self.save(tmp_path / "one")
        report = self.measured(
            catalog, directory, tmp_path / "w", systems=("mfcc",), encoders=(one,)
        )
        (note,) = report.notes
        assert note.startswith("nothing says whose music one heard")
        assert report.parameters["encoders"]["one"]["heard_is_known"] is False

    def test_the_pretrained_encoder_stays_away_from_what_it_knows(
        self, catalog: Catalog, directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        heard = {"artists": [f"artist {i}" for i in range(4)], "albums": []}
        shipped = self.save(tmp_path / "shipped", heard)
        monkeypatch.setattr("engine.hearing.entrants.pretrained_directory", lambda: shipped)
        report = self.measured(catalog, directory, tmp_path / "w")
        assert list(report.sections[0].systems) == ["random", "mfcc", "untrained"]
        assert report.skipped["pretrained"].startswith("It heard too many")
        assert report.sizes["heard_artists"] == 0
        with pytest.raises(DataError, match="4 of them heard"):
            self.measured(catalog, directory, tmp_path / "w", systems=("pretrained",))
        (shipped / "heard.json").write_text(json.dumps({"artists": ["Artist 1"], "albums": []}))
        report = self.measured(catalog, directory, tmp_path / "w", systems=("pretrained",))
        assert list(report.sections[0].systems) == ["mfcc", "pretrained"]
        assert report.sizes["heard_artists"] == 1

    def test_the_pretrained_encoder_can_be_tuned_on_the_others(
        self, catalog: Catalog, directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        shipped = self.save(tmp_path / "shipped", {"artists": ["Artist 1"], "albums": []})
        monkeypatch.setattr("engine.hearing.entrants.pretrained_directory", lambda: shipped)
        report = self.measured(
            catalog, directory, tmp_path / "w", systems=("mfcc",), train=("tuned",), folds=2
        )
        # It brings the pretrained one along, and with it those who must not be asked about.
        assert list(report.sections[0].systems) == ["mfcc", "pretrained", "tuned"]
        assert report.sizes["heard_artists"] == 1
        assert len(report.training["tuned"]) == 2
        everyone = {"artists": [f"artist {i}" for i in range(4)], "albums": []}
        (shipped / "heard.json").write_text(json.dumps(everyone))
        with pytest.raises(DataError, match="4 of them heard"):
            self.measured(catalog, directory, tmp_path / "w", train=("tuned",))

    def test_another_encoder_can_be_tuned_where_the_pretrained_one_heard_everybody(
        self, catalog: Catalog, directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        everyone = {"artists": [f"artist {i}" for i in range(6)], "albums": []}
        shipped = self.save(tmp_path / "shipped", everyone)
        monkeypatch.setattr("engine.hearing.entrants.pretrained_directory", lambda: shipped)
        started = []

        def train(*_: object, start: KerasEncoder, **__: object) -> KerasEncoder:
            started.append(start.fingerprint)
            return start

        monkeypatch.setattr("engine.hearing.trained.train_encoder", train)
        base = tmp_path / "base"
        other = KerasEncoder.untrained(TINY.model_copy(update={"seed": 9}))
        other.save(base)
        (base / "heard.json").write_text(json.dumps({"artists": ["Artist 1"], "albums": []}))
        settings = {"train": ("tuned",), "start": base, "folds": 2}
        report = self.measured(catalog, directory, tmp_path / "w", **settings)
        assert list(report.sections[0].systems)[-2:] == ["base", "tuned"]
        assert report.skipped["pretrained"].startswith("It heard too many")
        assert report.sizes["heard_artists"] == 1
        assert started == [other.fingerprint] * 2
        (shipped / "heard.json").write_text(json.dumps({"artists": ["Artist 2"], "albums": []}))
        report = self.measured(catalog, directory, tmp_path / "w", **settings)
        assert list(report.sections[0].systems)[-3:] == ["pretrained", "base", "tuned"]
        assert report.sizes["heard_artists"] == 2
        assert started == [other.fingerprint] * 4

    def test_a_fold_learns_from_who_belongs_together_in_it(
        self, catalog: Catalog, directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        kins: list[Kin] = []

        def train(paths: list[Path], config: AudioConfig, *, kin: Kin, **_: object) -> KerasEncoder:
            kins.append(kin)
            assert kin.among(np.arange(len(paths))).shape == (len(paths), len(paths))
            return KerasEncoder.untrained(config)

        monkeypatch.setattr("engine.hearing.trained.train_encoder", train)
        everyone = sp.csr_matrix(np.ones((len(catalog), len(catalog)), bool))
        for together, pairs in ((None, 0), (everyone, 10 * 10)):
            kins.clear()
            settings = {"systems": ("mfcc",), "train": ("article",), "folds": 2}
            self.measured(catalog, directory, tmp_path / "w", together=together, **settings)
            first = kins[0]  # ten tracks of three artists: four, four and two
            assert first.among(np.arange(10)).sum() == (pairs or 4 * 4 + 4 * 4 + 2 * 2)

    def test_names_are_short_and_their_own(self, tmp_path: Path) -> None:
        paths = [self.save(tmp_path / name) for name in ("mfcc", "a/run", "b/run", "f" * 32)]
        names = [e.name for e in read_entrants(paths, pretrained=False, taken={"mfcc"})]
        assert names == ["mfcc 2", "run", "run 2", "f" * 16]
        with pytest.raises(BundleError, match="There is no encoder in"):
            read_entrants([tmp_path / "none"], pretrained=False)

    @pytest.mark.parametrize("text", ["{", "[]", '{"artists": []}', '{"artists": 1, "albums": 2}'])
    def test_a_list_that_cannot_be_read(self, text: str, tmp_path: Path) -> None:
        (tmp_path / "heard.json").write_text(text)
        with pytest.raises(BundleError, match="must say whose music the encoder heard"):
            read_heard(tmp_path)


def test_one_untrained_network_for_each_kind() -> None:
    wider = TINY.model_copy(update={"chunk_frames": 64})
    assert list(untrained_encoders([TINY, TINY])) == ["untrained"]
    found = untrained_encoders([TINY, wider, TINY])
    name = f"untrained {resolve_recipe(TINY).architecture}"
    assert list(found) == [name, f"{name} 2"]
    assert [encoder.config for encoder in found.values()] == [TINY, wider]


def test_labels_of_a_catalogue(catalog: Catalog) -> None:
    labels = Labels.of(catalog, np.array([0, 3, 4, 24]), np.array([0, 1, 2, 3]))
    assert labels.artists.tolist() == [0, 0, 1, 2]
    assert labels.albums.tolist() == [0, 1, 2, -1]
    assert labels.genres.tolist() == [
        [True, False, True],  # dark, high, low
        [False] * 3,
        [False, True, False],
        [False] * 3,
    ]
