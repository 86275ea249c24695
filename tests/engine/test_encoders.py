"""Which encoder hears for a home: its own, the pretrained one, or one that must be trained."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from audio_model.cache import MelCache
from audio_model.config import MEL_FIELDS, AudioConfig
from audio_model.heard_names import HeardNames, read_heard, write_heard
from audio_model.keras_encoder import KerasEncoder
from audio_model.pretrained import heard, load_pretrained, pretrained_directory
from audio_model.recipes import RECIPES, Recipe
from audio_model.saved import Description, read_description, write_encoder
from data import BundleError, ParameterError
from data.config import DataConfig
from data.store import Store
from engine.bundle import BundleRegistry
from engine.config import EngineConfig, Sections
from engine.encoders import current_encoder, keep_encoder
from engine.home import Home
from engine.spaces import IMPORTED, stored_contents
from engine.training import train
from engine.training.encoder import (
    NETWORK_FIELDS,
    differing_settings,
    fitting_encoder,
    use_pretrained,
    why_to_train,
)
from engine.training.report import Listeners, Start, TrainingReport
from engine.training.sound import audio_files, embed_catalog
from tests.engine.conftest import CF
from tests.engine.sounds import TINY, make_tracks

DEFAULT = AudioConfig(threads=1)
SHIPPED = read_description(pretrained_directory()).fingerprint


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home").create()


@pytest.fixture
def store(home: Home, tmp_path: Path) -> Iterator[Store]:
    with Store.open(DataConfig().url(home.root)) as opened:
        opened.put_tracks([make_tracks(tmp_path)])
        yield opened


def run(
    home: Home, store: Store, audio: AudioConfig = DEFAULT, **options: object
) -> tuple[TrainingReport, str]:
    """Train; return the report and what was said."""
    said: list[str] = []
    told = Listeners(say=said.append)
    report = train(home, store, Sections(cf=CF, audio=audio), listeners=told, **options)  # type: ignore[arg-type]
    return report, "\n".join(said)


def space_of(home: Home) -> str | None:
    return BundleRegistry(home.bundles).open_current().manifest.acoustic_space


def embed(home: Home, store: Store) -> None:
    encoder = fitting_encoder(home, DEFAULT)
    assert encoder is not None
    cache = MelCache(home.mel_cache, encoder.config)
    embed_catalog(audio_files(store.load_catalog()), encoder, store, cache=cache, workers=1)


def test_the_default_settings_are_those_of_the_pretrained_encoder() -> None:
    assert differing_settings(pretrained_directory(), AudioConfig()) == []


def test_the_encoder_that_the_pretrained_one_was_made_of_is_at_hand() -> None:
    base = Path(__file__).parents[2] / "benchmarks" / "encoders" / "packages"
    assert differing_settings(base, AudioConfig()) == []
    assert KerasEncoder.load(base).fingerprint != SHIPPED
    names = read_heard(base)
    assert names is not None
    assert names.artists < heard().artists
    assert names.albums < heard().albums
    card = (pretrained_directory() / "card.md").read_text("utf-8")
    assert read_description(base).fingerprint in card


def test_a_network_is_bound_to_all_that_a_spectrogram_depends_on_but_how_much_is_heard() -> None:
    assert set(MEL_FIELDS) - set(NETWORK_FIELDS) == {"min_duration", "max_duration"}


def test_the_recipe_must_be_the_one_that_is_asked_for(tmp_path: Path) -> None:
    about = read_description(pretrained_directory())
    other = Recipe(name="jazz", architecture=about.recipe.architecture)
    write_encoder(tmp_path, Description("x", about.dim, about.config, other), [])
    assert differing_settings(tmp_path, AudioConfig()) == ["recipe"]
    for name in RECIPES.keys() - {AudioConfig().recipe}:
        assert "recipe" in differing_settings(pretrained_directory(), AudioConfig(recipe=name))


@pytest.mark.parametrize("part", ["all", "cf"])
def test_a_first_training_hears_without_training_an_encoder(
    home: Home, store: Store, part: str
) -> None:
    report, said = run(home, store, part=part)
    assert "Hearing with the pretrained encoder" in said
    assert "encoder" not in report.seconds
    assert report.acoustic == "encoder"
    assert space_of(home) == SHIPPED
    acoustic = BundleRegistry(home.bundles).open_current().contents.acoustic
    assert acoustic is not None
    assert acoustic.encoder is not None
    assert KerasEncoder.load(acoustic.encoder).fingerprint == SHIPPED
    assert (acoustic.encoder / "encoder.npz").stat().st_size < 5e6
    again, said = run(home, store, part=part)
    assert "pretrained" not in said
    assert again.published


def test_training_starts_from_the_pretrained_weights_unless_told_otherwise(
    home: Home, store: Store
) -> None:
    quick = DEFAULT.model_copy(update={"max_steps": 1, "batch_size": 2, "seed": 5})
    _, said = run(home, store, quick, part="audio")
    assert "from the pretrained weights" in said
    tuned = fitting_encoder(home, quick)
    assert _heard(home).artists > heard().artists
    _, said = run(home, store, quick, part="audio", start=Start(from_scratch=True))
    assert "from initial weights" in said
    scratch = fitting_encoder(home, quick)
    assert _heard(home).artists == {"artist 0", "artist 1"}
    assert tuned is not None
    assert scratch is not None
    assert len({SHIPPED, tuned.fingerprint, scratch.fingerprint}) == 3
    shipped = load_pretrained()
    assert _away(tuned, shipped) < 0.5 * _away(scratch, shipped)
    assert space_of(home) == scratch.fingerprint

    # What was trained last goes on hearing.
    report, said = run(home, store, quick)
    assert "encoder" not in report.seconds
    assert space_of(home) == scratch.fingerprint


def test_training_starts_from_an_encoder_in_a_directory(
    home: Home, store: Store, tmp_path: Path
) -> None:
    quick = DEFAULT.model_copy(update={"max_steps": 1, "batch_size": 2, "seed": 5})
    base = KerasEncoder.untrained(quick)
    base.save(tmp_path / "base")
    start = Start(encoder=tmp_path / "base")
    _, said = run(home, store, quick, part="audio", start=start)
    assert f"from the weights in {str(tmp_path / 'base')!r}" in said
    tuned = fitting_encoder(home, quick)
    assert tuned is not None
    assert _away(tuned, base) < 0.5 * _away(tuned, load_pretrained())
    directory = current_encoder(home)
    assert directory is not None
    assert read_heard(directory) is None  # nothing says whose music the first one heard
    write_heard(tmp_path / "base", ["Somebody"], ["Somewhere"])
    run(home, store, quick.model_copy(update={"seed": 6}), part="audio", start=start)
    assert _heard(home).artists == {"somebody", "artist 0", "artist 1"}
    tiny = tmp_path / "tiny"
    KerasEncoder.untrained(TINY).save(tiny)
    with pytest.raises(ParameterError, match=r"was made for other settings: `audio\.n_mels`"):
        run(home, store, quick, part="audio", start=Start(encoder=tiny))
    with pytest.raises(BundleError, match="There is no encoder in"):
        run(home, store, quick, part="audio", start=Start(encoder=tmp_path / "none"))


def _heard(home: Home) -> HeardNames:
    directory = current_encoder(home)
    assert directory is not None
    names = read_heard(directory)
    assert names is not None
    return names


def _away(one: KerasEncoder, other: KerasEncoder) -> float:
    kernels = [(a, b) for a, b in zip(one.weights, other.weights, strict=True) if a.ndim > 1]
    return float(np.mean([np.abs(a - b).mean() for a, b in kernels]))


def test_other_settings_are_trained_for_and_that_is_said(home: Home, store: Store) -> None:
    report, said = run(home, store, TINY)
    assert "made for other settings: " in said
    assert "`audio.n_mels`" in said
    assert "`audio.chunk_frames`" in said
    assert "from initial weights" in said
    assert "encoder" in report.seconds
    assert space_of(home) not in (None, SHIPPED)
    assert why_to_train(TINY) in said
    with pytest.raises(ParameterError, match=r"`audio.n_mels`.* at their defaults"):
        use_pretrained(home, TINY)

    # Back at the defaults, the home's own encoder does not fit any more.
    _, said = run(home, store)
    assert "Hearing with the pretrained encoder" in said
    assert space_of(home) == SHIPPED


def test_how_much_is_heard_changes_no_weights(home: Home, store: Store) -> None:
    own = KerasEncoder.untrained(DEFAULT.model_copy(update={"seed": 3}))
    kept = keep_encoder(home, own.fingerprint, own.save)
    write_heard(kept, ["Somebody"], [])
    short = DEFAULT.model_copy(update={"max_duration": 1.5})
    found = fitting_encoder(home, short)
    assert found is not None
    assert found.config.max_duration == 1.5
    assert found.fingerprint != own.fingerprint  # the vectors of long files change
    for mine, theirs in zip(found.weights, own.weights, strict=True):
        np.testing.assert_array_equal(mine, theirs)
    directory = current_encoder(home)
    assert directory is not None
    assert directory.name == found.fingerprint
    assert _heard(home).artists == {"somebody"}  # that it was trained on them is not forgotten


def test_a_home_can_go_back_to_the_pretrained_encoder(home: Home) -> None:
    own = KerasEncoder.untrained(DEFAULT.model_copy(update={"seed": 3}))
    keep_encoder(home, own.fingerprint, own.save)
    kept = fitting_encoder(home, DEFAULT)
    assert kept is not None
    assert kept.fingerprint == own.fingerprint
    use_pretrained(home, DEFAULT)
    found = fitting_encoder(home, DEFAULT)
    assert found is not None
    assert found.fingerprint == SHIPPED


def test_what_the_pretrained_encoder_embedded_is_not_thrown_away(home: Home, store: Store) -> None:
    embed(home, store)
    assert len(store.fingerprints(SHIPPED)) == 6
    # A bundle of imported embeddings needs neither those of the encoder nor the encoder.
    vectors = np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32)
    store.put_embeddings(IMPORTED, [f"s{i}" for i in range(6)], vectors)
    run(home, store)
    assert space_of(home) == IMPORTED
    assert set(store.spaces()) == {SHIPPED, IMPORTED}
    directory = current_encoder(home)
    assert directory is not None
    assert directory.name == SHIPPED


def test_a_home_without_a_bundle_answers_from_what_is_embedded(home: Home, store: Store) -> None:
    with pytest.raises(BundleError, match=r"no track is embedded.*`segue embed`"):
        stored_contents(store, home, EngineConfig())
    embed(home, store)
    contents = stored_contents(store, home, EngineConfig())
    assert contents.acoustic is not None
    assert contents.acoustic.space == SHIPPED
    assert contents.acoustic.known.all()
    assert contents.acoustic.encoder == current_encoder(home)
    assert contents.behaviour is None
    assert not contents.plays.any()
    assert len(contents.users) == 0
