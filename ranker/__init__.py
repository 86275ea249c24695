"""The blend: candidates of both signals, merged and ordered."""

from ranker.candidates import (
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
from ranker.explain import Reason, explain, fused_shares
from ranker.fusion import ReciprocalRankFusion
from ranker.rules import cap_artists

__all__ = [
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
    "fused_shares",
    "merge",
    "mmr",
    "top_n",
]
