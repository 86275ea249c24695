"""Who answers a request: the settings as they are, one variant, or two in one answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from engine.experiments.assignment import assign, experiment_for
from engine.experiments.config import Experiment
from engine.exploring import generator_of
from engine.recommender import Recommender
from engine.request import Answer, Item, Request
from ranker.candidates import Candidates
from ranker.config import RankerConfig
from ranker.interleave import team_draft
from ranker.learned import LearnedRanker
from ranker.rules import afterwards, judged_anew

_DRAFT = "interleave"
"""The name of what drafts one answer from two rankings."""

_COINS = "\0coins"  # behind the user's id: other chances than those of exploration


@dataclass(frozen=True, eq=False)
class Arm:
    """What answers the requests of some users.

    Attributes
    ----------
    recommenders : mapping of str to Recommender
        One, or two whose answers are interleaved, by the name of their variant.
    experiment : str or None
    variant : str or None
        None where there is no experiment, or two variants share the answer.
    key : tuple of str
        What tells its answers from those of others; empty without an experiment.
    """

    recommenders: Mapping[str, Recommender]
    experiment: str | None = None
    variant: str | None = None
    key: tuple[str, ...] = ()

    def explores(self, strategy: str, explore: float | None) -> float:
        """Return the share of the slots that such a request explores, the larger one of two."""
        return max(r.explores(strategy, explore) for r in self.recommenders.values())

    def recommend(self, request: Request) -> Answer:
        """Answer a request; see `Recommender.recommend`."""
        answers = {name: r.recommend(request) for name, r in self.recommenders.items()}
        if len(answers) == 1:
            return next(iter(answers.values()))
        return self._interleaved(answers, request)

    def _interleaved(self, answers: Mapping[str, Answer], request: Request) -> Answer:
        recommender = next(iter(self.recommenders.values()))
        rng = generator_of(recommender.bundle.id, request.subject + _COINS, request.history)
        names, found = list(answers), list(answers.values())
        first, second = (np.array([i.track for i in a.items], np.int32) for a in found)
        ruling = recommender.rulebook.ruling(request.scope, artist_cap=self._cap(request))
        # What a rule keeps out of its place must have a successor.
        n = 2 * request.n if ruling.seats else request.n
        draft = team_draft(first, second, n=n, rng=rng)
        drafted = Candidates(_DRAFT, draft.tracks, np.zeros(draft.tracks.size, np.float32))
        tracks = ruling.seat(drafted, request.n).tracks
        items = [{item.track: item for item in answer.items} for answer in found]
        teams = dict(zip(draft.tracks.tolist(), draft.teams.tolist(), strict=True))
        chosen = tuple(_of_team(items[teams[t]][t], names[teams[t]]) for t in tracks.tolist())
        rules = found[0].rules
        if rules is not None:
            rules = (*judged_anew(rules, ruling, tracks), afterwards(_DRAFT, first, tracks))
        return Answer(chosen, found[0].fallback, rules)

    def _cap(self, request: Request) -> int | None:
        """Return the plain artist cap that holds for both rankings together.

        Of two variants with caps of their own, each has its own only.
        """
        if request.artist_cap is not None:
            return request.artist_cap
        caps = {r.config.artist_cap for r in self.recommenders.values()}
        return caps.pop() if len(caps) == 1 else None


def _of_team(item: Item, team: str) -> Item:
    # Which slot it gets is up to the coins, and the other ranking: nobody knows how probably.
    return replace(item, team=team, propensity=None)


class Arms:
    """All that may answer from one bundle: made once, with the bundle.

    Parameters
    ----------
    plain : Recommender
        With the settings as they are.
    base : RankerConfig
        Those settings.
    experiments : sequence of Experiment
    """

    def __init__(
        self,
        plain: Recommender,
        base: RankerConfig,
        experiments: Sequence[Experiment],
    ) -> None:
        self._experiments = tuple(experiments)
        self.plain = Arm({"": plain})
        self._arms: dict[tuple[str, str | None], Arm] = {}
        for experiment in experiments:
            made = {v.name: _beside(plain, v.settings(base)) for v in experiment.variants}
            for name, recommenders in _shares(experiment, made).items():
                settings = "|".join(r.config.model_dump_json() for r in recommenders.values())
                key = (experiment.name, name or "", settings)
                self._arms[experiment.name, name] = Arm(recommenders, experiment.name, name, key)

    def of(self, user_id: str | None, placement: str | None) -> Arm:
        """Return who answers a user; nobody known takes part in no experiment."""
        if not self._experiments or user_id is None:
            return self.plain
        experiment = experiment_for(self._experiments, placement)
        if experiment is None:
            return self.plain
        together = experiment.kind == "interleave"
        name = None if together else assign(experiment, user_id).name
        return self._arms[experiment.name, name]


def _beside(plain: Recommender, config: RankerConfig) -> Recommender:
    """Make a recommender of other settings, sharing all that does not depend on them."""
    same = isinstance(plain.ranker, LearnedRanker) and config.blend == plain.config.blend
    blend = plain.ranker if same else None
    return Recommender(
        plain.bundle, config, signals=plain.signals, rules=plain.rulebook, blend=blend
    )


def _shares(
    experiment: Experiment, made: Mapping[str, Recommender]
) -> dict[str | None, dict[str, Recommender]]:
    if experiment.kind == "interleave":
        return {None: dict(made)}
    return {name: {name: recommender} for name, recommender in made.items()}
