"""Crops and their changes: hand-made spectrograms whose outcome is known."""

import numpy as np
import pytest

from audio_model.augment import crop, equalise, mask, mix
from audio_model.config import AudioConfig
from audio_model.recipes import RECIPES, Augmentation, Recipe
from audio_model.views import crops

BANDS, FRAMES = 16, 200
RAMP = np.tile(np.arange(FRAMES, dtype=np.float16), (BANDS, 1))  # a frame's value is its number
STAIR = np.tile(np.arange(BANDS, dtype=np.float16)[:, None], (1, FRAMES))  # a band's, likewise


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_a_crop_is_a_piece_from_anywhere(rng):
    found = [crop(RAMP, 20, rng) for _ in range(300)]
    assert {x.shape for x in found} == {(20, BANDS)}
    starts = {int(x[0, 0]) for x in found}
    assert min(starts) >= 0
    assert max(starts) <= FRAMES - 20
    assert len(starts) > 120  # of 181
    assert all(np.array_equal(x[:, 3], x[0, 0] + np.arange(20)) for x in found)


def test_a_crop_at_another_tempo_skips_or_repeats_frames(rng):
    spans = [int(np.ptp(crop(RAMP, 40, rng, stretch=0.5)[:, 0])) for _ in range(200)]
    assert min(spans) < 0.7 * 40  # slower: e^-0.5 is 0.61
    assert max(spans) > 1.5 * 40  # faster: e^0.5 is 1.65
    assert max(spans) < 1.66 * 40


def test_a_crop_at_another_pitch_moves_all_bands_alike(rng):
    moved = [crop(STAIR, 8, rng, bands=2)[0] for _ in range(100)]
    shifts = {int(x[8]) - 8 for x in moved}
    assert shifts == {-2, -1, 0, 1, 2}
    for x in moved:
        shift = int(x[8]) - 8
        np.testing.assert_array_equal(x, np.clip(np.arange(BANDS) + shift, 0, BANDS - 1))


def test_a_spectrogram_that_is_too_short_begins_again(rng):
    x = crop(RAMP[:, :3], 8, rng)[:, 0]
    np.testing.assert_array_equal(x, [0, 1, 2, 0, 1, 2, 0, 1])


def test_the_louder_sound_masks_the_softer():
    x = np.array([[-10, -50]], np.float32)
    mix(x, np.array([[-20, -20]], np.float32), 15)
    np.testing.assert_array_equal(x, [[-10, -35]])


def test_a_tone_control_is_joined_by_lines():
    x = np.zeros((2, 5), np.float32)
    equalise(x, np.array([4.0, 0.0, -2.0]))
    np.testing.assert_allclose(x, [[4, 2, 0, -1, -2]] * 2)


def test_masks_are_whole_bands_and_spans_at_the_mean_level(rng):
    how = Augmentation(masks=1, mask_bands=6, mask_share=0.5)
    seen = set()
    for _ in range(100):
        x = rng.uniform(-80, 0, (40, BANDS)).astype(np.float32)
        before, level = x.copy(), x.mean()
        mask(x, how, rng)
        masked = x == level
        bands, spans = masked.all(axis=0), masked.all(axis=1)
        np.testing.assert_array_equal(masked, bands | spans[:, np.newaxis])
        np.testing.assert_array_equal(x[~masked], before[~masked])
        assert bands.sum() < 6
        assert spans.sum() < 20
        seen.add((bool(bands.any()), bool(spans.any())))
    assert (True, True) in seen


def test_crops_are_two_changed_views_of_each_track(rng):
    config = AudioConfig(n_mels=BANDS, chunk_frames=32)
    tracks = [np.full((BANDS, 100), level, np.float16) for level in (-70, -40, -10)]
    plain = Recipe(name="t", views="crops")
    views = crops([(t, 0) for t in tracks], config, plain, rng)
    assert (views.shape, views.dtype) == ((2, 3, BANDS, 32), np.float32)
    np.testing.assert_allclose(views.mean(axis=(2, 3)), [[1 / 8, 1 / 2, 7 / 8]] * 2)  # of 80 dB
    changed = plain.model_copy(update={"augmentation": RECIPES["crops"].augmentation})
    noise = [rng.uniform(-80, 0, (BANDS, 100)).astype(np.float16) for _ in range(3)]
    views = crops([(t, 0) for t in noise], config, changed, rng)
    assert views.min() >= 0
    assert views.max() <= 1
    assert np.abs(views[0] - views[1]).mean() > 0.05


def test_what_is_mixed_in_is_another_track_of_the_batch(rng):
    config = AudioConfig(n_mels=BANDS, chunk_frames=16)
    loud, soft = np.full((BANDS, 50), -8, np.float16), np.full((BANDS, 50), -80, np.float16)
    how = Augmentation(mix=1, mix_db=(8, 8))
    views = crops([(loud, 0), (soft, 0)], config, Recipe(name="t", augmentation=how), rng)
    np.testing.assert_allclose(views[:, 0], 0.9, rtol=1e-6)
    np.testing.assert_allclose(views[:, 1], 0.8, rtol=1e-6)  # the loud one, 8 dB down
