"""The sample on disk: MP3 files, tags, tables, and what happens on the second run."""

import json
import os

import librosa
import numpy as np
import pandas as pd
import pytest
import soundfile as sf
from tinytag import TinyTag

from data.errors import DataError, ParameterError, SegueError
from data.readers import read_listens, read_tracks
from data.sample import generate_sample
from data.sample.catalogue import SampleTrack, sample_tracks
from data.sample.generate import _finished
from data.sample.id3 import id3_tag, synchsafe, text_frame
from data.sample.mp3 import TrackJob
from data.sample.names import MOST, artist_name
from data.sample.render import SR

SECONDS = 5.0
SMALL = {"styles": 2, "artists": 1, "tracks": 2, "seconds": 1.0, "users": 3, "workers": 1}


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    directory = tmp_path_factory.mktemp("sample of all styles")
    return generate_sample(directory, artists=2, tracks=2, seconds=SECONDS, users=40, workers=2)


@pytest.fixture(scope="module")
def tracks(sample):
    return pd.concat(read_tracks(sample.tracks), ignore_index=True)


@pytest.fixture(scope="module")
def sounds(sample, tracks):
    return [sf.read(sample.tracks.parent / path, always_2d=True) for path in tracks.audio_path]


@pytest.fixture(scope="module")
def mfcc(sounds):
    return [librosa.feature.mfcc(y=audio.mean(axis=1), sr=sr, n_mfcc=20) for audio, sr in sounds]


def scaled(features):
    return (np.array(features) - np.mean(features, axis=0)) / np.std(features, axis=0)


def contents(directory):
    return {
        str(path.relative_to(directory)): path.read_bytes()
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }


def written(directory):
    return {path.name: path.stat().st_mtime_ns for path in directory.rglob("*") if path.is_file()}


class TestTags:
    def test_bytes_of_a_tag(self):
        assert id3_tag({"TIT2": "é"}) == (
            b"ID3\x04\x00\x00\x00\x00\x00\x0dTIT2\x00\x00\x00\x03\x00\x00\x03\xc3\xa9"
        )

    def test_sizes_have_seven_bits_a_byte(self):
        assert synchsafe(0) == b"\x00\x00\x00\x00"
        assert synchsafe(257) == b"\x00\x00\x02\x01"
        assert synchsafe((1 << 28) - 1) == b"\x7f\x7f\x7f\x7f"
        with pytest.raises(DataError, match="268435456"):
            synchsafe(1 << 28)

    @pytest.mark.parametrize("name", ["TIT", "tit2", "APIC", "TÍT2", "TIT22"])
    def test_what_is_no_text_frame_is_refused(self, name):
        with pytest.raises(DataError, match="text frame"):
            text_frame(name, "")


class TestFiles:
    def test_the_tables_are_read_back_whole(self, sample, tracks):
        assert len(tracks) == 8 * 2 * 2
        assert tracks.track_id.is_unique
        assert "sample-techno-02-1" in set(tracks.track_id)
        assert tracks[["title", "artist", "album", "genre", "released_at"]].notna().all().all()
        assert set(tracks.license) == {"CC0-1.0"}
        listens = pd.concat(read_listens(sample.listens), ignore_index=True)
        assert set(listens.track_id) <= set(tracks.track_id)
        assert listens.user_id.nunique() == 40

    def test_every_file_decodes_to_its_length(self, sounds):
        for audio, sr in sounds:
            assert sr == SR
            assert audio.shape[0] == pytest.approx(SECONDS * SR, abs=0.1 * SR)
            assert np.isfinite(audio).all()
            assert np.abs(audio).max() < 1.0
            assert -40 < 20 * np.log10(audio.std()) < -8

    def test_files_are_mp3(self, sample, tracks):
        for path in tracks.audio_path:
            assert sf.info(sample.tracks.parent / path).format == "MP3"
            assert (sample.tracks.parent / path).read_bytes().startswith(b"ID3\x04")

    def test_tags_say_what_the_table_says(self, sample, tracks):
        for row in tracks.itertuples():
            tag = TinyTag.get(sample.tracks.parent / row.audio_path)
            assert (tag.title, tag.artist, tag.album) == (row.title, row.artist, row.album)
            assert (tag.genre, tag.year) == (row.genre, row.released_at)
            assert tag.track == int(row.track_id[-1])
            assert tag.duration == pytest.approx(SECONDS, abs=0.2)

    def test_styles_sound_different_and_artists_sound_like_themselves(self, mfcc, tracks):
        points = scaled([np.concatenate([m.mean(axis=1), m.std(axis=1)]) for m in mfcc])
        points /= np.linalg.norm(points, axis=1, keepdims=True)
        alike = points @ points.T
        np.fill_diagonal(alike, -np.inf)
        style, artist = tracks.genre.to_numpy(), tracks.artist.to_numpy()
        hits = (style[alike.argmax(axis=1)] == style).mean()
        assert hits > 0.6  # by chance: 3 of 31
        same_style = style[:, None] == style
        same_artist = (artist[:, None] == artist) & ~np.eye(len(artist), dtype=bool)
        other_artist = same_style & (artist[:, None] != artist)
        assert alike[same_artist].mean() > alike[other_artist].mean() + 0.1
        assert alike[other_artist].mean() > alike[~same_style].mean() + 0.2

    def test_chunks_of_a_track_differ_yet_belong_together(self, mfcc):
        points = scaled([half.mean(axis=1) for m in mfcc for half in np.array_split(m, 2, axis=1)])
        owner = np.repeat(np.arange(len(mfcc)), 2)
        away = np.linalg.norm(points[:, None] - points[None], axis=-1)
        mine = (owner[:, None] == owner) & ~np.eye(len(owner), dtype=bool)
        assert away[mine].min() > 0.05
        assert away[mine].mean() < 0.6 * away[owner[:, None] != owner].mean()


class TestNames:
    @pytest.mark.parametrize("seed", [0, 7, 123_456])
    def test_no_two_artists_share_a_name(self, seed):
        names = [artist_name(seed, style, artist) for style in range(12) for artist in range(MOST)]
        assert len(set(names)) == len(names)

    @pytest.mark.parametrize("seed", range(12))
    def test_some_names_are_not_ascii_but_most_are(self, seed):
        rows = sample_tracks(seed=seed, styles=8, artists=5, tracks=4)
        titles = [row for row in rows if not row.title.isascii()]
        artists = {row.artist_name for row in rows if not row.artist_name.isascii()}
        assert 5 <= len(titles) <= 30
        assert 1 <= len(artists) <= 10

    def test_a_track_is_the_same_in_every_size_of_catalogue(self):
        few = sample_tracks(seed=1, styles=2, artists=1, tracks=3)
        many = {row.track_id: row for row in sample_tracks(seed=1, styles=5, artists=4, tracks=9)}
        assert all(many[row.track_id] == row for row in few)

    def test_another_seed_is_another_catalogue(self):
        first, second = (sample_tracks(seed=s, styles=8, artists=5, tracks=4) for s in (1, 2))
        pairs = list(zip(first, second, strict=True))
        assert sum(a.title == b.title for a, b in pairs) < 8
        assert sum(a.artist_name == b.artist_name for a, b in pairs) < 16


class TestRuns:
    def test_the_number_of_workers_changes_no_byte(self, tmp_path):
        for workers in (1, 2):
            generate_sample(tmp_path / str(workers), **{**SMALL, "workers": workers})
        assert contents(tmp_path / "1") == contents(tmp_path / "2")

    def test_a_complete_sample_is_not_touched(self, tmp_path):
        generate_sample(tmp_path, **SMALL)
        before, calls = written(tmp_path), []
        files = generate_sample(tmp_path, **SMALL, progress=lambda *call: calls.append(call))
        assert files.tracks == tmp_path / "tracks.csv"
        assert written(tmp_path) == before
        assert calls == []

    def test_progress_counts_up_to_all(self, tmp_path):
        calls = []
        generate_sample(tmp_path, **SMALL, progress=lambda *call: calls.append(call))
        titles = {row.title for row in sample_tracks(seed=7, styles=2, artists=1, tracks=2)}
        assert [call[:2] for call in calls] == [(1, 4), (2, 4), (3, 4), (4, 4)]
        assert {call[2] for call in calls} == titles

    def test_an_interrupted_run_is_completed(self, tmp_path):
        def stop(done, total, what):
            if done == 2:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            generate_sample(tmp_path / "a", **SMALL, progress=stop)
        assert not (tmp_path / "a" / "tracks.csv").exists()
        before = written(tmp_path / "a" / "audio")
        assert len(before) == 2
        generate_sample(tmp_path / "a", **SMALL)
        assert before.items() <= written(tmp_path / "a" / "audio").items()
        generate_sample(tmp_path / "b", **SMALL)
        assert contents(tmp_path / "a") == contents(tmp_path / "b")

    def test_a_missing_file_is_made_again(self, tmp_path):
        generate_sample(tmp_path, **SMALL)
        before = contents(tmp_path)
        (tmp_path / "audio" / "sample-ambient-01-2.mp3").unlink()
        generate_sample(tmp_path, **SMALL)
        assert contents(tmp_path) == before

    def test_a_larger_sample_keeps_what_is_there_and_a_smaller_one_tidies_up(self, tmp_path):
        generate_sample(tmp_path, **SMALL)
        before = written(tmp_path / "audio")
        generate_sample(tmp_path, **{**SMALL, "tracks": 3})
        assert len(written(tmp_path / "audio")) == 6
        assert before.items() <= written(tmp_path / "audio").items()
        generate_sample(tmp_path, **{**SMALL, "styles": 1})
        assert set(written(tmp_path / "audio")) == {
            "sample-ambient-01-1.mp3",
            "sample-ambient-01-2.mp3",
        }

    def test_another_seed_replaces_every_sound(self, tmp_path):
        generate_sample(tmp_path, **SMALL)
        before = contents(tmp_path)
        generate_sample(tmp_path, **SMALL, seed=8)
        after = contents(tmp_path)
        assert set(before) == set(after)
        assert all(before[name] != after[name] for name in before)

    def test_sounds_of_an_interrupted_clean_up_are_not_kept(self, tmp_path):
        generate_sample(tmp_path, **SMALL)
        stale = tmp_path / "audio" / "sample-techno-01-1.mp3"
        whole = stale.read_bytes()
        stale.write_bytes(b"another sample's")
        state = json.dumps({"parameters": None, "complete": False})
        (tmp_path / "sample.json").write_text(state)
        generate_sample(tmp_path, **SMALL)
        assert stale.read_bytes() == whole

    def test_foreign_directories_are_refused(self, tmp_path):
        (tmp_path / "tracks.csv").write_text("track_id\na\n")
        with pytest.raises(DataError, match=r"holds a tracks\.csv that is not the sample's"):
            generate_sample(tmp_path, **SMALL)
        assert (tmp_path / "tracks.csv").read_text() == "track_id\na\n"

    @pytest.mark.parametrize("text", ["{", "[]", '{"parameters": 3}'])
    def test_a_broken_state_is_reported(self, tmp_path, text):
        (tmp_path / "sample.json").write_text(text)
        with pytest.raises(DataError, match=r"sample\.json cannot be read"):
            generate_sample(tmp_path, **SMALL)

    def test_a_file_in_the_way_is_reported(self, tmp_path):
        (tmp_path / "file").write_text("")
        with pytest.raises(DataError, match=r"cannot be written to .*file"):
            generate_sample(tmp_path / "file", **SMALL)

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("seed", -1),
            ("seed", True),
            ("styles", 0),
            ("styles", 13),
            ("artists", 100),
            ("tracks", 100),
            ("tracks", 1.5),
            ("seconds", 0.5),
            ("seconds", float("nan")),
            ("users", 0),
            ("workers", 0),
        ],
    )
    def test_parameters_out_of_range_are_named(self, tmp_path, name, value):
        with pytest.raises(ParameterError, match=f"`{name}` must be .* Received: "):
            generate_sample(tmp_path / "new", **{**SMALL, name: value})
        assert not (tmp_path / "new").exists()

    def test_a_dying_worker_is_reported(self, tmp_path):
        row = sample_tracks(seed=7, styles=1, artists=1, tracks=1)[0]
        jobs = [_Deadly(row, 7, 1.0, tmp_path / f"{i}.mp3") for i in range(2)]
        with pytest.raises(SegueError, match="run it again"):
            list(_finished(jobs, 2))


class _Deadly(TrackJob):
    """A job that ends the process which receives it."""

    track: SampleTrack

    def __reduce__(self):
        return os._exit, (1,)
