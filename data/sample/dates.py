"""The sample's own calendar: fixed, so that nothing depends on the day of generation."""

from __future__ import annotations

from datetime import UTC, date, datetime

LISTENING_FROM = datetime(2024, 1, 1, tzinfo=UTC)
"""The first moment of which there are listens."""

LISTENING_TO = datetime(2025, 1, 1, tzinfo=UTC)
"""The moment after the last one."""

RELEASES_FROM = date(2012, 1, 1)
"""No album of the sample is older."""
