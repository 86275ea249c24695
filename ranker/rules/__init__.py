"""Declarative rules: what may be answered, and where it stands; see `docs/rules.md`."""

from ranker.rules.base import RuleBase
from ranker.rules.cap import cap_artists
from ranker.rules.kinds import (
    KINDS,
    AnyRule,
    ArtistCap,
    Boost,
    Bury,
    Filter,
    Pin,
    Quota,
    Rule,
    Rules,
    Spacing,
)
from ranker.rules.lists import ListFiles, TrackLists, check_lists
from ranker.rules.outcome import Outcome, afterwards, judged_anew, outcomes_of
from ranker.rules.ruled import Origin, Ruled
from ranker.rules.ruling import Plan, Ruling
from ranker.rules.table import TrackTable
from ranker.rules.trace import Move, Trace, moved_by
from ranker.rules.where import Conditions, Where

__all__ = [
    "KINDS",
    "AnyRule",
    "ArtistCap",
    "Boost",
    "Bury",
    "Conditions",
    "Filter",
    "ListFiles",
    "Move",
    "Origin",
    "Outcome",
    "Pin",
    "Plan",
    "Quota",
    "Rule",
    "RuleBase",
    "Ruled",
    "Rules",
    "Ruling",
    "Spacing",
    "Trace",
    "TrackLists",
    "TrackTable",
    "Where",
    "afterwards",
    "cap_artists",
    "check_lists",
    "judged_anew",
    "moved_by",
    "outcomes_of",
]
