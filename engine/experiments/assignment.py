"""Who takes part in which experiment, and gets which variant: by a hash, without a memory."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from itertools import accumulate

from engine.experiments.config import Experiment, Variant


def place_of(user_id: str, salt: str) -> float:
    """Return where a user falls on the line from 0 to 1 (not itself 1).

    The same in every process and on every machine; independent of the place under another salt.
    """
    digest = blake2b(f"{salt}\0{user_id}".encode(), digest_size=8).digest()
    return (int.from_bytes(digest, "big") >> 11) / (1 << 53)  # 53 bits: all that a float holds


def assign(experiment: Experiment, user_id: str) -> Variant:
    """Return the variant of a user.

    Variants take consecutive parts of the line from 0 to 1, as long as their weights say. A change
    of weights moves as few users as such parts can.
    """
    place = place_of(user_id, experiment.salt or experiment.name)
    weights = [variant.weight for variant in experiment.variants]
    ends = list(accumulate(weights))
    at = next((n for n, end in enumerate(ends) if place * ends[-1] < end), len(ends) - 1)
    return experiment.variants[at]


def experiment_for(experiments: Sequence[Experiment], placement: str | None) -> Experiment | None:
    """Return the experiment that a request takes part in: the first one of its placement."""
    for experiment in experiments:
        if not experiment.placements or placement in experiment.placements:
            return experiment
    return None
