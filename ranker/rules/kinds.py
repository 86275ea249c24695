"""The kinds of rules, as they are written in TOML or sent with a request."""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from ranker.rules.base import MAX_PLACES, Places, RuleBase, Share
from ranker.rules.where import Ids, Where

_ONE_OF = "needs one of `factor` and `places`, and not both"


class Filter(RuleBase):
    """Takes tracks out of what may be answered."""

    kind: Literal["filter"]
    where: Where = Field(description="Which tracks.")
    action: Literal["remove", "keep"] = Field(
        "remove", description="`remove` those, or `keep` only those."
    )


class Boost(RuleBase):
    """Moves tracks up."""

    kind: Literal["boost"]
    where: Where = Field(description="Which tracks.")
    factor: float | None = Field(
        None, gt=1, le=1_000, description="Their scores are multiplied by it (divided below 0)."
    )
    places: Places | None = Field(None, description="They move up by so many places.")

    @model_validator(mode="after")
    def _says_how_far(self) -> Boost:
        if (self.factor is None) == (self.places is None):
            raise ValueError(_ONE_OF)
        return self


class Bury(RuleBase):
    """Moves tracks down."""

    kind: Literal["bury"]
    where: Where = Field(description="Which tracks.")
    factor: float | None = Field(
        None, gt=1, le=1_000, description="Their scores are divided by it (multiplied below 0)."
    )
    places: Places | None = Field(None, description="They move down by so many places.")

    @model_validator(mode="after")
    def _says_how_far(self) -> Bury:
        if (self.factor is None) == (self.places is None):
            raise ValueError(_ONE_OF)
        return self


class Pin(RuleBase):
    """Puts tracks at a position."""

    kind: Literal["pin"]
    track: Ids = Field(description="Track ids; the eligible ones stand one behind the other.")
    position: Places = Field(1, description="Where the first of them stands, from 1.")

    @cached_property
    def where(self) -> Where:
        """The selector of its tracks."""
        return Where(track=self.track)


class Quota(RuleBase):
    """Holds how many of the first items match between limits."""

    kind: Literal["quota"]
    where: Where = Field(description="Which tracks.")
    at_least: int | None = Field(None, ge=1, le=MAX_PLACES, description="So many or more.")
    at_most: int | None = Field(None, ge=0, le=MAX_PLACES, description="So many or fewer.")
    at_least_share: Share | None = Field(
        None, description="This share of the first or more, rounded up to whole tracks."
    )
    at_most_share: Share | None = Field(
        None, description="This share of the first or fewer, rounded down to whole tracks."
    )
    first: Places | None = Field(None, description="Of so many items; by default of all.")

    @model_validator(mode="after")
    def _has_limits_that_can_hold(self) -> Quota:
        low, high = (self.at_least, self.at_least_share), (self.at_most, self.at_most_share)
        if low == high == (None, None):
            raise ValueError("needs a limit, such as `at_least` or `at_most_share`")
        if None not in low or None not in high:
            raise ValueError("takes a number or a share for each limit, and not both")
        for least, most in zip(low, high, strict=True):
            if least is not None and most is not None and least > most:
                raise ValueError("must have an `at_least` that is no higher than its `at_most`")
        if self.first is not None and (self.at_least or 0) > self.first:
            raise ValueError("must have an `at_least` that is no higher than its `first`")
        return self


class ArtistCap(RuleBase):
    """Holds how many tracks of one artist an answer has."""

    kind: Literal["artist_cap"]
    most: int = Field(ge=1, le=MAX_PLACES, description="At most so many tracks an artist.")
    where: Where | None = Field(None, description="Which tracks count; by default all.")
    first: Places | None = Field(None, description="Of so many items; by default of all.")


class Spacing(RuleBase):
    """Keeps tracks of one artist apart."""

    kind: Literal["spacing"]
    places: int = Field(ge=1, le=100, description="At least so many others between two of them.")
    where: Where | None = Field(None, description="Which tracks count; by default all.")


AnyRule = Filter | Boost | Bury | Pin | Quota | ArtistCap | Spacing
Rule = Annotated[AnyRule, Field(discriminator="kind")]

KINDS: dict[str, type[RuleBase]] = {
    "filter": Filter,
    "boost": Boost,
    "bury": Bury,
    "pin": Pin,
    "quota": Quota,
    "artist_cap": ArtistCap,
    "spacing": Spacing,
}
"""The kinds by name, in the order in which they are applied."""


RESERVED = ("artist_cap", "diversity", "explore")
"""What reasons call the plain cap, the variety and the exploration that a request or the settings
ask for."""


def _named(rules: tuple[AnyRule, ...]) -> tuple[AnyRule, ...]:
    """Give each rule without a name its kind and number."""
    named = tuple(
        rule if rule.name else rule.model_copy(update={"name": f"{rule.kind}-{number}"})
        for number, rule in enumerate(rules, start=1)
    )
    names = [rule.name for rule in named]
    taken = next((name for name in names if name in RESERVED), None)
    if taken is not None:
        raise ValueError(f"must have names of their own, and {taken!r} is taken")
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ValueError(f"must have names of their own, but two are {twice!r}")
    return named


Rules = Annotated[tuple[Rule, ...], AfterValidator(_named)]
"""Rules in the order in which they are written, each with a name of its own."""
