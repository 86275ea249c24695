"""What a user's plays sound like: several centres of taste, weighted by count and recency.

::

    embeddings -> SoundSpace -> SoundIndex -----------------------+
    History -> play_weights, SoundSpace -> TasteCentres -> taste_scores

Why several centres, why whitened, and what each is worth: `docs/behaviour.md`.
"""

from engine.taste.centres import TasteCentres, centres_of, play_weights, taste_centres
from engine.taste.config import TasteConfig
from engine.taste.index import SoundIndex
from engine.taste.scoring import taste_scores
from engine.taste.space import SoundSpace
from engine.taste.system import TasteSystem, histories_of

__all__ = [
    "SoundIndex",
    "SoundSpace",
    "TasteCentres",
    "TasteConfig",
    "TasteSystem",
    "centres_of",
    "histories_of",
    "play_weights",
    "taste_centres",
    "taste_scores",
]
