import os
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from audio_model.cache import MelCache, fingerprint
from audio_model.config import AudioConfig
from audio_model.decode import load_audio
from audio_model.mel import log_mel
from audio_model.pool import read_in_workers
from data.errors import AudioError, DataError

from .conftest import chirp, tone


@pytest.fixture
def cache(tmp_path: Path, config: AudioConfig) -> MelCache:
    return MelCache(tmp_path / "mel", config)


def kept(cache: MelCache) -> list[Path]:
    return sorted(p for p in cache.directory.rglob("*") if p.is_file())


def test_a_spectrogram_is_kept_as_it_is_computed(sound, cache, config):
    path = sound()
    mel = cache.mel(path)
    assert isinstance(mel, np.memmap)
    assert mel.dtype == np.float16
    np.testing.assert_array_equal(mel, log_mel(load_audio(path, config), config))
    assert len(kept(cache)) == 1


def test_the_second_time_nothing_is_decoded(sound, cache):
    path = sound()
    first, status = np.array(cache.mel(path)), path.stat()
    path.write_bytes(b"x" * status.st_size)  # the same size and, next, the same time
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    np.testing.assert_array_equal(cache.mel(path), first)


def test_a_changed_file_is_decoded_again(sound, cache):
    path = sound()
    first, before = np.array(cache.mel(path)), path.stat().st_mtime_ns
    sound("chirp.wav", tone(2, 440))
    os.utime(path, ns=(before + 1, before + 1))
    assert not np.array_equal(cache.mel(path), first)


@pytest.mark.parametrize("field", ["sr", "n_fft", "hop_length", "n_mels", "top_db", "max_duration"])
def test_other_mel_settings_have_other_fingerprints(sound, config, field):
    path = sound()
    value = getattr(config, field)
    other = AudioConfig(**{field: type(value)(value / 2)})
    assert fingerprint(path, other) != fingerprint(path, config)
    assert fingerprint(path, AudioConfig(seed=1, epochs=3)) == fingerprint(path, config)


def test_a_fingerprint_is_of_the_absolute_path(sound, config, monkeypatch):
    path = sound()
    monkeypatch.chdir(path.parent)
    assert fingerprint(Path(path.name), config) == fingerprint(path, config)
    assert fingerprint(sound("other.wav"), config) != fingerprint(path, config)


def corrupt_npy(array: np.ndarray, path: Path) -> None:
    with path.open("wb") as file:
        np.save(file, array)


@pytest.mark.parametrize(
    "corrupt",
    [
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"PK\x03\x04 garbage"),
        lambda path: path.write_bytes(path.read_bytes()[:-1]),
        lambda path: path.write_bytes(bytes(path.stat().st_size)),
        partial(corrupt_npy, np.zeros((128, 5), np.float32)),
        partial(corrupt_npy, np.zeros((64, 5), np.float16)),
        partial(corrupt_npy, np.zeros((128, 0), np.float16)),
    ],
    ids=["empty", "zip", "cut", "zeros", "type", "bands", "frames"],
)
def test_a_corrupt_entry_is_computed_anew(sound, cache, corrupt):
    path = sound()
    first = np.array(cache.mel(path))
    (entry,) = kept(cache)
    corrupt(entry)
    np.testing.assert_array_equal(cache.mel(path), first)
    np.testing.assert_array_equal(np.load(entry), first)


def test_a_bad_file_leaves_nothing(tmp_path, sound, cache):
    with pytest.raises(AudioError, match="lasts"):
        cache.mel(sound("short.wav", chirp(0.3)))
    with pytest.raises(AudioError, match="does not exist"):
        cache.mel(tmp_path / "no.wav")
    assert kept(cache) == []


def test_a_cache_that_cannot_be_written_says_so(tmp_path, sound, config):
    (tmp_path / "file").touch()
    cache = MelCache(tmp_path / "file", config)
    with pytest.raises(DataError, match=r"spectrogram cache fails: .*/file/.* cannot be written: "):
        cache.mel(sound())


def test_several_processes_share_a_cache(sound, cache):
    paths = [sound()] * 6 + [sound("b.wav", tone(2, 440))] * 6
    outcomes = list(read_in_workers(cache.mel, paths, workers=2))
    assert [o.error for o in outcomes] == [None] * 12
    for outcome in outcomes:
        np.testing.assert_array_equal(outcome.value, cache.mel(paths[outcome.index]))
    assert [p.suffix for p in kept(cache)] == [".npy", ".npy"]


def test_a_hit_is_fast(sound, cache):
    path = sound("long.wav", chirp(20.0))
    cache.mel(path)
    start = time.perf_counter()
    for _ in range(20):
        cache.mel(path)
    hits = time.perf_counter() - start
    start = time.perf_counter()
    log_mel(load_audio(path, cache.config), cache.config)
    assert hits / 20 < time.perf_counter() - start
