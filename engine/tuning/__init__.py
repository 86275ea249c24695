"""The search over settings of ALS: found on a validation part, kept in the home, used again.

::

    plays -> Validation (what a trial is scored on)
             Space      (what may be tried)         -> search -> Tuning -> CFConfig
             Plan       (what is tried next, and when to stop)
"""

from engine.tuning.outcome import Tuning
from engine.tuning.plan import Limits, Plan, Stop
from engine.tuning.search import search
from engine.tuning.space import SEARCHED, Space
from engine.tuning.stored import Tuned, Wish, tune, tuned_config
from engine.tuning.trials import Trial, TrialLog
from engine.tuning.validation import Validation
from engine.tuning.yardsticks import choose_models

__all__ = [
    "SEARCHED",
    "Limits",
    "Plan",
    "Space",
    "Stop",
    "Trial",
    "TrialLog",
    "Tuned",
    "Tuning",
    "Validation",
    "Wish",
    "choose_models",
    "search",
    "tune",
    "tuned_config",
]
