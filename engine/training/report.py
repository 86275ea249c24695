"""What a training begins with, whom it tells, and what it did."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.training.sound import Progress
from engine.tuning import Wish


@dataclass
class TrainingReport:
    """What a training did.

    Attributes
    ----------
    bundle : str
        Id of the new bundle.
    published : bool
        Whether it is the current one now.
    refused : list of str
        Why the gate refused it, one clause a reason.
    broken : bool
        Whether it can serve nobody; else it may be published by hand.
    gate : dict or None
        How it compares with the bundle that it replaces, see `engine.gate.Comparison.document`;
        None where there is none to compare with.
    tracks, users, plays : int
        Size of what it learnt from.
    acoustic : str
        "imported", "encoder" or "none".
    duplicates : int
        Tracks that are the same recording as another one that stands for it.
    bad_files : list of (track_id, path, reason)
        Sound files that were skipped.
    ranker : dict or None
        What the learned ranker is worth, see `Verdict.document`; None where none was trained.
    unranked : str
        Why rank fusion blends; empty where the learned ranker does.
    tuning : dict or None
        The search that found the settings of ALS, if one did; see `Tuning.summary`.
    seconds : dict of str to float
        Time of each stage.
    """

    bundle: str = ""
    published: bool = False
    refused: list[str] = field(default_factory=list)
    broken: bool = False
    gate: dict[str, Any] | None = None
    tracks: int = 0
    users: int = 0
    plays: int = 0
    acoustic: str = "none"
    duplicates: int = 0
    bad_files: list[tuple[str, Path, str]] = field(default_factory=list)
    ranker: dict[str, Any] | None = None
    unranked: str = ""
    tuning: dict[str, Any] | None = None
    seconds: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Listeners:
    """Who is told what, while a training runs."""

    progress: Progress | None = None
    on_bad_file: Callable[[str, Path, str], None] | None = None
    say: Callable[[str], None] = lambda _: None


@dataclass(frozen=True)
class Start:
    """What a training begins with.

    Attributes
    ----------
    from_scratch : bool
        Whether a new encoder starts from initial weights rather than from the pretrained ones.
    encoder : Path, optional
        Directory of the encoder that a new one starts from, in the place of the pretrained one.
    warm : bool
        Whether ALS goes on from the factors of the current bundle, with its settings.
    wish : Wish, optional
        How to choose the settings of ALS that were not set; without one they are as they are.
    """

    from_scratch: bool = False
    encoder: Path | None = None
    warm: bool = False
    wish: Wish | None = None
