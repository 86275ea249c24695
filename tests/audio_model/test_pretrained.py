"""The encoder in the package: its files, its size, and what it makes of three sounds."""

import json
import tomllib
from pathlib import Path

import numpy as np
import pytest

from audio_model.config import AudioConfig
from audio_model.heard_names import HeardNames
from audio_model.keras_encoder import KerasEncoder
from audio_model.pretrained import heard, load_pretrained, pretrained_directory
from audio_model.saved import read_weights
from audio_model.ship import rounded, ship

from . import golden
from .contract import AudioEncoderContract

TINY = AudioConfig(n_mels=16, chunk_frames=16, threads=1)
MEGABYTE = 1_000_000


@pytest.fixture(scope="module")
def pretrained() -> KerasEncoder:
    return load_pretrained()


class TestPretrainedEncoder(AudioEncoderContract):
    @pytest.fixture
    def encoder(self, pretrained):
        return pretrained


def test_it_is_small():
    files = [p for p in pretrained_directory().iterdir() if p.is_file()]
    assert {p.name for p in files} >= {"encoder.npz", "encoder.json", "heard.json", "card.md"}
    assert sum(p.stat().st_size for p in files) < 5 * MEGABYTE


def test_the_model_card_is_of_these_weights(pretrained):
    card = (pretrained_directory() / "card.md").read_text("utf-8")
    assert pretrained.fingerprint in card, "card.md must name the fingerprint that it describes"
    for heading in ("Data", "Licences", "Recipe", "Figures", "Limits"):
        assert f"\n## {heading}\n" in card


def test_the_names_it_heard_are_case_folded():
    names = heard()
    assert all(name == name.casefold() != "" for name in names.artists | names.albums)


def test_golden_embeddings():
    kept = json.loads(golden.FILE.read_text("utf-8"))
    remedy = "run `python -m tests.audio_model.golden` if this is meant"
    assert kept["fingerprint"] == load_pretrained().fingerprint, remedy
    found = golden.embeddings()
    assert found.keys() == kept["embeddings"].keys() == golden.sounds().keys()
    for name, expected in kept["embeddings"].items():
        np.testing.assert_allclose(found[name], expected, atol=golden.TOLERANCE, err_msg=remedy)


def test_rounded_weights_take_half_the_room_and_come_back_as_they_were(tmp_path):
    exact = KerasEncoder.untrained(TINY)
    small = rounded(exact)
    exact.save(tmp_path / "exact")
    small.save(tmp_path / "small")
    size = {d.name: (d / "encoder.npz").stat().st_size for d in tmp_path.iterdir()}
    assert size["small"] < 0.55 * size["exact"]
    assert small.fingerprint != exact.fingerprint
    loaded = KerasEncoder.load(tmp_path / "small")
    assert loaded.fingerprint == small.fingerprint
    for mine, theirs in zip(small.weights, read_weights(tmp_path / "small"), strict=True):
        assert theirs.dtype == np.float32
        np.testing.assert_array_equal(theirs, mine)
    largest = max(np.abs(a - b).max() for a, b in zip(exact.weights, small.weights, strict=True))
    assert 0 < largest < 1e-3  # float16 keeps 11 bits


def test_weights_beyond_float16_are_kept_as_they_are(tmp_path):
    exact = KerasEncoder.untrained(TINY)
    weights = [np.full_like(w, 1e6) if i == 0 else w for i, w in enumerate(exact.weights)]
    KerasEncoder(TINY, exact.recipe, weights).save(tmp_path)
    assert (read_weights(tmp_path)[0] == 1e6).all()


def test_other_settings_at_loading_leave_the_network_alone(tmp_path):
    encoder = KerasEncoder.untrained(TINY)
    encoder.save(tmp_path)
    longer = TINY.model_copy(update={"max_duration": 30.0})
    loaded = KerasEncoder.load(tmp_path, longer)
    assert loaded.config == longer
    assert loaded.fingerprint != encoder.fingerprint  # it hears other parts of long files
    chunks = np.random.default_rng(0).uniform(-80, 0, (3, 16, 16)).astype(np.float32)
    np.testing.assert_array_equal(loaded.embed_chunks(chunks), encoder.embed_chunks(chunks))


def test_shipping_writes_the_encoder_and_whom_it_heard(tmp_path, pretrained):
    encoder = KerasEncoder.untrained(TINY)
    heard_names = HeardNames(frozenset({"öda", ""}), frozenset({"two", "one"}))
    fingerprint = ship(encoder, heard_names, tmp_path)
    assert KerasEncoder.load(tmp_path).fingerprint == fingerprint == rounded(encoder).fingerprint
    names = json.loads((tmp_path / "heard.json").read_text("utf-8"))
    assert names == {"artists": ["öda"], "albums": ["one", "two"]}


def test_it_is_part_of_the_package():
    root = Path(__file__).parents[2]
    settings = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))
    kept = settings["tool"]["setuptools"]["package-data"]["audio_model"]
    packed = {p for pattern in kept for p in (root / "audio_model").glob(pattern)}
    assert packed >= set(pretrained_directory().iterdir())
