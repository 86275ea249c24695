"""Near-duplicates: the same recording twice, re-encoded or trimmed, found by prints of the sound.

::

    Recordings (prints of all tracks) -> build_index -> RecordingIndex
        -> find_pairs -> group_recordings -> the track that stands for each
        -> look_up (one print) -> the track that is the same recording
"""

from engine.duplicates.find import Pair, find_pairs, look_up
from engine.duplicates.groups import group_recordings
from engine.duplicates.index import RecordingIndex, build_index
from engine.duplicates.known import Duplicates, one_of_each
from engine.duplicates.match import Match
from engine.duplicates.recordings import Recordings

__all__ = [
    "Duplicates",
    "Match",
    "Pair",
    "RecordingIndex",
    "Recordings",
    "build_index",
    "find_pairs",
    "group_recordings",
    "look_up",
    "one_of_each",
]
