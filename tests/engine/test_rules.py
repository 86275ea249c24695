"""Rules through the recommender: what may never be answered is not, whatever rules say."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data.catalog import Catalog
from data.history import History
from data.vocabulary import Vocabulary
from engine.bundle import Acoustic, Behaviour, Bundle, BundleContents
from engine.recommender import Recommender
from engine.request import STRATEGIES, Request, Scope
from ranker.config import RankerConfig
from ranker.rules import ArtistCap, Outcome, Quota, Spacing
from ranker.rules.quotas import quota_bounds
from tests.engine.prints import known_duplicates
from tests.ranker.rules.plain import catalogs, matches, parse, rules

WIDTH = 3


@dataclass(frozen=True)
class Case:
    """A recommender, a request, and the rules in force as they were written."""

    recommender: Recommender
    request: Request
    written: list[dict[str, Any]]
    groups: list[int]

    @property
    def catalog(self) -> Catalog:
        return self.recommender.catalog

    @property
    def heard(self) -> list[bool]:
        plays = self.recommender.bundle.contents.plays
        return (plays > 0).tolist()  # type: ignore[no-any-return]

    def about(self, where: dict[str, Any]) -> set[int]:
        size = range(len(self.catalog))
        return {t for t in size if matches(where, t, self.catalog, self.heard)}

    def eligible(self) -> set[int]:
        """Return what may be answered, duplicates of one another included, in plain Python."""
        history = self.request.history
        gone = {*history.hidden.tolist(), *self.request.exclude.tolist()}
        gone |= set(history.tracks.tolist()) if self.request.exclude_seen else set()
        lost = {self.groups[track] for track in gone}
        left = {t for t in range(len(self.catalog)) if self.groups[t] not in lost}
        if self.request.among is not None:
            left &= set(self.request.among.tolist())
        if self.request.genres:
            left &= self.about({"genre": list(self.request.genres)})
        for rule in self.written:
            if rule["kind"] == "filter":
                found = self.about(rule["where"])
                left = left & found if rule["action"] == "keep" else left - found
        return left


def contents_of(draw: st.DrawFn, catalog: Catalog, groups: list[int]) -> BundleContents:
    size = len(catalog)
    rng = np.random.default_rng(draw(st.integers(0, 5)))
    listeners = np.array(draw(st.lists(st.integers(0, 4), min_size=size, max_size=size)))
    embeddings = rng.normal(size=(size, WIDTH)).astype(np.float32)
    embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
    factors = rng.normal(size=(size, WIDTH)).astype(np.float32)
    users = Vocabulary(["u"])
    signals = draw(st.sampled_from(("both", "sound", "behaviour", "none")))
    sound = Acoustic("test", embeddings, np.ones(size, bool))
    behaviour = Behaviour(factors[:1], factors)
    return BundleContents(
        catalog,
        users,
        listeners.astype(np.float32),
        listeners.astype(np.float32) * 2,
        acoustic=sound if signals in ("both", "sound") else None,
        behaviour=behaviour if signals in ("both", "behaviour") else None,
        duplicates=known_duplicates(groups),
    )


@st.composite
def cases(draw: st.DrawFn, bundle: Bundle, *, kinds: tuple[str, ...] | None = None) -> Case:
    catalog = draw(catalogs())
    size = len(catalog)
    # Every track stands for itself, or for the one before it that does.
    groups = list(range(size))
    for track in sorted(draw(st.sets(st.integers(0, size - 1), max_size=6))):
        groups[track] = groups[draw(st.integers(0, track))]
    own = replace(bundle, contents=contents_of(draw, catalog, groups))
    written = draw(st.lists(rules(kinds), max_size=4))
    parsed = parse(*written)
    from_settings = draw(st.integers(0, len(parsed)))
    known = sorted(catalog.genres)
    some = st.sets(st.integers(0, size - 1), max_size=8).map(sorted)
    played = np.array(draw(some), np.int32)
    request = Request(
        History(
            played,
            np.ones(played.size, np.float32),
            np.full(played.size, -1, np.int64),
            np.array(draw(some), np.int32),
        ),
        n=draw(st.integers(1, 25)),
        strategy=draw(st.sampled_from(STRATEGIES)),
        exclude_seen=draw(st.booleans()),
        exclude=np.array(draw(some), np.int32),
        among=draw(st.none() | some.map(lambda tracks: np.array(tracks, np.int32))),
        genres=tuple(draw(st.lists(st.sampled_from(known), max_size=1))) if known else (),
        diversity=draw(st.sampled_from((0.0, 0.5))),
        artist_cap=draw(st.none() | st.integers(1, 2)) if kinds is None else None,
        explain=draw(st.booleans()),
        scope=Scope(rules=parsed[from_settings:]),
        dry_run=True,
    )
    config = RankerConfig(quota=draw(st.sampled_from((1, 3, 200))))
    recommender = Recommender(own, config, rules=parsed[:from_settings])
    return Case(recommender, request, written, groups)


def answered(case: Case) -> tuple[list[int], tuple[Outcome, ...]]:
    answer = case.recommender.recommend(case.request)
    assert answer.rules is not None
    return [item.track for item in answer.items], answer.rules


def expected_pins(case: Case, length: int) -> dict[int, int]:
    """Return the pinned tracks by their place, in plain Python."""
    ids = {case.catalog.tracks.id(t): t for t in range(len(case.catalog))}
    left, places, shown = case.eligible(), {}, set()
    for rule in case.written:
        if rule["kind"] != "pin":
            continue
        place = rule["position"] - 1
        for track in (ids.get(name) for name in rule["track"]):
            if track not in left or case.groups[track] in shown:
                continue
            # It stands for its recording even where it finds no place.
            shown.add(case.groups[track])
            while place in places:
                place += 1
            if place < length:
                places[place] = track
                place += 1
    return places


quick = settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@quick
@given(data=st.data())
def test_no_rule_brings_back_what_is_excluded_or_shortens_an_answer(
    bundle: Bundle, data: st.DataObject
) -> None:
    case = data.draw(cases(bundle))
    got, _ = answered(case)
    eligible = case.eligible()
    assert set(got) <= eligible
    recordings = [case.groups[track] for track in got]
    assert len(set(recordings)) == len(recordings)
    assert len(got) == min(case.request.n, len({case.groups[track] for track in eligible}))


@quick
@given(data=st.data())
def test_pins_stand_at_their_places(bundle: Bundle, data: st.DataObject) -> None:
    case = data.draw(cases(bundle, kinds=("pin", "filter", "artist_cap", "boost", "quota")))
    got, _ = answered(case)
    for place, track in expected_pins(case, len(got)).items():
        assert got[place] == track


@quick
@given(data=st.data())
def test_the_same_request_has_the_same_answer_with_and_without_dry_run(
    bundle: Bundle, data: st.DataObject
) -> None:
    case = data.draw(cases(bundle))
    answer = case.recommender.recommend(case.request)
    assert case.recommender.recommend(case.request) == answer
    plain = case.recommender.recommend(replace(case.request, dry_run=False))
    assert plain.items == answer.items
    assert plain.rules is None
    silent = case.recommender.recommend(replace(case.request, dry_run=False, explain=False))
    assert [(i.track, i.score) for i in silent.items] == [(i.track, i.score) for i in plain.items]


def holds(case: Case, rule: Any, where: dict[str, Any] | None, got: list[int]) -> bool:
    """Say whether an answer holds what a cap, a quota or a spacing asks for."""
    about = set(got) if where is None else case.about(where)
    if isinstance(rule, Quota):
        least, most, first = quota_bounds(rule, len(got))
        count = len(about & set(got[:first]))
        return max(least, rule.at_least or 0) <= count <= most
    artists = [int(case.catalog.artists[t]) if t in about else -1 for t in got]
    if isinstance(rule, ArtistCap):
        counts = Counter(artists[: rule.first])
        return all(count <= rule.most for artist, count in counts.items() if artist >= 0)
    assert isinstance(rule, Spacing)
    pairs = ((a, b) for b in range(len(got)) for a in range(max(0, b - rule.places), b))
    return all(artists[a] < 0 or artists[a] != artists[b] for a, b in pairs)


@quick
@given(data=st.data())
def test_caps_quotas_and_spacing_hold_or_are_told(bundle: Bundle, data: st.DataObject) -> None:
    case = data.draw(cases(bundle))
    got, told = answered(case)
    assert all(outcome.in_force for outcome in told)
    by_name = {(o.origin, o.name): o for o in told}
    parsed = parse(*case.written)
    from_settings = len(parsed) - len(case.request.scope.rules)
    for at, (rule, written) in enumerate(zip(parsed, case.written, strict=True)):
        outcome = by_name["settings" if at < from_settings else "request", rule.name]
        if isinstance(rule, ArtistCap | Quota | Spacing):
            held = holds(case, rule, written.get("where"), got)
            assert held == (not outcome.unfulfilled), outcome.unfulfilled


@quick
@given(data=st.data())
def test_one_rule_alone_holds_wherever_it_can(bundle: Bundle, data: st.DataObject) -> None:
    case = data.draw(cases(bundle, kinds=("quota", "artist_cap")))
    rule, written = data.draw(rules(("quota", "artist_cap")).map(lambda w: (parse(w)[0], w)))
    request = replace(case.request, scope=Scope(rules=(rule,)))
    recommender = Recommender(
        case.recommender.bundle, case.recommender.config, signals=case.recommender.signals
    )
    alone = replace(case, recommender=recommender, request=request, written=[written])
    got, _ = answered(alone)
    left = set(np.flatnonzero(recommender.eligible(request)).tolist())
    about = left & alone.about(written["where"]) if "where" in written else left
    if isinstance(rule, Quota):
        least, most, first = quota_bounds(rule, len(got))
        least = max(least, rule.at_least or 0)
        possible = len(about) >= least and len(left - about) >= first - most
        possible = possible and least <= min(first, most)
    else:
        first = min(len(got), rule.first or len(got))
        artists = Counter(int(recommender.catalog.artists[t]) for t in about)
        unknown = artists.pop(-1, 0)
        room = sum(min(rule.most, count) for count in artists.values()) + unknown
        possible = room + len(left - about) >= first
    assert holds(alone, rule, written.get("where"), got) == possible


@quick
@given(data=st.data())
def test_filters_say_what_they_removed(bundle: Bundle, data: st.DataObject) -> None:
    case = data.draw(cases(bundle, kinds=("filter",)))
    _, told = answered(case)
    without = replace(case, written=[])
    left = without.eligible()
    for written, outcome in zip(case.written, told, strict=True):
        found = case.about(written["where"])
        gone = left - found if written["action"] == "keep" else left & found
        assert outcome.matched == len(found)
        assert outcome.removed == len(gone)
        assert list(outcome.removed_tracks) == sorted(gone)[:20]
        left -= gone


@pytest.fixture
def recommender(bundle: Bundle) -> Recommender:
    return Recommender(bundle, RankerConfig())


def recommend(recommender: Recommender, *written: dict[str, Any], n: int = 4, **more: Any) -> Any:
    history = History(np.array([0, 2], np.int32), np.ones(2, np.float32), np.full(2, -1))
    request = Request(history, n=n, scope=Scope(rules=parse(*written)), **more)
    return recommender.recommend(request)


def tracks(answer: Any) -> list[int]:
    return [item.track for item in answer.items]


def test_a_filter_lets_retrievers_spend_their_quotas_on_what_is_left(bundle: Bundle) -> None:
    narrow = Recommender(bundle, RankerConfig(quota=1))
    plain = recommend(narrow, n=2)
    assert {t % 2 for t in tracks(plain)} == {0}  # loud ones, as this user likes
    quiet = recommend(
        narrow, {"kind": "filter", "where": {"genre": "quiet"}, "action": "keep"}, n=2
    )
    assert {t % 2 for t in tracks(quiet)} == {1}
    assert quiet.items[0].sources != ("popular",)


def test_an_item_names_the_rule_that_moved_it(recommender: Recommender) -> None:
    answer = recommend(recommender, {"kind": "pin", "name": "new", "track": "t11"}, explain=True)
    assert [item.reason.rule for item in answer.items] == ["new", None, None, None]
    assert tracks(answer)[0] == 11
    last = recommend(recommender, {"kind": "pin", "track": "t10"}, strategy="audio", n=2)
    assert [item.sources for item in last.items] == [("pin",), ("audio",)]  # t10 has no sound
    assert last.items[0].score <= last.items[1].score
    capped = recommend(recommender, artist_cap=1, explain=True)
    brought = set(tracks(capped)) - set(tracks(recommend(recommender)))
    assert brought
    assert {i.track for i in capped.items if i.reason.rule == "artist_cap"} == brought
    varied = recommend(recommender, n=3, diversity=1.0, strategy="audio", explain=True)
    assert {i.reason.rule for i in varied.items} == {None, "diversity"}


def test_a_boost_multiplies_scores_and_says_what_it_moved(recommender: Recommender) -> None:
    plain = recommend(recommender)
    last = plain.items[-1]
    name = recommender.catalog.tracks.id(last.track)
    rule = {"kind": "boost", "where": {"track": [name]}, "factor": 100.0}
    answer = recommend(recommender, rule, dry_run=True)
    assert tracks(answer) == [last.track, *tracks(plain)[:-1]]
    assert answer.items[0].score == pytest.approx(100 * last.score)
    (outcome,) = answer.rules
    (move,) = outcome.moves
    assert (move.track, move.before, move.after) == (last.track, 4, 1)


def test_a_pinned_track_stands_for_its_recording(bundle: Bundle) -> None:
    groups = [0, 1, 2, 3, 4, 5, 4, 7, 8, 9, 10, 11]  # 6 is the recording of 4
    contents = replace(bundle.contents, duplicates=known_duplicates(groups))
    recommender = Recommender(replace(bundle, contents=contents), RankerConfig())
    for track in (4, 6):
        pinned = recommend(recommender, {"kind": "pin", "track": f"t{track:02}"}, n=12)
        assert tracks(pinned)[0] == track
        assert len({4, 6} & set(tracks(pinned))) == 1


def test_the_settings_come_before_the_request_and_the_plain_cap_before_both(
    bundle: Bundle,
) -> None:
    own = parse({"kind": "pin", "name": "ours", "track": "t11"})
    recommender = Recommender(bundle, RankerConfig(artist_cap=2), rules=own)
    answer = recommend(
        recommender,
        {"kind": "pin", "name": "theirs", "track": "t09"},
        {"kind": "artist_cap", "most": 1},
        {"kind": "filter", "where": {"heard": False}, "placements": ["elsewhere"]},
        dry_run=True,
    )
    assert tracks(answer)[:2] == [11, 9]
    assert [(o.name, o.origin, o.in_force) for o in answer.rules] == [
        ("ours", "settings", True),
        ("theirs", "request", True),
        ("artist_cap", "request", True),
        ("artist_cap-2", "request", True),
        ("filter-3", "request", False),
    ]
    assert answer.rules[1].unfulfilled == (
        "track 't09' stands at 2, not at 1: another pin's place",
    )


def test_lists_keep_or_remove_together_with_other_conditions(
    bundle: Bundle, tmp_path: Path
) -> None:
    path = tmp_path / "list.txt"
    path.write_text("t04\nt05\nt06\nt07\n")
    recommender = Recommender(bundle, RankerConfig())

    def left(**where: Any) -> list[int]:
        rule = {"kind": "filter", "action": "keep", "where": where}
        return sorted(tracks(recommend(recommender, rule, n=12)))

    assert left(listed=path) == [4, 5, 6, 7]
    assert left(listed=path, genre="loud") == [4, 6]
    assert left(**{"not": {"listed": path}}) == [1, 3, 8, 9, 10, 11]  # 0 and 2 are played
    assert left(genre="quiet", **{"not": {"listed": path}}) == [1, 3, 9, 11]


def test_the_state_tells_rules_in_force_apart(bundle: Bundle, tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_text("t04\n")
    own = parse(
        {"kind": "pin", "track": "t01", "placements": ["home"]},
        {"kind": "filter", "where": {"listed": path}, "from": "2026-12-24"},
    )
    before, after = datetime(2026, 12, 23, tzinfo=UTC), datetime(2026, 12, 24, tzinfo=UTC)
    book = Recommender(bundle, RankerConfig(), rules=own).rulebook
    extra = parse({"kind": "artist_cap", "most": 1})
    scopes = [
        Scope(at=before),
        Scope("home", before),
        Scope(at=after),
        Scope("home", after),
        Scope("home", after, extra),
    ]
    states = [book.state(scope) for scope in scopes]
    assert len(set(states)) == len(states)
    assert states[0] == book.state(Scope("search", before)) == ""
    assert states[2] == book.state(Scope("search", after))
    path.write_text("t05\n")
    other = Recommender(bundle, RankerConfig(), rules=own).rulebook
    assert [a == b for a, b in zip(states, map(other.state, scopes), strict=True)] == [
        True, True, False, False, False,
    ]  # fmt: skip
