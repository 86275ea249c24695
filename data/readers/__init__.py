"""Tracks, listens and embeddings in and out of files.

::

    file -> blocks -> delimited | jsonlines | parquet -> Chunk (text columns, row numbers)
         -> tracks | listens | embeddings              -> checked frames; bad rows set aside
                     listens -> plays                  -> Interactions, Feedback
"""

from data.readers.embeddings import read_embeddings
from data.readers.listens import read_listens
from data.readers.plays import read_feedback, read_interactions
from data.readers.rejects import RejectSink
from data.readers.tracks import read_tracks
from data.readers.writers import (
    write_embeddings,
    write_listens,
    write_recommendations,
    write_tracks,
)

__all__ = [
    "RejectSink",
    "read_embeddings",
    "read_feedback",
    "read_interactions",
    "read_listens",
    "read_tracks",
    "write_embeddings",
    "write_listens",
    "write_recommendations",
    "write_tracks",
]
