"""Reasons in words: one sentence that a product can show beside a track."""

from __future__ import annotations

from collections.abc import Sequence

from engine.exploring import EXPLORE
from ranker.explain import Reason

_OF = {
    "sound": ("Sounds like {}, which you play.", "Sounds like what you play."),
    "behaviour": ("Played by people who play {}, as you do.", "Played by people with your taste."),
    "popularity": ("Popular with many listeners.", "Popular with many listeners."),
}
_NAMED = 2  # tracks that a sentence names: more are a list


def sentence_of(reason: Reason, titles: Sequence[str]) -> str:
    """Say why a track was recommended.

    Parameters
    ----------
    reason : Reason
    titles : sequence of str
        Of the tracks that led to it, the strongest first.

    Returns
    -------
    str
        By the signal that weighed most; of a track that a rule brought in, or that is explored,
        by that.
    """
    if reason.rule == EXPLORE:
        return "New, and hardly played yet: something to discover."
    shares = {
        "behaviour": reason.behaviour,
        "sound": reason.sound,
        "popularity": reason.popularity,
    }
    signal, share = max(shares.items(), key=lambda told: told[1])
    if share == 0:
        return "Selected for you." if reason.rule else "One of the tracks that are left."
    named, plain = _OF[signal]
    return named.format(" and ".join(titles[:_NAMED])) if titles else plain
