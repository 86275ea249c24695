import json
from io import BytesIO

import numpy as np
import pytest

from audio_model.arrays import read_arrays, write_arrays
from audio_model.cache import MelCache
from audio_model.chunks import split_chunks
from audio_model.config import AudioConfig
from audio_model.encoder import aggregate
from audio_model.keras_encoder import KerasEncoder
from audio_model.mel import sound_mel
from audio_model.recording import recording_print
from data.errors import AudioError, BundleError, ParameterError

from .conftest import SR, chirp, tone
from .contract import AudioEncoderContract

TINY = AudioConfig(n_mels=16, chunk_frames=16, threads=1)


@pytest.fixture(scope="module")
def small() -> KerasEncoder:
    return KerasEncoder.untrained(TINY)


@pytest.fixture(scope="module")
def article() -> KerasEncoder:
    return KerasEncoder.untrained(AudioConfig(seed=7, recipe="article"))


class TestKerasEncoder(AudioEncoderContract):
    @pytest.fixture
    def encoder(self, small):
        return small


class TestArticleEncoder(AudioEncoderContract):
    @pytest.fixture
    def encoder(self, article):
        return article


def test_files_bytes_and_cached_files_have_the_same_embedding(tmp_path, sound, small):
    path = sound("a.mp3")
    expected = small.embed_file(path)
    np.testing.assert_array_equal(small.embed_file(path.read_bytes()), expected)
    np.testing.assert_array_equal(small.embed_file(BytesIO(path.read_bytes())), expected)
    cache = MelCache(tmp_path / "mel", TINY)
    np.testing.assert_array_equal(small.embed_file(path, cache), expected)
    np.testing.assert_array_equal(small.embed_file(path, cache), expected)
    assert list(cache.directory.rglob("*.npy"))


def test_what_is_heard_of_a_file(sound, small):
    path = sound("a.wav", chirp(4.0))
    heard = small.hear_file(path)
    chunks = small.embed_chunks(split_chunks(sound_mel(path, TINY), TINY))
    np.testing.assert_array_equal(heard.segments, chunks.astype(np.float16))
    np.testing.assert_array_equal(heard.embedding, aggregate(chunks))
    np.testing.assert_array_equal(heard.embedding, small.embed_file(path))
    np.testing.assert_array_equal(heard.recording, recording_print(sound_mel(path, TINY), TINY))
    assert (heard.segments.shape, heard.recording.dtype) == ((11, 128), np.uint32)


def test_a_cache_of_other_settings_is_refused(tmp_path, sound, small):
    with pytest.raises(ParameterError, match="has other mel settings"):
        small.embed_file(sound(), MelCache(tmp_path, AudioConfig(sr=16_000)))


def test_chunks_of_another_shape_are_refused(small):
    with pytest.raises(ParameterError, match=r"`chunks` must be of shape \(n, 16, 16\)"):
        small.embed_chunks(np.zeros((2, 16, 17), np.float32))


def test_a_saved_encoder_comes_back(tmp_path, small, sound):
    small.save(tmp_path / "encoder")
    assert {p.name for p in (tmp_path / "encoder").iterdir()} == {"encoder.json", "encoder.npz"}
    loaded = KerasEncoder.load(tmp_path / "encoder")
    assert (loaded.config, loaded.recipe, loaded.dim) == (small.config, small.recipe, 128)
    assert loaded.fingerprint == small.fingerprint
    path = sound()
    np.testing.assert_array_equal(loaded.embed_file(path), small.embed_file(path))


def test_the_fingerprint_names_weights_and_mel_settings_and_nothing_else(small):
    def of(**settings: float) -> str:
        return KerasEncoder.untrained(AudioConfig(**{**TINY.model_dump(), **settings})).fingerprint

    assert of() == of(epochs=9, threads=2) == small.fingerprint
    assert len({of(), of(seed=1), of(hop_length=256), of(chunk_frames=20), of(top_db=60)}) == 5


def edit(**changes):
    def apply(directory):
        path = directory / "encoder.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))

    return apply


def edit_weights(change):
    def apply(directory):
        arrays = read_arrays(directory / "encoder.npz")
        change(arrays)
        write_arrays(directory / "encoder.npz", arrays)

    return apply


def cut(directory):
    path = directory / "encoder.npz"
    path.write_bytes(path.read_bytes()[:-100])


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (lambda d: (d / "encoder.npz").unlink(), "There is no encoder in"),
        (lambda d: (d / "encoder.json").unlink(), "There is no encoder in"),
        (lambda d: (d / "encoder.json").write_text("{"), "corrupt"),
        (lambda d: (d / "encoder.json").write_text("[]"), "corrupt"),
        (cut, "corrupt"),
        (edit(format=99), "another version"),
        (edit(config={"typo": 1}), "corrupt"),
        (edit(config={**TINY.model_dump(), "recipe": "jazz"}), "corrupt"),
        (edit(fingerprint="0"), "its weights have changed"),
        (edit_weights(lambda a: a.pop("w000")), "do not fit the network"),
        (edit_weights(lambda a: a["w000"].fill(np.nan)), "not all finite"),
        (edit_weights(lambda a: a["w000"].fill(2)), "its weights have changed"),
    ],
)
def test_a_harmed_encoder_is_refused_in_one_line(tmp_path, small, harm, message):
    small.save(tmp_path)
    harm(tmp_path)
    with pytest.raises(BundleError, match=message) as caught:
        KerasEncoder.load(tmp_path)
    assert "\n" not in str(caught.value)


# Embeddings by the untrained network of seed 7, computed once: the first eight of 128 values, the
# same with oneDNN and without. They change when decoding, mel, chunks, network or aggregation do.
GOLDEN = {
    "chirp": [-0.09655, 0.01758, -0.14158, 0.16185, 0.00742, -0.08083, -0.01839, -0.12828],
    "short": [-0.11135, -0.01666, -0.13889, 0.17353, 0.01329, -0.08081, -0.02441, -0.13418],
    "8 kHz": [-0.11217, -0.02147, -0.12732, 0.17763, -0.00246, -0.0482, 0.00912, -0.12261],
}


@pytest.mark.parametrize("name", ["chirp", "short", "8 kHz"])
def test_golden_embeddings(sound, article, name):
    sounds = {
        "chirp": (chirp(5.0), SR),
        "short": (tone(1.1, 440), SR),
        "8 kHz": (np.stack([tone(4, 300, sr=8000), tone(4, 500, sr=8000)], 1), 8000),
    }
    y, sr = sounds[name]
    embedding = article.embed_file(sound("a.wav", y, sr=sr, subtype="FLOAT"))
    np.testing.assert_allclose(embedding[:8], GOLDEN[name], atol=1e-4)


def test_silence_has_no_embedding(sound, article):
    with pytest.raises(AudioError, match="is silent: it never reaches -80 dBFS"):
        article.embed_file(sound("silence.wav", np.zeros(3 * SR, np.float32)))
