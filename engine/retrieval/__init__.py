"""One retriever a signal: each proposes tracks from what it alone knows.

::

    behaviour.py   cf          factors of ALS, the user folded in from the full history
                   neighbours  tracks that the listeners of the user's tracks play, too
                   cold        tracks that nobody has played, by the factor their sound predicts
    sound.py       audio       tracks near the user's centres of taste in sound
                   seeds       tracks near what the user played last, or seeds of a request
    everyone.py    popular     tracks of most listeners
                   trending    tracks of more recent listeners than their share
                   new         tracks released last
"""

from engine.retrieval.behaviour import CFRetriever, ColdRetriever, NeighbourRetriever
from engine.retrieval.everyone import NewRetriever, PopularRetriever, TrendingRetriever
from engine.retrieval.sound import AudioRetriever, SeedRetriever

__all__ = [
    "AudioRetriever",
    "CFRetriever",
    "ColdRetriever",
    "NeighbourRetriever",
    "NewRetriever",
    "PopularRetriever",
    "SeedRetriever",
    "TrendingRetriever",
]
