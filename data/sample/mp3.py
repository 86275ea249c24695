"""One track of the sample: composed, played, encoded, tagged, written."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile as sf

from data.files import atomic_path
from data.sample.artists import make_artist
from data.sample.catalogue import SampleTrack
from data.sample.compose import Score, compose
from data.sample.id3 import id3_tag
from data.sample.render import SR, render
from data.sample.styles import STYLES

_QUALITY = 0.5  # of LAME's variable bit rate, 0 best to 1 smallest: about 75 kbit/s here


@dataclass(frozen=True)
class TrackJob:
    """What a worker process needs to make one track.

    Attributes
    ----------
    track : SampleTrack
    seed : int
    seconds : float
    path : Path
    """

    track: SampleTrack
    seed: int
    seconds: float
    path: Path


def sample_score(track: SampleTrack, *, seed: int, seconds: float) -> Score:
    """Return the composition of a track of the sample."""
    artist = make_artist(seed, STYLES[track.style], track.artist)
    return compose(artist, seed=seed, track=track.track, seconds=seconds)


def sample_audio(track: SampleTrack, *, seed: int, seconds: float) -> npt.NDArray[np.float32]:
    """Return the sound of a track, shape (samples, 2), at `render.SR`."""
    return render(sample_score(track, seed=seed, seconds=seconds))


def encode_mp3(audio: npt.NDArray[np.float32]) -> bytes:
    """Return sound of shape (samples, channels) at `render.SR` as MPEG layer III frames."""
    buffer = io.BytesIO()
    sf.write(
        buffer,
        audio,
        SR,
        format="MP3",
        subtype="MPEG_LAYER_III",
        bitrate_mode="VARIABLE",
        compression_level=_QUALITY,
    )
    return buffer.getvalue()


def make_track(job: TrackJob) -> None:
    """Write the MP3 of one track, whole or not at all."""
    track = job.track
    tag = id3_tag(
        {
            "TIT2": track.title,
            "TPE1": track.artist_name,
            "TALB": track.album,
            "TCON": track.genre,
            "TRCK": str(track.track + 1),
            "TDRC": track.released_at,
            "TCOP": "CC0-1.0",
        }
    )
    frames = encode_mp3(sample_audio(track, seed=job.seed, seconds=job.seconds))
    with atomic_path(job.path) as temporary:
        temporary.write_bytes(tag + frames)
