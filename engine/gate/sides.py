"""The two sides of a comparison, each as it would serve."""

from __future__ import annotations

from dataclasses import dataclass, replace

from engine.blending import blend_of, propose
from engine.gate.making import Making
from engine.ranking.holdout import Question
from engine.signals import Signals
from ranker.candidates import Blend, IntArray, Query
from ranker.config import RankerConfig


@dataclass(frozen=True, eq=False)
class Side:
    """One of two bundles that are compared, as it would serve.

    Attributes
    ----------
    signals : Signals
    blend : Blend
    config : RankerConfig
    """

    signals: Signals
    blend: Blend
    config: RankerConfig

    @classmethod
    def of(cls, signals: Signals, making: Making) -> Side:
        """Blend signals with the ranker of a bundle, or by rank fusion, as it is served.

        The ranker is the one that did not learn from the users by whom it was judged.
        """
        ranker = None if making.ranker is None else making.ranker.as_judged
        contents = replace(signals.contents, ranker=ranker)
        signals = replace(signals, contents=contents)
        return cls(signals, blend_of(signals, making.recipe.ranker), making.recipe.ranker)

    def best(self, question: Question, n: int) -> IntArray:
        """Return the `n` tracks that it answers a question with, best first."""
        mask = question.eligible.copy()
        self.signals.one_of_each.keep_one(mask)
        query = Query(question.history, mask)
        pool = propose(query, self.signals, self.config, blend=self.blend)
        return self.blend.rank(query, pool, n).tracks
