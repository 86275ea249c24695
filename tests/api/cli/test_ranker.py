"""`segue train ranker`, from files to answers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.api.cli.conftest import Segue
from tests.engine.ranking_world import two_halves

SETTINGS = """
[cf]
factors = 12
iterations = 8
threads = 1

[ranker]
quota = 40

[learning]
rounds = 1
trees = 40
patience = 10
rows_in_leaf = 20
learning_rate = 0.1
"""


@pytest.fixture
def halves(segue: Segue, tmp_path: Path) -> Segue:
    """A home that holds the world of two halves, and no bundle."""
    world = two_halves()
    catalog, plays = world.catalog, world.plays
    artists = catalog.column("artist").to_pylist()
    tables = {
        "tracks": pd.DataFrame({"track_id": list(catalog.tracks), "artist": artists}),
        "listens": pd.DataFrame(
            {
                "user_id": plays.users.ids(plays.user),
                "track_id": plays.tracks.ids(plays.track),
            }
        ),
    }
    for kind, table in tables.items():
        table.to_csv(tmp_path / f"{kind}.csv", index=False)
        assert segue("import", kind, tmp_path / f"{kind}.csv").status == 0
    known = np.flatnonzero(world.acoustic.known)
    vectors = list(world.acoustic.embeddings[known])
    pd.DataFrame({"track_id": catalog.tracks.ids(known), "embedding": vectors}).to_parquet(
        tmp_path / "embeddings.parquet"
    )
    assert segue("import", "embeddings", tmp_path / "embeddings.parquet").status == 0
    (tmp_path / "home" / "segue.toml").write_text(SETTINGS)
    return segue


def test_from_files_to_answers(halves: Segue, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as plain:
        plain.setenv("SEGUE_RANKER__BLEND", "fusion")
        done = halves("train", "cf")
    assert done.status == 0
    assert "Rank fusion blends: `ranker.blend` is 'fusion'." in done.out
    fused = halves("recommend", "u001", "-n", "5", "--json").json["items"]
    assert all(item["score"] < 0.2 for item in fused)  # Σ weight / (10 + rank)

    done = halves("train", "ranker")
    assert done.status == 0
    assert "Learned ranker, nDCG@10 (over rank fusion): overall 0." in done.out
    assert "Rank fusion blends" not in done.out
    metrics = halves("bundle", "show").json["metrics"]
    assert metrics["unranked"] == ""
    assert metrics["ranker"]["over_fusion"]["overall"]["low"] > 0

    learned = halves("recommend", "u001", "-n", "5", "--explain", "--json").json["items"]
    assert [item["track_id"] for item in learned] != [item["track_id"] for item in fused]
    assert all(0 < item["score"] < 1 for item in learned)
    for item in learned:
        reasons = item["reasons"]
        shares = reasons["sound"] + reasons["behaviour"] + reasons["popularity"]
        assert shares == pytest.approx(1, abs=1e-3) or shares == 0
    assert (
        halves("recommend", "u001", "-n", "5", "--json").json["items"][0]["score"]
        == (learned[0]["score"])
    )


def test_too_few_users_are_told(trained: Segue) -> None:
    report = trained("train", "ranker", "--json").json
    assert report["ranker"] is None
    assert "at least 60 users" in report["unranked"]
    assert report["published"]
    assert "in one.\n" in trained("train", "ranker").out  # one full stop
