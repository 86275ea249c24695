"""The rules of the settings and of requests, on one bundle."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import blake2b

import numpy as np

from engine.bundle import BundleContents
from engine.request import Scope
from ranker.candidates import BoolArray
from ranker.rules import (
    AnyRule,
    ArtistCap,
    ListFiles,
    Origin,
    Outcome,
    Ruled,
    Ruling,
    TrackLists,
    TrackTable,
    Where,
)


class Rulebook:
    """Which rules are in force for a request, and what they mean for one bundle.

    Parameters
    ----------
    rules : sequence of rules
        Of the settings.
    contents : BundleContents
        Of the bundle.
    files : ListFiles, optional
        The lists that rules name, shared with other bundles.

    Raises
    ------
    ParameterError
        If a file of track ids that a rule names cannot be read.

    Notes
    -----
    The selector of a rule is turned into a mask over the catalogue once; a request looks it up.
    """

    def __init__(
        self,
        rules: Sequence[AnyRule],
        contents: BundleContents,
        *,
        files: ListFiles | None = None,
    ) -> None:
        self._rules = tuple(rules)
        self._table = TrackTable(contents.catalog, np.asarray(contents.plays > 0))
        self._lists = TrackLists(contents.catalog.tracks, files)
        self._digests = {rule.name: rule.model_dump_json() for rule in self._rules}
        # Kept for good; those of requests are kept as long as they are among the last ones.
        selectors = [rule.where for rule in self._rules if rule.where is not None]
        self._masks = {where: self._table.mask(where) for where in selectors}
        for where in self._masks:
            self._matching(where)

    def ruling(self, scope: Scope | None, *, artist_cap: int | None = None) -> Ruling:
        """Return the rules in force.

        Parameters
        ----------
        scope : Scope or None
            Where and when, and the rules of the request, which come behind those of the settings;
            None for no rules but the cap.
        artist_cap : int, optional
            The plain cap that the request or the settings of the ranker name. It counts as the
            first of all caps.
        """
        rules = []
        if artist_cap is not None:
            plain = ArtistCap(kind="artist_cap", name="artist_cap", most=artist_cap)
            rules.append(Ruled(plain, None, "request"))
        for origin, rule in self._split(scope)[0]:
            matching = None if rule.where is None else self._matching(rule.where)
            rules.append(Ruled(rule, matching, origin))
        return Ruling(rules, self._table)

    def idle(self, scope: Scope | None) -> tuple[Outcome, ...]:
        """Return the rules that are not in force: of another placement, or another time."""
        return tuple(
            Outcome(rule.name, rule.kind, origin, in_force=False)
            for origin, rule in self._split(scope)[1]
        )

    def state(self, scope: Scope) -> str:
        """Return a digest of the rules in force, and of the files that they read.

        Answers of one bundle, user and query differ only where this differs. It is empty where
        no rule is in force.
        """
        parts = []
        for origin, rule in self._split(scope)[0]:
            known = origin == "settings"
            parts.append(self._digests[rule.name] if known else rule.model_dump_json())
            files = () if rule.where is None else rule.where.files
            parts += [self._lists.get(path).digest for path in files]
        return blake2b("\0".join(parts).encode(), digest_size=8).hexdigest() if parts else ""

    def _split(self, scope: Scope | None) -> tuple[list[tuple[Origin, AnyRule]], ...]:
        """Return the rules that are in force, and those that are not."""
        both: tuple[list[tuple[Origin, AnyRule]], ...] = ([], [])
        if scope is None:
            return both
        at = datetime.now(UTC) if scope.at is None else scope.at
        origins: tuple[tuple[Origin, tuple[AnyRule, ...]], ...] = (
            ("settings", self._rules),
            ("request", scope.rules),
        )
        for origin, rules in origins:
            for rule in rules:
                both[not rule.in_force(scope.placement, at)].append((origin, rule))
        return both

    def _matching(self, where: Where) -> BoolArray:
        found = self._masks.get(where)
        mask = self._table.mask(where) if found is None else found
        if where.listed is not None:
            mask = mask & self._lists.get(where.listed).mask
        if where.not_ is not None and where.not_.listed is not None:
            mask = mask & ~self._lists.get(where.not_.listed).mask
        return mask
