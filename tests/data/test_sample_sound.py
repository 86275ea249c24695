"""What the sample sounds like: instruments, drums, effects, finished tracks."""

import librosa
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.sample import effects
from data.sample.catalogue import sample_tracks
from data.sample.drums import KITS, LEVELS, hit
from data.sample.mp3 import sample_audio, sample_score
from data.sample.play import Player, Tone, envelope
from data.sample.render import SR, render
from data.sample.spectra import SHAPES, harmonics, string_decay
from data.sample.voices import VOICES, Voice
from data.sample.wavetable import CYCLE, make_bank, read_bank

TONE = Tone(sr=SR)


def track_of(slug, *, artist=1, track=1):
    wanted = f"sample-{slug}-{artist:02d}-{track}"
    rows = sample_tracks(seed=7, styles=12, artists=3, tracks=2)
    return next(row for row in rows if row.track_id == wanted)


class TestSpectra:
    def test_waveforms_have_their_textbook_harmonics(self):
        at = 100.0 * np.arange(1, 6)
        np.testing.assert_allclose(harmonics("saw", at), [1, 1 / 2, 1 / 3, 1 / 4, 1 / 5])
        np.testing.assert_allclose(harmonics("square", at), [1, 0, 1 / 3, 0, 1 / 5])
        np.testing.assert_allclose(harmonics("triangle", at), [1, 0, -1 / 9, 0, 1 / 25])
        np.testing.assert_allclose(harmonics("sine", at), [1, 0, 0, 0, 0])

    def test_every_shape_sounds(self):
        at = 220.0 * np.arange(1, 50)
        for shape in SHAPES:
            values = harmonics(shape, at)
            assert np.isfinite(values).all()
            assert (values != 0).any()

    def test_voices_use_known_shapes(self):
        assert {voice.shape for voice in VOICES.values()} <= set(SHAPES)

    def test_a_string_loses_its_overtones_as_the_averaging_loop_says(self):
        # At a third of the loop's rate the average of two neighbours is cos(60 degrees) = 1/2, once
        # in each of the string's 100 periods a second.
        decay = string_decay(np.array([100.0, 7_350.0]), ring=2.0, loop=22_050.0)
        assert decay[1] - np.log(1000) / 2 == pytest.approx(100 * np.log(2))
        assert decay[0] == pytest.approx(np.log(1000) / 2, abs=0.02)

    def test_a_bank_is_band_limited_and_loudest_at_unit_rms(self):
        bank = make_bank(Voice(shape="saw", cutoff=50_000), 3_000.0, sr=SR)
        assert bank.shape == (16, CYCLE)
        spectrum = np.abs(np.fft.rfft(bank, axis=1))
        assert spectrum[:, 4:].max() < 1e-3 * spectrum.max()  # 3, 6 and 9 kHz fit, 12 doesn't
        assert np.sqrt((bank.astype(float) ** 2).mean(axis=1)).max() == pytest.approx(1, abs=1e-5)

    def test_reading_follows_phase_and_position(self):
        bank = np.stack([np.zeros(CYCLE), np.arange(CYCLE)]).astype(np.float32)
        phase, position = np.array([0.25, 1.25, 0.5]), np.array([1.0, 0.5, 0.0], np.float32)
        np.testing.assert_allclose(read_bank(bank, phase, position), [256, 128, 0])


class TestInstruments:
    @pytest.mark.parametrize("name", [n for n, v in VOICES.items() if v.kind != "modal"])
    def test_notes_are_in_tune(self, name):
        voice = VOICES[name]
        wave = Player(voice, Tone(sr=SR, vibrato=0.0)).note(57, 1.0, 1.0)  # 220 Hz
        assert np.isfinite(wave).all()
        # FM with a carrier above the base sounds at multiples of the base.
        base = 220.0 / voice.ratio[0] if voice.kind == "fm" else 220.0
        power = np.abs(np.fft.rfft(wave * np.hanning(wave.size))) ** 2
        at = np.fft.rfftfreq(wave.size, 1 / SR)
        off = np.abs(at / base - np.maximum(np.round(at / base), 1)) * base / np.maximum(at, 1)
        # 35 cents for what detunes its copies, and the width of the window's main lobe.
        near = (off < 2 ** (35 / 1200) - 1) | (off * at < 6.0)
        assert power[near].sum() > 0.85 * power.sum()

    @pytest.mark.parametrize("name", [n for n, v in VOICES.items() if v.kind == "modal"])
    def test_struck_bars_sound_at_their_lowest_mode(self, name):
        wave = Player(VOICES[name], TONE).note(69, 1.0, 1.0)
        peak = np.abs(np.fft.rfft(wave)).argmax() * SR / wave.size
        assert peak == pytest.approx(440, rel=0.02)

    def test_softer_is_quieter_and_darker(self):
        def centroid(wave):
            power = np.abs(np.fft.rfft(wave)) ** 2
            return (power * np.arange(power.size)).sum() / power.sum()

        player = Player(VOICES["saw lead"], TONE)
        loud, soft = player.note(60, 0.5, 1.0), player.note(60, 0.5, 0.25)
        assert np.abs(soft).max() < 0.5 * np.abs(loud).max()
        assert centroid(soft) < centroid(loud)

    def test_an_envelope_rises_holds_and_ends(self):
        voice = Voice(attack=0.1, decay=0.05, sustain=0.6, release=0.2)
        time = np.array([0.0, 0.05, 0.1, 0.9, 1.1, 1.2], dtype=np.float32)
        loud = envelope(voice, time, held=1.0, attack=0.1)
        expected = [0, np.sin(np.pi / 4), 1.0, 0.6, 0.6 * 0.25, 0]
        np.testing.assert_allclose(loud, expected, atol=1e-4)

    @pytest.mark.parametrize("name", sorted(KITS))
    def test_every_drum_of_every_kit_is_short_and_bounded(self, name):
        rng = np.random.default_rng(0)
        for drum in LEVELS:
            wave = hit(KITS[name], drum, sr=SR, rng=rng)
            assert np.isfinite(wave).all()
            assert 0.02 < np.abs(wave).max() < 2.0
            assert np.abs(wave[-20:]).max() < 0.05


class TestEffects:
    def noise(self, seconds=1.0):
        return np.random.default_rng(1).normal(0, 0.1, int(seconds * SR)).astype(np.float32)

    def test_level_is_measured_where_there_is_sound(self):
        wave = np.concatenate([self.noise(0.5), np.zeros(5 * SR, np.float32)])
        assert effects.loudness(effects.level(wave, SR, decibels=-20), SR) == pytest.approx(0.1)
        assert effects.loudness(wave, SR) == pytest.approx(0.1, rel=0.1)

    @given(st.lists(st.floats(-50, 50, width=32), min_size=1, max_size=50))
    def test_the_limiter_never_exceeds_its_ceiling_and_keeps_order(self, values):
        wave = np.sort(np.array(values, dtype=np.float32))
        bent = effects.limit(wave, ceiling=0.8)
        assert np.abs(bent).max() <= 0.8 + 1e-6
        assert (np.diff(bent) >= -1e-6).all()
        quiet = np.abs(wave) <= 0.48
        np.testing.assert_allclose(bent[quiet], wave[quiet], atol=1e-6)

    def test_the_two_bands_add_up(self):
        wave = self.noise()
        low, high = effects.split(wave, SR, cutoff=500.0)
        np.testing.assert_allclose(low + high, wave, atol=1e-6)
        assert np.abs(np.diff(low)).mean() < np.abs(np.diff(high)).mean()

    def test_tilt_trades_bass_for_treble(self):
        time = np.arange(SR) / SR
        bass, treble = (np.sin(2 * np.pi * f * time).astype(np.float32) for f in (60, 9000))
        for wave, gain in ((bass, 0.5), (treble, 2.0)):
            tilted = effects.tilt(wave, SR, decibels=20 * np.log10(2))
            ratio = tilted[SR // 2 :].std() / wave[SR // 2 :].std()
            assert ratio == pytest.approx(gain, rel=0.1)

    def test_echoes_come_a_delay_apart_and_fade(self):
        wave = np.zeros(SR, dtype=np.float32)
        wave[:50] = 1.0
        left_right = effects.echo(wave, SR, delay=0.25)
        energy = [(left_right[:, k * SR // 4 :][:, : SR // 8] ** 2).sum() for k in range(4)]
        assert energy[0] == 0
        assert energy[1] > energy[2] > energy[3] > 0
        assert left_right[0, : 2 * SR // 4 - 9].max() == 0  # the first repeat is on the right only

    def test_a_room_rings_on_and_decays(self):
        rng = np.random.default_rng(0)
        room = effects.impulse_response(SR, seconds=0.5, brightness=0.5, rng=rng)
        np.testing.assert_allclose((room**2).sum(axis=1), 1.0, rtol=1e-4)
        click = np.zeros(SR, dtype=np.float32)
        click[0] = 1.0
        wet = effects.reverb(click, room)
        np.testing.assert_allclose(wet[:, : room.shape[1]], room, atol=1e-5)
        quarter = room.shape[1] // 4
        assert (room[:, :quarter] ** 2).sum() > 20 * (room[:, -quarter:] ** 2).sum()

    def test_ducking_lowers_the_beat_and_lets_go(self):
        wave = effects.duck(np.ones(SR, np.float32), SR, beats=np.array([0.5]))
        assert wave[0] == pytest.approx(1.0)
        assert wave[SR // 2 + 1] == pytest.approx(0.3, abs=0.01)
        assert wave[-1] == pytest.approx(1.0, abs=0.01)

    def test_crushing_leaves_few_values(self):
        wave = np.linspace(-1, 1, 5000, dtype=np.float32)
        assert len(np.unique(effects.crush(wave, bits=4))) == 17

    def test_drive_adds_harmonics_and_none_is_none(self):
        tone = np.sin(2 * np.pi * 200 * np.arange(SR) / SR).astype(np.float32)
        assert effects.drive(tone, SR, amount=0.0) is tone
        spectrum = np.abs(np.fft.rfft(effects.drive(tone, SR, amount=0.8)))
        assert spectrum[600] > 0.1 * spectrum[200]


class TestTracks:
    @pytest.mark.parametrize("slug", ["ambient", "techno", "rock", "lo-fi", "dub", "gamelan"])
    def test_tracks_are_sound_and_neither_silent_nor_clipped(self, slug):
        audio = sample_audio(track_of(slug), seed=7, seconds=9.0)
        assert audio.shape[0] == 9 * SR
        assert audio.shape[1] in (1, 2)
        assert audio.dtype == np.float32
        assert np.isfinite(audio).all()
        assert np.abs(audio).max() <= 0.8
        for chunk in np.array_split(audio[: int(8.5 * SR)], 3):
            assert -45 < 20 * np.log10(chunk.std()) < -8

    def test_a_narrow_artist_records_in_mono_and_a_wide_one_in_stereo(self):
        assert sample_audio(track_of("chiptune"), seed=7, seconds=2.0).shape[1] == 1
        wide = sample_audio(track_of("ambient"), seed=7, seconds=2.0)
        assert wide.shape[1] == 2
        assert not np.array_equal(wide[:, 0], wide[:, 1])

    def test_the_same_seed_gives_the_same_samples_and_another_other_ones(self):
        track = track_of("jazz")
        first = sample_audio(track, seed=7, seconds=2.0)
        np.testing.assert_array_equal(first, sample_audio(track, seed=7, seconds=2.0))
        assert not np.array_equal(first, sample_audio(track, seed=8, seconds=2.0))

    def test_the_beat_is_heard(self):
        score = sample_score(track_of("techno"), seed=7, seconds=12.0)
        strength = librosa.onset.onset_strength(y=render(score).mean(axis=1), sr=SR, hop_length=128)
        strength = strength - strength.mean()
        beat = 60 / score.plan.tempo * SR / 128  # in frames
        lags = np.arange(round(0.85 * beat), round(1.15 * beat))
        alike = [strength[:-lag] @ strength[lag:] for lag in lags]
        assert lags[int(np.argmax(alike))] == pytest.approx(beat, abs=1.5)
