"""The gate between a written bundle and its publication.

::

    faults      it is broken, whatever it replaces
    shrinkage   it lacks most of what the current bundle knows
    compare     in some slice of users and tracks, its recipe is significantly worse than that of
                the current bundle -> Comparison
"""

from engine.gate.faults import faults
from engine.gate.making import keeping_factors
from engine.gate.shrinkage import shrinkage
from engine.gate.slices import Comparison, Loss, compare

__all__ = ["Comparison", "Loss", "compare", "faults", "keeping_factors", "shrinkage"]
