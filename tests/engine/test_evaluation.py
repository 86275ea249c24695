from __future__ import annotations

import json
import math
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cf_model import CFConfig
from data.catalog import Catalog
from data.errors import DataError, ParameterError
from data.interactions import Interactions
from engine.evaluation import (
    PROTOCOLS,
    Fractions,
    Report,
    Settings,
    evaluate,
    make_task,
    render_text,
    split,
)
from engine.evaluation.beyond import OF_ALL
from engine.evaluation.models import Models
from engine.evaluation.page import render_html
from ranker.config import RankerConfig

STYLES, ARTISTS, TRACKS, USERS = 4, 10, 5, 60
CF = CFConfig(factors=8, iterations=5)


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    """Four styles of ten artists with five tracks each."""
    rows = [
        {"track_id": f"t{s}{a}{t}", "artist": f"artist {s}{a}", "genre": f"style {s}"}
        for s in range(STYLES)
        for a in range(ARTISTS)
        for t in range(TRACKS)
    ]
    return Catalog.from_frame(pd.DataFrame(rows))


@pytest.fixture(scope="module")
def embeddings(catalog: Catalog) -> np.ndarray:
    """Sound gives the style away, and nothing else."""
    rng = np.random.default_rng(0)
    styles = np.repeat(np.eye(STYLES), ARTISTS * TRACKS, axis=0)
    return (styles + 0.1 * rng.standard_normal(styles.shape)).astype(np.float32)


@pytest.fixture(scope="module")
def plays(catalog: Catalog) -> Interactions:
    """Each user plays twenty tracks of one style, in a random order."""
    rng = np.random.default_rng(1)
    rows = []
    for user in range(USERS):
        mine = user % STYLES * ARTISTS * TRACKS + rng.permutation(ARTISTS * TRACKS)[:20]
        rows += [(f"u{user:02}", catalog.tracks.id(t), 1 + i % 3, i) for i, t in enumerate(mine)]
    frame = pd.DataFrame(rows, columns=["user_id", "track_id", "count", "at"])
    return Interactions.from_frame(frame, tracks=catalog.tracks)


def means(report: Report, metric: str) -> dict[str, float]:
    return {name: metrics[metric].mean for name, metrics in report.systems.items()}


# Protocols


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_what_every_protocol_promises(protocol: str, plays: Interactions, catalog: Catalog) -> None:
    task = make_task(plays, catalog, protocol=protocol, seed=3)
    every = plays.matrix()[task.users]
    assert len(task) > 5
    assert (task.held_out.getnnz(axis=1) > 0).all()
    assert (task.history.getnnz(axis=1) > 0).all()
    assert task.held_out.multiply(task.history).nnz == 0  # nothing known is asked for
    assert (task.held_out.astype(int) > (every > 0).astype(int)).nnz == 0  # and nothing made up
    assert len(np.unique(task.candidates)) == len(task.candidates)
    assert np.isin(task.held_out.indices, task.candidates).all()
    # A held-out play was not learnt from.
    assert task.held_out.multiply(task.train.matrix()[task.users]).nnz == 0
    assert task.sizes["targets"] == task.held_out.nnz == len(task.targets)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_seed_gives_one_task(protocol: str, plays: Interactions, catalog: Catalog) -> None:
    one, same, other = (
        make_task(plays, catalog, protocol=protocol, seed=seed) for seed in (3, 3, 4)
    )
    assert (one.candidates == same.candidates).all()
    assert (one.start == same.start).all()
    assert (one.held_out != same.held_out).nnz == 0
    assert one.candidates.tolist() != other.candidates.tolist()


def test_temporal_learns_from_the_past_alone(plays: Interactions, catalog: Catalog) -> None:
    task = make_task(plays, catalog, protocol="temporal")
    for row, user in enumerate(task.users):
        history = plays.history(int(user))
        when = dict(zip(history.tracks, history.last_at, strict=True))
        past = [when[t] for t in task.history[row].indices]
        assert max(past) <= min(when[t] for t in task.held_out[row].indices)
    assert len(task.candidates) == len(catalog)


def test_cold_artist_asks_for_whole_artists(plays: Interactions, catalog: Catalog) -> None:
    task = make_task(plays, catalog, protocol="cold-artist", fractions=Fractions(test=0.25))
    cold = set(catalog.artists[task.candidates])
    assert 0 < len(cold) < STYLES * ARTISTS
    assert len(task.candidates) == len(cold) * TRACKS
    assert not cold & set(catalog.artists[task.train.track])


def test_new_users_are_strangers(plays: Interactions, catalog: Catalog) -> None:
    task = make_task(plays, catalog, protocol="new-user", fractions=Fractions(0.25, 0.4))
    assert not set(task.users) & set(task.train.user)
    assert len(task) == USERS // 4
    assert task.history.getnnz(axis=1) == pytest.approx(8)  # of the twenty
    assert task.held_out.getnnz(axis=1) == pytest.approx(12)


def test_repeats_are_no_targets(catalog: Catalog) -> None:
    """A track played before and after the cut is known, so it is not asked for."""
    rows = [(u, "t000", 0) for u in "abc"] + [(u, "t001", 50) for u in "abc"]
    rows += [(u, "t000", 99) for u in "abc"] + [(u, "t002", 100) for u in "abc"]
    frame = pd.DataFrame(rows, columns=["user_id", "track_id", "at"])
    log = Interactions.from_frame(frame, tracks=catalog.tracks)
    task = make_task(log, catalog, protocol="temporal", fractions=Fractions(test=0.5))
    assert task.held_out.indices.tolist() == [catalog.tracks.index("t002")] * 3


def test_users_without_a_history_are_counted(plays: Interactions, catalog: Catalog) -> None:
    """Under cold-artist, a fan of one artist alone is left with nothing."""
    artists = catalog.artists[plays.track]
    fans = plays.select((plays.user % 10 > 0) | (artists == artists.min()))
    left = [
        make_task(fans, catalog, protocol="cold-artist", seed=seed).without_history
        for seed in range(20)
    ]
    assert max(left) > 0


def test_what_the_data_cannot_serve(plays: Interactions, catalog: Catalog) -> None:
    with pytest.raises(ParameterError, match=r"`protocol` must be one of .*Received: 'cold'"):
        make_task(plays, catalog, protocol="cold")
    timeless = replace(plays, at=np.full(len(plays), -1))
    with pytest.raises(DataError, match=r"needs a time .*--protocol random"):
        make_task(timeless, catalog, protocol="temporal")
    one_artist = plays.select(catalog.artists[plays.track] == 0)
    with pytest.raises(DataError, match=r"at least 2 artists. Received: 1. .*--protocol"):
        make_task(one_artist, catalog, protocol="cold-artist")
    for users in (0, 1):
        few = plays.select(plays.user < users)
        for protocol in PROTOCOLS:
            with pytest.raises(DataError, match=f"at least 2 users. Received: {users}. Import"):
                make_task(few, catalog, protocol=protocol)
    pair = plays.select(plays.user < 2)  # one is held out, and one user has no interval
    with pytest.raises(DataError, match=r"Only 1 user has both .* 'new-user'. Import more"):
        make_task(pair, catalog, protocol="new-user")


# Whole evaluations


@pytest.fixture(scope="module")
def cold(plays: Interactions, catalog: Catalog, embeddings: np.ndarray) -> Report:
    return evaluate(
        plays, catalog=catalog, embeddings=embeddings, protocol="cold-artist", cf=CF, ks=(5, 10)
    )


def test_only_sound_finds_cold_tracks(cold: Report) -> None:
    found = means(cold, "ndcg@10")
    # A style is a quarter of the tracks, so sound quadruples the share of hits.
    assert found["audio"] > 2 * found["audio-shuffled"]
    for name in ("als-sound", "fusion"):
        assert found[name] > 2 * found[f"{name}-shuffled"]
    for name in ("als", "popularity", "neighbours"):  # they know nothing
        assert found[name] < found["audio"] / 2
    # Those who know nothing answer in a random order, on a level with the control.
    assert found["als"] == found["popularity"]
    assert found["als"] == pytest.approx(found["audio-shuffled"], abs=0.1)


def test_the_gain_of_sound_is_clear_and_so_is_that_over_its_control(cold: Report) -> None:
    clear = {(d.system, d.baseline): d.metrics["ndcg@10"] for d in cold.differences}
    for pair in (("audio", "als"), ("fusion", "als"), ("audio", "audio-shuffled")):
        assert clear[pair].excludes_zero
        assert clear[pair].mean > 0
    assert clear["popularity", "als"].mean == 0


def test_behaviour_finds_known_tracks(
    plays: Interactions, catalog: Catalog, embeddings: np.ndarray
) -> None:
    for protocol in ("random", "temporal", "new-user"):
        report = evaluate(
            plays, catalog=catalog, embeddings=embeddings, protocol=protocol, cf=CF, ks=(10,)
        )
        found = means(report, "recall@10")
        assert found["als"] > 1.5 * found["popularity"]
        assert found["fusion"] > found["popularity"]


def test_a_report_says_what_it_was_made_with(cold: Report) -> None:
    assert cold.protocol == "cold-artist"
    assert cold.ks == (5, 10)
    assert cold.sizes["eligible_tracks"] < cold.sizes["tracks"] == STYLES * ARTISTS * TRACKS
    assert cold.parameters["cf"]["factors"] == 8
    assert cold.parameters["ranker"]["rrf_k"] == RankerConfig().rrf_k
    assert set(cold.skipped) == {"blend", "blend-shuffled"}
    assert "at least 60 users" in cold.skipped["blend"]
    assert list(cold.systems) == [
        "popularity", "neighbours", "als", "audio-mean",
        "audio", "als-sound", "fusion", "fusion-plain",
        "audio-shuffled", "als-sound-shuffled", "fusion-shuffled",
    ]  # fmt: skip
    assert cold.baseline == "als"
    assert cold.parameters["flips"] == 10_000
    for metrics in cold.systems.values():
        for name, estimate in metrics.items():
            assert 0 <= estimate.mean <= (6 if name.startswith("novelty") else 2)  # log2(60) < 6
            if name.split("@")[0] not in OF_ALL:
                assert estimate.low - 1e-12 <= estimate.mean <= estimate.high + 1e-12
    json.dumps(cold.as_dict(), allow_nan=False)


def test_slices_by_activity_are_a_partition_of_the_users(cold: Report) -> None:
    slices = cold.slices_by()["activity"]
    assert sum(s.users for s in slices) == cold.sizes["users"]
    assert sum(s.targets for s in slices) == cold.sizes["targets"]
    assert all(low <= high for low, high in (s.span for s in slices))
    assert all(one.span[1] < other.span[0] for one, other in pairwise(slices))
    for name, metrics in cold.systems.items():
        parts = sum(s.users * s.systems[name]["ndcg@5"].mean for s in slices)
        assert parts / cold.sizes["users"] == pytest.approx(metrics["ndcg@5"].mean)


def test_cold_artists_are_cold(cold: Report) -> None:
    (only,) = cold.slices_by()["popularity"]
    assert (only.name, only.span, only.targets) == ("cold", (0, 0), cold.sizes["targets"])
    for name, metrics in only.systems.items():
        assert metrics["ndcg@5"] == cold.systems[name]["ndcg@5"]


def test_slices_by_popularity_are_a_partition_of_the_targets(
    plays: Interactions, catalog: Catalog, embeddings: np.ndarray
) -> None:
    report = evaluate(
        plays, catalog=catalog, embeddings=embeddings, protocol="random", cf=CF, ks=(10,)
    )
    slices = report.slices_by()["popularity"]
    assert len(slices) > 1
    assert sum(s.targets for s in slices) == report.sizes["targets"]
    assert all(one.span[1] < other.span[0] for one, other in pairwise(slices))
    # Popular tracks are what popularity finds.
    tail, head = slices[0].systems["popularity"], slices[-1].systems["popularity"]
    assert head["recall@10"].mean > tail["recall@10"].mean
    assert "novelty@10" not in head


def test_what_is_clear_has_a_low_p_value(cold: Report) -> None:
    tests = {(d.system, d.baseline): d.tests["ndcg@10"] for d in cold.differences}
    assert tests["audio", "audio-shuffled"].p_holm < 0.01
    assert tests["popularity", "als"].p_holm == 1
    for test in tests.values():
        assert test.p <= test.p_holm <= min(1, len(tests) * test.p)


def at_random(
    plays: Interactions,
    catalog: Catalog,
    embeddings: np.ndarray | None,
    *,
    seed: int,
    settings: Settings,
) -> Report:
    """Evaluate lists of five on a random part of each user's tracks."""
    return evaluate(
        plays,
        catalog=catalog,
        embeddings=embeddings,
        protocol="random",
        cf=CF,
        ks=(5,),
        seed=seed,
        settings=settings,
    )


def test_the_same_seed_gives_the_same_report(
    plays: Interactions, catalog: Catalog, embeddings: np.ndarray
) -> None:
    def run(seed: int) -> dict:
        settings = Settings(resamples=50)
        return at_random(plays, catalog, embeddings, seed=seed, settings=settings).as_dict()

    assert run(1) == run(1)
    assert run(1)["systems"] != run(2)["systems"]


def test_splits_are_measured_together(
    plays: Interactions, catalog: Catalog, embeddings: np.ndarray
) -> None:
    def run(seed: int, repeats: int) -> Report:
        settings = Settings(resamples=200, repeats=repeats)
        return at_random(plays, catalog, embeddings, seed=seed, settings=settings)

    one, other, both = run(4, 1), run(5, 1), run(4, 2)
    # All users are asked in both splits, so that means over users are means over splits.
    assert one.sizes["users"] == other.sizes["users"] == both.sizes["users"] == USERS
    assert both.sizes["targets"] == one.sizes["targets"] + other.sizes["targets"]
    assert list(both.systems) == list(one.systems)
    for metric in ("ndcg@5", "coverage@5"):
        singles = means(one, metric), means(other, metric)
        for name, found in means(both, metric).items():
            assert found == pytest.approx(np.mean([single[name] for single in singles]))
    width, widths = (
        [r.systems["als"]["ndcg@5"].high - r.systems["als"]["ndcg@5"].low for r in reports]
        for reports in ([both], [one, other])
    )
    assert width[0] < max(widths)
    assert both.repeats == both.parameters["repeats"] == 2
    assert "Protocol random, 2 splits: " in render_text(both)
    assert "2 splits together" in render_html(both)


def test_what_was_chosen_for_each_split_is_told(plays: Interactions, catalog: Catalog) -> None:
    sizes = iter((4, 8))
    settings = Settings(
        resamples=20,
        flips=20,
        repeats=2,
        choose=lambda _: Models(CF.model_copy(update={"factors": next(sizes)})),
    )
    report = at_random(plays, catalog, None, seed=0, settings=settings)
    assert [one["cf"]["factors"] for one in report.parameters["splits"]] == [4, 8]
    assert "cf" not in report.parameters


def test_a_system_that_some_splits_lack_is_left_out_and_told(
    plays: Interactions, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = split.line_up

    def line_up(*args: Any, seed: int, **options: Any) -> tuple[list[Any], dict[str, str]]:
        systems, skipped = whole(*args, seed=seed, **options)
        if seed == 4:
            return systems, skipped
        kept = [system for system in systems if system.name != "neighbours"]
        return kept, skipped | {"neighbours": "nobody is near."}

    monkeypatch.setattr(split, "line_up", line_up)
    settings = Settings(resamples=20, flips=20, repeats=3)
    report = at_random(plays, catalog, None, seed=4, settings=settings)
    assert "neighbours" not in report.systems
    assert report.skipped["neighbours"] == "in 2 of 3 splits: nobody is near."
    assert report.skipped["audio-shuffled"].startswith("no track has an embedding")


@pytest.mark.parametrize("given", [True, False])
def test_plays_that_are_parted_in_one_way_are_parted_once(
    plays: Interactions, catalog: Catalog, given: bool
) -> None:
    how = "by a held-out file" if given else "by time"
    with pytest.raises(ParameterError, match=f"`repeats` must be 1 where plays are parted {how}"):
        evaluate(
            plays,
            catalog=catalog,
            embeddings=None,
            protocol="temporal",
            cf=CF,
            settings=Settings(held_out=plays if given else None, repeats=2),
        )


def test_popularity_agrees_with_a_plain_loop(plays: Interactions, catalog: Catalog) -> None:
    """From the split to the mean, in plain Python, ties left to the task's order."""
    k, seed = 10, 5
    report = evaluate(
        plays, catalog=catalog, embeddings=None, protocol="random", cf=CF, ks=(k,), seed=seed
    )
    task = make_task(plays, catalog, protocol="random", seed=seed)
    listeners = np.zeros(len(catalog), int)
    for track in set(zip(task.train.user.tolist(), task.train.track.tolist(), strict=True)):
        listeners[track[1]] += 1
    gains, recalls = [], []
    for row in range(len(task)):
        seen, wanted = set(task.history[row].indices), set(task.held_out[row].indices)
        turned = np.roll(task.candidates, -task.start[row])
        order = sorted((t for t in turned if t not in seen), key=lambda t: -listeners[t])[:k]
        ideal = sum(1 / math.log2(i + 2) for i in range(min(k, len(wanted))))
        gains.append(sum(1 / math.log2(i + 2) for i, t in enumerate(order) if t in wanted) / ideal)
        recalls.append(len(wanted & set(order)) / len(wanted))
    found = report.systems["popularity"]
    assert found["ndcg@10"].mean == pytest.approx(np.mean(gains), abs=1e-9)
    assert found["recall@10"].mean == pytest.approx(np.mean(recalls), abs=1e-9)


def test_without_embeddings(plays: Interactions, catalog: Catalog) -> None:
    for nothing in (None, np.zeros((len(catalog), 3), np.float32)):
        report = evaluate(plays, catalog=catalog, embeddings=nothing, protocol="random", cf=CF)
        assert list(report.systems) == ["popularity", "neighbours", "als", "fusion", "fusion-plain"]
        assert list(report.skipped) == [
            "audio-mean", "audio", "als-sound",
            "audio-shuffled", "als-sound-shuffled", "fusion-shuffled", "blend-shuffled", "blend",
        ]  # fmt: skip


def test_progress_is_told(plays: Interactions, catalog: Catalog) -> None:
    steps: list[tuple[int, int, str]] = []
    evaluate(
        plays,
        catalog=catalog,
        embeddings=None,
        protocol="random",
        cf=CF,
        progress=lambda *step: steps.append(step),
    )
    assert list(dict.fromkeys(what for _, _, what in steps)) == ["als", "ranking"]
    assert all(0 < done <= total for done, total, _ in steps)
    assert steps[-1][0] == steps[-1][1]


def test_bad_arguments(plays: Interactions, catalog: Catalog, embeddings: np.ndarray) -> None:
    def run(**changes: object) -> Report:
        given = {"catalog": catalog, "embeddings": embeddings, "protocol": "random", "cf": CF}
        return evaluate(plays, **(given | changes))

    with pytest.raises(ParameterError, match="`ks` must name at least one"):
        run(ks=())
    with pytest.raises(ParameterError, match=r"`k` must be a positive integer\. Received: 0"):
        run(ks=(10, 0))
    with pytest.raises(DataError, match=r"one row for each of the 200 tracks.*\(199, 4\)"):
        run(embeddings=embeddings[1:])
    with pytest.raises(DataError, match="Embeddings must be finite"):
        run(embeddings=embeddings * np.nan)
    other = Catalog.from_frame(pd.DataFrame({"track_id": ["x"]}))
    with pytest.raises(DataError, match="must have the same tracks"):
        run(catalog=other)


def frame_of(rows: list[tuple[str, str]]) -> Interactions:
    return Interactions.from_frame(pd.DataFrame(rows, columns=["user_id", "track_id"]))


def test_held_out_plays_may_be_given(plays: Interactions, catalog: Catalog) -> None:
    users, tracks = plays.users, plays.tracks
    played = {(int(u), int(t)) for u, t in zip(plays.user, plays.track, strict=True)}
    new = [(u, t) for u in range(5) for t in range(0, len(tracks), 9) if (u, t) not in played]
    rows = [(users.id(u), tracks.id(t)) for u, t in new]
    known = (users.id(0), tracks.id(int(plays.track[plays.user == 0][0])))
    held_out = frame_of([*rows, known, ("a stranger", tracks.id(3))])
    asked: list[int] = []

    def choose(train: Interactions) -> Models:
        asked.append(len(train))
        return Models(CF, penalty=10.0)

    report = evaluate(
        plays,
        catalog=catalog,
        embeddings=None,
        protocol="random",
        cf=CFConfig(factors=2),
        settings=Settings(held_out=held_out, choose=choose, resamples=20),
    )
    assert report.protocol == "given"
    assert report.sizes["targets"] == len(rows)  # what was played before asks for nothing new
    assert report.sizes["users"] == 5
    assert report.sizes["users_without_history"] == 1
    assert asked == [len(plays)]
    assert report.parameters["cf"]["factors"] == CF.factors
    assert list(report.systems) == [
        "popularity",
        "neighbours",
        "ease",
        "als",
        "fusion",
        "fusion-plain",
    ]


def test_a_held_out_track_that_is_unknown_is_an_error(
    plays: Interactions, catalog: Catalog
) -> None:
    held_out = frame_of([(plays.users.id(0), "nowhere")])
    with pytest.raises(DataError, match="held-out track 'nowhere' is not in the catalogue"):
        evaluate(
            plays,
            catalog=catalog,
            embeddings=None,
            protocol="random",
            cf=CF,
            settings=Settings(held_out=held_out),
        )


def test_a_held_out_file_of_one_user_is_too_little(plays: Interactions, catalog: Catalog) -> None:
    user = plays.users.id(0)
    played = set(plays.track[plays.user == 0].tolist())
    track = next(i for i in range(len(catalog)) if i not in played)
    with pytest.raises(DataError, match=r"Only 1 user has .* or name another file") as failure:
        evaluate(
            plays,
            catalog=catalog,
            embeddings=None,
            protocol="random",
            cf=CF,
            settings=Settings(held_out=frame_of([(user, catalog.tracks.id(track))])),
        )
    assert "protocol" not in str(failure.value)


def test_folding_in_new_users_is_compared_with_training_them(
    plays: Interactions, catalog: Catalog
) -> None:
    report = evaluate(plays, catalog=catalog, embeddings=None, protocol="new-user", cf=CF)
    found = means(report, "ndcg@10")
    assert found["als"] > 2 * found["popularity"]
    assert found["als-refit"] == pytest.approx(found["als"], rel=0.25)
