"""The blend: candidates of both signals, merged and ordered."""

from ranker.candidates import (
    Blend,
    CandidatePool,
    Candidates,
    Query,
    Ranker,
    Retriever,
    Scorer,
    merge,
    top_n,
)
from ranker.config import RankerConfig
from ranker.diversity import mmr
from ranker.explain import Reason, explain
from ranker.fusion import ReciprocalRankFusion
from ranker.rules import cap_artists

__all__ = [
    "Blend",
    "CandidatePool",
    "Candidates",
    "Query",
    "Ranker",
    "RankerConfig",
    "Reason",
    "ReciprocalRankFusion",
    "Retriever",
    "Scorer",
    "cap_artists",
    "explain",
    "merge",
    "mmr",
    "top_n",
]
