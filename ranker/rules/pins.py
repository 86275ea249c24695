"""Which pinned track stands where."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ranker.candidates import BoolArray
from ranker.rules.kinds import Pin
from ranker.rules.ruled import Ruled


@dataclass(frozen=True)
class PinPlan:
    """The places that pins take.

    Attributes
    ----------
    tracks : dict of int to int
        Tracks by their place, from 0.
    faults : dict of (str, str) to list of str
        What each rule could not do, by its `Ruled.key`.
    """

    tracks: dict[int, int]
    faults: dict[tuple[str, str], list[str]]


def plan_pins(
    rules: Sequence[Ruled],
    eligible: BoolArray,
    length: int,
    *,
    index: Callable[[str], int | None],
) -> PinPlan:
    """Give pins their places; of two that want one place, the second takes the next free one.

    Parameters
    ----------
    rules : sequence of Ruled
        The earlier wins; what is no pin is passed over.
    eligible : ndarray of bool, shape (n_tracks,)
        A track that is not eligible is pinned nowhere.
    length : int
        How many places there are.
    index : callable
        Returns the index of a track id, or None.
    """
    plan = PinPlan({}, {})
    for ruled in rules:
        if not isinstance(ruled.rule, Pin):
            continue
        faults = plan.faults.setdefault(ruled.key, [])
        wanted = ruled.rule.position - 1
        for track_id in ruled.rule.track:
            track = index(track_id)
            if track is None:
                faults.append(f"track {track_id!r} is not in the bundle")
            elif not eligible[track] or track in plan.tracks.values():
                why = "is pinned already" if eligible[track] else "is not eligible"
                faults.append(f"track {track_id!r} {why}")
            else:
                place = _free_from(plan, wanted, length)
                faults += _place_faults(track_id, wanted, place, length=length)
                if place is not None:
                    plan.tracks[place] = track
                    wanted = place + 1
    return plan


def _free_from(plan: PinPlan, wanted: int, length: int) -> int | None:
    """Return the first place from the wanted one on that no pin has; None if there is none."""
    return next((place for place in range(wanted, length) if place not in plan.tracks), None)


def _place_faults(track_id: str, wanted: int, place: int | None, *, length: int) -> list[str]:
    if place is None:
        return [f"track {track_id!r} has no place: the answer ends at {length}"]
    if place == wanted:
        return []
    return [f"track {track_id!r} stands at {place + 1}, not at {wanted + 1}: another pin's place"]
