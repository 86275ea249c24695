"""What the sample composes: theory, patterns, plans, notes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.errors import ParameterError
from data.sample.artists import KNOBS, make_artist, sample_timbre, stream, take_of, tempo_of
from data.sample.compose import compose
from data.sample.drums import KITS, LEVELS
from data.sample.patterns import strokes
from data.sample.plan import Plan
from data.sample.style import PARTS, SECTIONS
from data.sample.styles import STYLES, first_styles
from data.sample.theory import (
    CHORDS,
    SCALES,
    chord_pitches,
    hertz,
    nearest_degree,
    opened,
    semitone,
    voiced,
)
from data.sample.voices import VOICES

each_style = pytest.mark.parametrize("style", STYLES, ids=lambda style: style.slug)


def score_of(style, *, artist=0, track=0, seconds=15.0, seed=7):
    return compose(make_artist(seed, style, artist), seed=seed, track=track, seconds=seconds)


class TestTheory:
    def test_degrees_go_on_in_the_next_octave_and_the_one_before(self):
        assert [semitone(SCALES["major"], d) for d in (0, 2, 7, 9, -1)] == [0, 4, 12, 16, -1]

    def test_chords_stack_thirds_of_their_scale(self):
        assert chord_pitches(SCALES["major"], 0, "triad") == [0, 4, 7]
        assert chord_pitches(SCALES["minor"], 0, "seventh") == [0, 3, 7, 10]
        assert chord_pitches(SCALES["major"], 4, "seventh") == [7, 11, 14, 17]  # the dominant

    def test_frequencies(self):
        assert hertz(69) == 440.0
        assert hertz(57) == 220.0
        assert hertz(60) == pytest.approx(261.6256, abs=1e-4)

    @given(st.lists(st.integers(-40, 90), min_size=1, max_size=5), st.integers(20, 90))
    def test_a_voicing_keeps_the_tones_and_stays_near_its_centre(self, pitches, centre):
        placed = voiced(pitches, centre)
        assert {p % 12 for p in placed} == {p % 12 for p in pitches}
        assert all(centre - 6 <= p < centre + 6 for p in placed)
        assert placed == sorted(set(placed))

    def test_chords_of_four_are_opened(self):
        assert opened([60, 64, 67]) == [60, 64, 67]
        assert opened([60, 64, 67, 71]) == [55, 60, 64, 71]

    @given(st.integers(-20, 20), st.integers(0, 6), st.sampled_from(sorted(CHORDS)))
    def test_the_nearest_chord_tone_is_found(self, degree, root, kind):
        chord = [root + step for step in CHORDS[kind]]
        found = nearest_degree(degree, chord, 7)
        tones = [d for d in range(-60, 60) if d % 7 in {c % 7 for c in chord}]
        assert found in tones
        assert abs(found - degree) == min(abs(tone - degree) for tone in tones)


class TestPatterns:
    def test_dots_ring_and_dashes_stop(self):
        found = [(s.step, s.length, s.sign) for s in strokes("0..-2.w-", bar=0, steps=8)]
        assert found == [(0, 3, "0"), (4, 2, "2"), (6, 1, "w")]

    def test_a_pattern_of_two_bars_repeats(self):
        bars = [[s.step for s in strokes("x...--x.", bar=bar, steps=4)] for bar in range(4)]
        assert bars == [[0], [2], [0], [2]]

    def test_signs_strike_differently_hard(self):
        loud, normal, soft = (s.velocity for s in strokes("Xxo", bar=0, steps=3))
        assert loud > normal > soft > 0

    @each_style
    def test_every_style_names_only_what_there_is(self, style):
        patterns = [p for groove in style.grooves for p in groove.values()]
        patterns += [p for part in style.rhythms.values() for p in part]
        assert all(len(pattern) % style.steps == 0 for pattern in patterns)
        assert {sign for pattern in patterns for sign in pattern} <= set("Xxo.-0123456789w")
        assert {drum for groove in style.grooves for drum in groove} <= set(LEVELS)
        assert set(style.kits) <= set(KITS)
        assert set(style.scales) <= set(SCALES)
        assert set(style.harmony) <= set(CHORDS)
        assert set(style.knobs) <= set(KNOBS)
        assert set(style.rhythms) == set(style.voices) <= set(PARTS)
        assert {voice for names in style.voices.values() for voice in names} <= set(VOICES)
        assert {name for form in style.forms for name, _ in form} <= set(SECTIONS)
        assert set(style.buses) <= {*PARTS, "drums"}
        assert all(0 <= low <= high <= 1 for low, high in style.knobs.values())

    def test_there_are_enough_styles_and_no_more(self):
        assert len(STYLES) >= 8
        assert len({style.slug for style in STYLES}) == len(STYLES)
        with pytest.raises(ParameterError, match=f"from 1 to {len(STYLES)}"):
            first_styles(len(STYLES) + 1)


class TestArtists:
    def test_the_same_seed_is_the_same_artist_and_another_is_not(self):
        assert make_artist(7, STYLES[1], 3) == make_artist(7, STYLES[1], 3)
        assert make_artist(7, STYLES[1], 3).knobs != make_artist(8, STYLES[1], 3).knobs

    @each_style
    def test_knobs_stay_within_the_style_for_artists_and_takes(self, style):
        for number in range(6):
            artist = make_artist(3, style, number)
            for heard in (artist, take_of(artist, seed=3, track=number)):
                for name, value in heard.knobs.items():
                    low, high = style.knobs.get(name, KNOBS[name])
                    assert low <= value <= high
                assert set(heard.voices) == set(style.voices)
                assert style.tempo[0] <= tempo_of(heard) <= style.tempo[1]

    def test_artists_of_a_style_are_spread_over_each_knob(self):
        knobs = [make_artist(7, STYLES[4], number).knobs for number in range(5)]
        for name in KNOBS:
            low, high = STYLES[4].knobs.get(name, KNOBS[name])
            values = [k[name] for k in knobs]
            assert max(values) - min(values) > 0.4 * (high - low)

    def test_timbre_vectors_are_in_the_order_of_the_catalogue(self):
        vectors = sample_timbre(seed=5, styles=2, artists=3, tracks=2)
        assert vectors.shape == (12, len(KNOBS))
        artist = make_artist(5, STYLES[1], 2)
        take = take_of(artist, seed=5, track=1)
        assert vectors[-1, list(KNOBS).index("brightness")] == np.float32(take.knobs["brightness"])
        tempo = 60 * 2.0 ** vectors[-1, list(KNOBS).index("tempo")]
        assert tempo == pytest.approx(tempo_of(artist), rel=1e-5)

    def test_streams_differ_by_place_only(self):
        draws = {stream(1, *place).random() for place in [("a",), ("b",), ("a", 0), ("a", 1)]}
        assert len(draws) == 4
        assert stream(1, "a", 1).random() == stream(1, "a", 1).random()


class TestPlan:
    def plan(self, *, swing):
        style = STYLES[2]
        artist = make_artist(0, style, 0)
        artist = type(artist)(**{**artist.__dict__, "knobs": {**artist.knobs, "swing": swing}})
        return Plan(artist, 8.0, 120.0, 0, SCALES["major"], "triad", (0,) * 4, ("main",) * 4)

    def test_without_swing_steps_are_even(self):
        # 120 beats a minute: a bar of four beats is 2 s, a sixteenth 0.125 s.
        times = self.plan(swing=0.0).time(1, range(17))
        np.testing.assert_allclose(times, 2.0 + 0.125 * np.arange(17))

    def test_full_swing_divides_a_beat_two_to_one(self):
        times = self.plan(swing=1.0).time(0, [0, 2, 4, 6, 8])
        np.testing.assert_allclose(times, [0, 1 / 3, 0.5, 0.5 + 1 / 3, 1.0])

    @pytest.mark.parametrize("seconds", [1.0, 4.0, 15.0, 61.0])
    @each_style
    def test_bars_fill_the_track_and_no_more(self, style, seconds):
        plan = score_of(style, seconds=seconds).plan
        assert (plan.bars - 1) * plan.bar_seconds < seconds
        assert plan.bars * plan.bar_seconds >= seconds - 1e-6
        assert len(plan.degrees) == plan.bars

    def test_a_form_keeps_its_order_and_its_proportions(self):
        plan = score_of(STYLES[1], seconds=120.0).plan
        met = [s for i, s in enumerate(plan.sections) if i == 0 or s != plan.sections[i - 1]]
        assert tuple(met) in {tuple(name for name, _ in form) for form in STYLES[1].forms}
        assert plan.sections.count("peak") == pytest.approx(plan.bars / 3, abs=1)


class TestScore:
    @each_style
    def test_all_notes_are_in_the_key(self, style):
        for track in range(3):
            score = score_of(style, artist=track, track=track)
            key = {(score.plan.root + step) % 12 for step in score.plan.scale}
            for notes in score.parts.values():
                assert {int(p) % 12 for p in notes.pitch} <= key

    @each_style
    def test_notes_are_ordered_and_within_the_track(self, style):
        score = score_of(style, artist=1)
        assert score.parts
        for notes in [*score.parts.values(), *score.drums.values()]:
            assert (np.diff(notes.onset) >= 0).all()
            assert notes.onset.min() >= 0
            assert notes.onset.max() < 15.0
            assert (notes.duration > 0).all()
            assert ((notes.velocity > 0) & (notes.velocity <= 1)).all()

    def test_the_lead_takes_tones_of_the_chord_on_beats(self):
        score = score_of(next(s for s in STYLES if s.slug == "chiptune"))
        plan, lead = score.plan, score.parts["lead"]
        beat = plan.bar_seconds / 4
        checked = 0
        for onset, pitch in zip(lead.onset, lead.pitch, strict=True):
            if abs(onset / beat - round(onset / beat)) < 1e-6:
                chord = plan.chord(round(onset / beat) // 4)
                tones = {(plan.root + semitone(plan.scale, degree)) % 12 for degree in chord}
                assert int(pitch) % 12 in tones
                checked += 1
        assert checked >= 4

    def test_the_techno_kick_falls_on_each_beat(self):
        score = score_of(STYLES[1])
        gaps = np.diff(score.drums["kick"].onset)
        beats = gaps * score.plan.tempo / 60
        assert np.median(beats) == pytest.approx(1.0, abs=0.02)

    def test_the_break_has_no_drums_in_ambient_nor_kick_in_techno(self):
        assert score_of(STYLES[0]).drums == {}
        score = score_of(STYLES[1], seconds=30.0)
        plan, kick = score.plan, score.drums["kick"].onset
        rests = [bar for bar in range(plan.bars) if plan.sections[bar] == "break"]
        assert rests
        for bar in rests:
            start = plan.time(bar, 0)
            assert not ((kick > start - 0.01) & (kick < start + plan.bar_seconds - 0.01)).any()

    def test_tracks_of_an_artist_differ_and_are_reproduced(self):
        first, again, other = (score_of(STYLES[5], track=t) for t in (0, 0, 1))
        np.testing.assert_array_equal(first.parts["lead"].pitch, again.parts["lead"].pitch)
        assert not np.array_equal(first.parts["lead"].pitch, other.parts["lead"].pitch)
