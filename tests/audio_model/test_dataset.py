import threading
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp

from audio_model.cache import MelCache
from audio_model.clips import Clip, read_clips
from audio_model.config import AudioConfig
from audio_model.dataset import ChunkDataset, prefetch
from audio_model.kin import Kin
from audio_model.mel import scale_mel
from audio_model.recipes import Recipe
from audio_model.views import gaussian_noise
from data.errors import AudioError, ParameterError

from .conftest import chirp, tone

SILENT = Recipe(name="test", noise_std=0, batch_size=4)


@pytest.fixture
def cache(tmp_path: Path, tiny: AudioConfig) -> MelCache:
    return MelCache(tmp_path / "mel", tiny)


@pytest.fixture
def clips(sound, cache) -> list[Clip]:
    paths = [sound(f"{i}.wav", tone(2, 200 * (i + 1))) for i in range(3)]  # 87 frames each
    return warm_clips(paths, cache)


def warm_clips(paths: list[Path], cache: MelCache) -> list[Clip]:
    """Read clips without the seconds that starting a worker takes."""
    for path in paths:
        cache.mel(path)
    return read_clips(paths, cache)


@pytest.fixture
def dataset(clips, cache, tiny) -> ChunkDataset:
    return ChunkDataset(clips, cache, config=tiny, recipe=SILENT)


def test_clips_are_the_usable_files_in_their_order(tmp_path, sound, cache):
    good = [sound("b.wav"), sound("a.wav", tone(1, 300))]
    bad = [tmp_path / "missing.wav", sound("short.wav", chirp(0.1))]
    reported, steps = {}, []
    clips = read_clips(
        [good[0], *bad, good[1], good[0]],
        cache,
        workers=2,
        progress=lambda *step: steps.append(step),
        on_bad_file=reported.__setitem__,
    )
    assert [(clip.path, clip.n_frames) for clip in clips] == [(good[0], 87), (good[1], 44)]
    assert set(reported) == set(bad)
    assert steps == [(n, 4, "reading sound") for n in (1, 2, 3, 4)]


def test_clips_in_the_cache_are_not_decoded(clips, cache, monkeypatch):
    monkeypatch.setattr(
        "audio_model.clips.read_in_workers", lambda _, paths, **__: iter_none(paths)
    )
    assert read_clips([clip.path for clip in clips], cache) == clips


def iter_none(paths):
    assert paths == []
    yield from ()


def test_an_epoch_holds_each_chunk_once(dataset, clips, cache, tiny):
    assert len(dataset) == 15  # 87 frames are 5 chunks of 16, and 7 that are less than half of one
    assert (dataset.batch_size, dataset.steps_per_epoch) == (4, 3)
    batches = np.concatenate([dataset.batch(step)[0][0] for step in range(3)]).swapaxes(1, 2)
    every = [
        scale_mel(cache.load(c.key)[:, 16 * k : 16 * k + 16], tiny) for c in clips for k in range(5)
    ]
    found = [sum(np.array_equal(chunk, other) for other in batches) for chunk in every]
    duplicates = [sum(np.array_equal(chunk, other) for other in every) for chunk in every]
    assert sum(f > 0 for f in found) >= 12 or max(duplicates) > 1
    assert all(f <= d for f, d in zip(found, duplicates, strict=True))


def test_a_batch_is_a_function_of_seed_and_step(dataset, clips, cache, tiny):
    again = ChunkDataset(clips, cache, config=tiny, recipe=SILENT)
    np.testing.assert_array_equal(dataset.batch(4)[0], again.batch(4)[0])
    orders = {dataset.batch(step)[0].tobytes() for step in range(6)}
    assert len(orders) == 6
    other = ChunkDataset(
        clips, cache, config=AudioConfig(**{**tiny.model_dump(), "seed": 1}), recipe=SILENT
    )
    assert not np.array_equal(other.batch(4)[0], dataset.batch(4)[0])


def test_views_are_the_chunk_with_noise_of_its_own(tiny):
    mel = np.full((16, 40), -40, np.float16)
    recipe = Recipe(name="test", noise_std=0.1)
    views = gaussian_noise([(mel, 0), (mel, 16)] * 50, tiny, recipe, np.random.default_rng(0))
    assert (views.shape, views.dtype) == ((2, 100, 16, 16), np.float32)
    assert views.mean() == pytest.approx(0.5, abs=0.003)  # -40 of -80 dB
    assert views.std() == pytest.approx(0.1, rel=0.02)
    assert abs(np.corrcoef(views[0].ravel(), views[1].ravel())[0, 1]) < 0.03


def test_a_few_chunks_make_one_small_batch(clips, cache, tiny):
    recipe = Recipe(name="test", batch_size=100)
    dataset = ChunkDataset(clips, cache, config=tiny, recipe=recipe)
    assert (dataset.batch_size, dataset.steps_per_epoch) == (15, 1)


def test_one_chunk_is_nothing_to_learn_from(clips, cache, tiny):
    one = [Clip(clips[0].path, clips[0].key, 16)]
    with pytest.raises(
        AudioError, match=r"at least two chunks of sound \(0.7 s in all\). Received: 1"
    ):
        ChunkDataset(one, cache, config=tiny, recipe=SILENT)


def test_tracks_are_sampled_once_an_epoch_with_their_kin(clips, cache, tiny):
    recipe = Recipe(name="test", views="crops", sampling="tracks", batch_size=2)
    kin = Kin((np.array([7, 7, 9]),))
    dataset = ChunkDataset(clips, cache, config=tiny, recipe=recipe, kin=kin)
    assert (len(dataset), dataset.batch_size, dataset.steps_per_epoch) == (3, 2, 1)
    seen = set()
    for epoch in range(12):
        views, found = dataset.batch(epoch)
        assert views.shape == (2, 2, 16, 16)
        np.testing.assert_array_equal(found.diagonal(), True)
        seen.add(bool(found[0, 1]))
    assert seen == {True, False}
    other = ChunkDataset(clips, cache, config=tiny, recipe=recipe)
    assert other.fingerprint != dataset.fingerprint
    with pytest.raises(AudioError, match=r"at least two tracks. Received: 1"):
        ChunkDataset(clips[:1], cache, config=tiny, recipe=recipe)


def test_neighbours_meet_in_a_batch(clips, cache, tiny):
    many = clips * 10  # 30 tracks: chance would bring two together in one of 29 batches of two
    recipe = Recipe(name="test", views="crops", sampling="tracks", batch_size=2)
    pairs = np.arange(30) ^ 1  # 0 and 1, 2 and 3, ...
    near = sp.csr_matrix((np.ones(30, bool), (np.arange(30), pairs)), shape=(30, 30))
    dataset = ChunkDataset(many, cache, config=tiny, recipe=recipe, kin=Kin((), near))
    assert all(dataset.batch(step)[1].all() for step in range(15))
    alone = ChunkDataset(many, cache, config=tiny, recipe=recipe)
    assert not any(alone.batch(step)[1][0, 1] for step in range(15))


def test_a_sample_of_chunks_is_spread_over_clips_and_their_length(dataset, clips, cache, tiny):
    def chunk(clip: int, start: int) -> np.ndarray:
        return scale_mel(cache.load(clips[clip].key)[:, start : start + 16], tiny)

    two = np.concatenate(
        list(dataset.sample(2, most=100))
    )  # the first and the last of the five of each clip
    np.testing.assert_array_equal(two, [chunk(c, s) for c in range(3) for s in (0, 64)])
    assert [len(chunks) for chunks in dataset.sample(9, most=100)] == [5, 5, 5]
    few = np.concatenate(list(dataset.sample(9, most=2)))
    np.testing.assert_array_equal(few, [chunk(0, 0), chunk(2, 0)])


def test_unknown_views_are_refused(clips, cache, tiny):
    recipe = Recipe(name="test", views="mirror")
    with pytest.raises(ParameterError, match="`views` must be one of crops, gaussian_noise"):
        ChunkDataset(clips, cache, config=tiny, recipe=recipe)


def test_spectrograms_that_have_gone_are_computed_again(dataset, cache):
    expected, _ = dataset.batch(0)
    for entry in cache.directory.rglob("*.npy"):
        entry.unlink()
    np.testing.assert_array_equal(dataset.batch(0)[0], expected)


def test_prefetched_batches_are_those_of_the_steps(dataset):
    for step, (views, kin) in zip(range(2, 9), prefetch(dataset, range(2, 9)), strict=True):
        np.testing.assert_array_equal(views, dataset.batch(step)[0])
        np.testing.assert_array_equal(kin, dataset.batch(step)[1])


def test_leaving_early_ends_the_thread(dataset):
    batches = prefetch(dataset, range(1000))
    next(batches)
    batches.close()
    assert "segue-batches" not in {thread.name for thread in threading.enumerate()}


def test_what_goes_wrong_in_the_thread_is_raised(dataset, cache, clips):
    for path in (*cache.directory.rglob("*.npy"), *(clip.path for clip in clips)):
        path.unlink()
    with pytest.raises(AudioError, match="does not exist"):
        next(prefetch(dataset, range(3)))
