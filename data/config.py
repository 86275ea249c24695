"""Settings of `data/`."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field


class DataConfig(BaseModel):
    """Where tracks and events are kept."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    database_url: str | None = Field(
        default=None,
        description=(
            "Database of tracks, events and embeddings: `sqlite:///ABSOLUTE/PATH` or "
            "`postgresql://USER:PASSWORD@HOST/NAME`. By default the file `segue.db` in the home."
        ),
        repr=False,  # it may hold a password
    )

    def url(self, home: Path) -> str:
        """Return the URL to open, given the home directory."""
        return self.database_url or f"sqlite:///{home.resolve() / 'segue.db'}"
