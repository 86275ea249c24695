"""Crops and their changes: hand-made spectrograms whose outcome is known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audio_model.augment import crop, mask, mix, tone_curve
from audio_model.chances import draw_chances
from audio_model.config import AudioConfig
from audio_model.recipes import RECIPES, Augmentation, Recipe
from audio_model.views import crops

BANDS, FRAMES = 16, 200
RAMP = np.tile(np.arange(FRAMES, dtype=np.float16), (BANDS, 1))  # a frame's value is its number
STAIR = np.tile(np.arange(BANDS, dtype=np.float16)[:, None], (1, FRAMES))  # a band's, likewise


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def cut(mel: np.ndarray, where: float, n_frames: int, **how: float) -> np.ndarray:
    out = np.full((n_frames, len(mel)), np.nan, np.float32)
    crop(mel, where, out, **how)
    return out


def test_a_crop_begins_at_any_place():
    for where, first in ((0.0, 0), (0.5, 90), (1 - 1e-9, 180)):  # 181 places for 20 of 200 frames
        expected = np.repeat(first + np.arange(20.0)[:, np.newaxis], BANDS, axis=1)
        np.testing.assert_array_equal(cut(RAMP, where, 20), expected)


def test_a_crop_at_another_tempo_skips_or_repeats_frames():
    np.testing.assert_array_equal(cut(RAMP, 0, 6, step=1.5)[:, 0], [0, 1, 3, 4, 6, 7])
    np.testing.assert_array_equal(cut(RAMP, 0, 6, step=0.5)[:, 0], [0, 0, 1, 1, 2, 2])
    last = cut(RAMP, 1 - 1e-9, 100, step=1.5)[:, 0]
    assert (last[0], last[-1]) == (50, 198)  # 150 frames of 200: the last one begins at 50


@given(
    where=st.floats(0, 1, exclude_max=True),
    step=st.floats(0.3, 3),
    n_frames=st.integers(1, 66),
    length=st.integers(1, FRAMES),
)
def test_a_crop_never_leaves_its_spectrogram(where, step, n_frames, length):
    found = cut(RAMP[:, :length], where, n_frames, step=step)[:, 0]
    assert found.min() >= 0
    assert found.max() <= length - 1
    if length >= np.ceil(n_frames * step):
        assert (np.diff(found) >= 0).all()  # it does not begin again


def test_a_crop_at_another_pitch_moves_all_bands_alike():
    for shift in (-2, -1, 0, 1, 2):
        found = cut(STAIR, 0.3, 8, shift=shift)
        expected = np.clip(np.arange(BANDS) + shift, 0, BANDS - 1)
        np.testing.assert_array_equal(found, np.tile(expected, (8, 1)))


def test_a_spectrogram_that_is_too_short_begins_again():
    np.testing.assert_array_equal(cut(RAMP[:, :3], 0.9, 8)[:, 0], [0, 1, 2, 0, 1, 2, 0, 1])


def test_the_louder_sound_masks_the_softer():
    x = np.array([[-10, -50]], np.float32)
    mix(x, np.array([[-20, -20]], np.float32), 15)
    np.testing.assert_array_equal(x, [[-10, -35]])


def test_a_tone_control_is_joined_by_lines():
    np.testing.assert_allclose(tone_curve(np.array([4.0, 0.0, -2.0]), 5), [4, 2, 0, -1, -2])


def test_masks_are_whole_bands_and_spans_at_the_mean_level(rng):
    x = rng.uniform(-80, 0, (40, BANDS)).astype(np.float32)
    before, level = x.copy(), x.mean()
    mask(x, [(2, 5), (9, 9)], [(0, 3), (30, 40)])
    expected = before.copy()
    expected[:, 2:5] = level
    expected[:3] = expected[30:] = level
    np.testing.assert_array_equal(x, expected)


class TestChances:
    HOW = Augmentation(
        stretch=0.5,
        pitch_bands=2,
        mix=0.25,
        mix_db=(5, 9),
        equalise=0.5,
        equalise_db=6,
        gain_db=(-6, 3),
        masks=2,
        mask_bands=6,
        mask_share=0.5,
    )

    @pytest.fixture
    def drawn(self, rng):
        return draw_chances(self.HOW, (4_000, 40, BANDS), rng, tracks=5)

    def test_crops_begin_anywhere(self, drawn):
        for where in (drawn.where, drawn.behind_where):
            assert 0 <= where.min() < 0.01
            assert 0.99 < where.max() < 1
            assert where.mean() == pytest.approx(0.5, abs=0.02)

    def test_tempo_changes_evenly_in_its_logarithm(self, drawn):
        logs = np.log(drawn.step)
        assert np.abs(logs).max() <= 0.5
        assert logs.mean() == pytest.approx(0, abs=0.02)
        assert logs.std() == pytest.approx(1 / np.sqrt(12), rel=0.03)

    def test_pitch_moves_by_whole_bands(self, drawn):
        shifts, counts = np.unique(drawn.shift, return_counts=True)
        assert shifts.tolist() == [-2, -1, 0, 1, 2]
        # From -2 to 2, rounded: the ends have half of the room of the others.
        np.testing.assert_allclose(counts / 4_000, [1 / 8, 1 / 4, 1 / 4, 1 / 4, 1 / 8], atol=0.02)

    def test_what_is_mixed_in_is_any_other_track(self, drawn):
        offsets, counts = np.unique(drawn.behind, return_counts=True)
        assert offsets.tolist() == [0, 1, 2, 3, 4]
        np.testing.assert_allclose(counts / 4_000, [3 / 4, *[1 / 16] * 4], atol=0.02)
        assert 5 <= drawn.softer.min() < 5.1
        assert 8.9 < drawn.softer.max() <= 9

    def test_level_and_tone_are_lifted_as_one(self, drawn):
        level = np.ptp(drawn.lift, axis=1) == 0
        assert level.mean() == pytest.approx(0.5, abs=0.03)  # the others have a tone control
        assert -6 <= drawn.lift[level].min() < -5.9
        assert 2.9 < drawn.lift[level].max() <= 3
        assert -12 <= drawn.lift.min() < -10
        assert 7 < drawn.lift.max() <= 9
        bends = (np.abs(np.diff(drawn.lift[~level], 2)) > 1e-4).sum(axis=1)
        assert bends.max() <= 2 * 3  # 5 knobs: 3 inner ones, each between two bands

    @pytest.mark.parametrize(("of", "length", "below"), [("bands", BANDS, 6), ("spans", 40, 20)])
    def test_masks_are_of_any_width_below_a_limit_and_lie_anywhere(self, drawn, of, length, below):
        found = getattr(drawn, of)
        assert found.shape == (4_000, 2, 2)
        width = found[..., 1] - found[..., 0]
        assert np.unique(width).tolist() == list(range(below))
        assert found.min() == 0
        assert found.max() == length - 1

    def test_nothing_is_changed_by_default(self, rng):
        drawn = draw_chances(Augmentation(), (50, 40, BANDS), rng, tracks=5)
        assert (drawn.step == 1).all()
        assert not drawn.shift.any()
        assert not drawn.behind.any()
        assert not drawn.lift.any()
        assert drawn.bands.shape == drawn.spans.shape == (50, 0, 2)


def test_crops_are_two_changed_views_of_each_track(rng):
    config = AudioConfig(n_mels=BANDS, chunk_frames=32)
    tracks = [np.full((BANDS, 100), level, np.float16) for level in (-70, -40, -10)]
    plain = Recipe(name="t", views="crops")
    views = crops([(t, 0) for t in tracks], config, plain, rng)
    assert (views.shape, views.dtype) == ((2, 3, 32, BANDS), np.float32)
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
