"""What a search found, as it is kept in the home."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from cf_model import CFConfig
from data.files import write_atomically
from engine.tuning.trials import Params, Trial, best_of
from engine.tuning.validation import MEASURE


class Tuning(BaseModel):
    """A finished search.

    Attributes
    ----------
    format : int
        Version of this file.
    fingerprint : str
        Of the plays and the space; see `stored`.
    created_at : datetime
        When it ended, UTC.
    protocol : str
        How the validation part was held out.
    users, pairs : int
        Users of the validation part; pairs of user and track that trials learnt from.
    fixed : dict
        Settings that were given, and so not searched.
    seconds : float
        Time of the trials of the last search.
    stopped : str
        Why it ended.
    trials : tuple of Trial
        All trials, those of earlier searches of the same plays too; the first is that of the
        settings as they are.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = 1
    fingerprint: str
    created_at: datetime = Field(default_factory=lambda: datetime.now(UTC))
    protocol: str
    users: int
    pairs: int
    fixed: Params
    seconds: float
    stopped: str
    trials: tuple[Trial, ...] = Field(min_length=1)

    @property
    def first(self) -> Trial:
        """The trial of the settings as they are."""
        return self.trials[0]

    @property
    def winner(self) -> Trial:
        """The trial of the best mean; of equal ones, and where none has a value, the first."""
        at = best_of(self.trials)
        return self.first if at is None else self.trials[at]

    def config(self, base: CFConfig) -> CFConfig:
        """Return settings with the winner's values, but for those that were given."""
        free = {n: v for n, v in self.winner.params.items() if n not in base.model_fields_set}
        return CFConfig.model_validate({**base.model_dump(), **free})

    def summary(self) -> dict[str, Any]:
        """Return how the settings were found, JSON-able: for the manifest of a bundle."""
        return {
            "found_at": self.created_at.isoformat(timespec="seconds"),
            "measure": MEASURE,
            "protocol": self.protocol,
            "users": self.users,
            "pairs": self.pairs,
            "trials": len(self.trials),
            "seconds": round(self.seconds, 1),
            "stopped": self.stopped,
            "default": self.first.value,
            "winner": self.winner.value,
            "gain_at_least": self.winner.low,
            "fixed": self.fixed,
            "params": self.winner.params,
        }

    def save(self, path: Path) -> None:
        """Write it as JSON, in one step."""
        write_atomically(path, self.model_dump_json(indent=1, exclude_defaults=True).encode())

    @classmethod
    def load(cls, path: Path) -> Tuning | None:
        """Read what `save` wrote; None where there is none, or none that this version can use."""
        try:
            found = cls.model_validate_json(path.read_text("utf-8"))
            found.config(CFConfig())
        except (OSError, UnicodeDecodeError, ValidationError):
            return None
        return found
