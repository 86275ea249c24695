from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from engine.bundle import Acoustic
from tests.api.cli.conftest import Segue
from tests.engine.styled_world import sound, styled_world


@pytest.fixture
def imported(segue: Segue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Segue:
    for name, value in {
        "CF__FACTORS": 8,
        "CF__ITERATIONS": 5,
        "CF__THREADS": 1,
        "RANKER__BLEND": "fusion",
    }.items():
        monkeypatch.setenv(f"SEGUE_{name}", str(value))
    world = styled_world()
    tracks, plays = world.catalog, world.plays
    frame = pd.DataFrame(
        {"track_id": list(tracks.tracks), "artist": tracks.column("artist").to_pylist()}
    )
    frame.to_csv(tmp_path / "tracks.csv", index=False)
    listens = {
        "user_id": plays.users.ids(plays.user),
        "track_id": plays.tracks.ids(plays.track),
    }
    pd.DataFrame(listens).to_csv(tmp_path / "listens.csv", index=False)
    for kind in ("tracks", "listens"):
        assert segue("import", kind, tmp_path / f"{kind}.csv").status == 0
    return segue


def put(segue: Segue, path: Path, acoustic: Acoustic) -> None:
    rows = {
        "track_id": [f"t{i:03}" for i in range(240)],
        "embedding": list(acoustic.embeddings.astype(np.float32)),
    }
    pd.DataFrame(rows).to_parquet(path)
    assert segue("import", "embeddings", path).status == 0


def test_train_says_why_it_did_not_publish(imported: Segue, tmp_path: Path) -> None:
    put(imported, tmp_path / "good.parquet", sound())
    first = imported("train")
    assert first.status == 0
    assert "current bundle" not in first.out
    alike = imported("train")
    assert "Not compared with the current bundle: Both are made alike" in alike.out

    put(imported, tmp_path / "bad.parquet", sound(shuffled=True))
    refused = imported("train")
    assert refused.status == 1
    *_, complaint = refused.err.strip().splitlines()
    bundle = complaint.removeprefix("segue: Bundle ").split()[0]
    assert "was not published: it is worse " in complaint
    assert "on tracks that nobody has played (slice cold): nDCG@10 0." in complaint
    assert complaint.endswith(
        f"The old one goes on serving; `segue bundle publish {bundle}` replaces it all the same."
    )
    lines = [line for line in refused.out.splitlines() if line.startswith("cold: nDCG@10 ")]
    assert len(lines) == 1
    assert "(worse; 99% interval of the difference -0." in lines[0]

    shown = imported("bundle", "show", bundle).json["metrics"]["gate"]
    assert shown["slices"]["cold"]["verdict"] == "worse"
    assert imported("bundle", "publish", bundle).status == 0
    put(imported, tmp_path / "good.parquet", sound())
    mended = imported("train")
    assert mended.status == 0
    [line] = [line for line in mended.out.splitlines() if "Not worse" in line]
    assert line.startswith("Not worse than the current bundle, nDCG@10: overall ")
    assert ", cold +0." in line
