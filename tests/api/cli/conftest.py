"""Runs the command line in this process, in a home of its own."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from api.cli.main import main
from tests.engine.conftest import make_catalog, make_embeddings, make_plays


@dataclass(frozen=True)
class Result:
    """What a command printed, and its exit status."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def complaint(self) -> str:
        """The one line on standard error of a command that failed."""
        lines = self.err.strip().splitlines()
        assert len(lines) == 1, self.err
        assert "Traceback" not in self.err
        return lines[0]


Segue = Callable[..., Result]


@pytest.fixture
def segue(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Segue:
    monkeypatch.delenv("SEGUE_HOME", raising=False)
    monkeypatch.delenv("SEGUE_CONFIG", raising=False)
    monkeypatch.setenv("SEGUE_ENGINE__TUNE_SECONDS", "0")

    def run(*arguments: object, home: Path | None = None) -> Result:
        words = ["segue", "--home", str(home or tmp_path / "home"), *map(str, arguments)]
        monkeypatch.setattr("sys.argv", words)
        capsys.readouterr()
        with pytest.raises(SystemExit) as stop:
            main()
        captured = capsys.readouterr()
        status = stop.value.code
        return Result(status if isinstance(status, int) else 0, captured.out, captured.err)

    return run


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    """The small world of the engine's tests, as the files of a team."""
    catalog = make_catalog()
    plays = make_plays(catalog)
    directory = tmp_path / "files"
    directory.mkdir()
    paths = {
        "tracks": directory / "tracks.csv",
        "listens": directory / "listens.tsv",
        "embeddings": directory / "embeddings.parquet",
    }
    tracks = [catalog.track(i).as_dict() for i in range(len(catalog))]
    pd.DataFrame(tracks).drop(columns="audio_path").to_csv(paths["tracks"], index=False)
    pd.DataFrame(
        {
            "user_id": plays.users.ids(plays.user),
            "track_id": plays.tracks.ids(plays.track),
            "count": plays.count.astype(int),
        }
    ).to_csv(paths["listens"], sep="\t", index=False)
    known = np.flatnonzero(np.arange(len(catalog)) != 10)
    pd.DataFrame(
        {"track_id": catalog.tracks.ids(known), "embedding": list(make_embeddings()[known])}
    ).to_parquet(paths["embeddings"])
    return paths


@pytest.fixture
def trained(segue: Segue, files: dict[str, Path]) -> Segue:
    """A command line whose home holds a published bundle of the small world."""
    for kind in ("tracks", "listens", "embeddings"):
        assert segue("import", kind, files[kind]).status == 0
    assert segue("train").status == 0
    return segue
