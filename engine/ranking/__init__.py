"""Learning to rank: from plays to a ranker that is published only where it wins.

::

    plays -> Holdout   what models may see, and what is asked of them
          -> Signals   fitted on the earlier part alone: with the Holdout, a Trial
          -> Answers   candidates, features and listens of every question
          -> LambdaMART, trained on some users, stopped on others
          -> Verdict   against rank fusion and each signal alone, on users of neither
"""

from engine.ranking.answers import Answers, collect
from engine.ranking.holdout import Holdout, Question, make_holdout
from engine.ranking.training import Learnt, learn_ranker
from engine.ranking.trial import Recipe, Trial, fit_signals
from engine.ranking.verdict import SLICES, Verdict, judge

__all__ = [
    "SLICES",
    "Answers",
    "Holdout",
    "Learnt",
    "Question",
    "Recipe",
    "Trial",
    "Verdict",
    "collect",
    "fit_signals",
    "judge",
    "learn_ranker",
    "make_holdout",
]
