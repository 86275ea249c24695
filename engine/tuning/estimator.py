"""The tree-structured Parzen estimator of Optuna, asked for one trial at a time.

Bergstra et al., "Algorithms for Hyper-Parameter Optimization", NIPS 2011: it models where good and
where other trials lie, and proposes what is likely under the first and unlikely under the second.
"""

from __future__ import annotations

from collections.abc import Sequence

import optuna

from engine.tuning.space import Space
from engine.tuning.trials import Params, Trial

_AT_RANDOM = 10  # trials, those from outside included, before the estimator takes over

optuna.logging.set_verbosity(optuna.logging.WARNING)  # else it tells of each study


def ask(space: Space, known: Sequence[Trial], *, seed: int) -> Params:
    """Choose what is likely to be better than most, given the trials within a space.

    Parameters
    ----------
    space : Space
    known : sequence of Trial
    seed : int

    Returns
    -------
    dict
        Numbers have three digits: more of them make no difference, and no good reading.
    """
    sampler = optuna.samplers.TPESampler(n_startup_trials=_AT_RANDOM, seed=seed % 2**32)
    study = optuna.create_study(direction="maximize", sampler=sampler)
    bounds = dict(space.distributions)
    for trial in known:
        if trial.value is not None and space.holds(trial.params):
            study.add_trial(
                optuna.trial.create_trial(
                    params=trial.params, distributions=bounds, value=trial.value
                )
            )
    found = study.ask(bounds).params
    return {n: float(f"{v:.3g}") if isinstance(v, float) else v for n, v in found.items()}
