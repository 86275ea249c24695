from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from data import BundleError, ParameterError, SegueError
from data.files import write_atomically
from engine.encoders import current_encoder, keep_encoder
from engine.gate import faults
from engine.home import Home
from tests.engine.conftest import World


def test_nothing_is_made_before_it_is_needed(tmp_path: Path) -> None:
    home = Home(tmp_path / "a" / "b")
    assert not home.root.exists()
    assert home.create().root.is_dir()
    assert home.bundles == tmp_path / "a" / "b" / "bundles"


def test_a_home_that_is_a_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ParameterError, match="--home or SEGUE_HOME"):
        Home(tmp_path / "file").create()


def test_a_job_runs_once_a_home_and_a_crash_frees_the_lock(tmp_path: Path) -> None:
    home = Home(tmp_path)
    script = (
        "import sys, pathlib; from engine.home import Home\n"
        "with Home(pathlib.Path(sys.argv[1])).lock('train'):\n"
        "    print('held', flush=True); sys.stdin.read()\n"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"held\n"
        with (
            pytest.raises(SegueError, match="Another `segue train` is running"),
            home.lock("train"),
        ):
            pass
        child.kill()
    with home.lock("train"):
        assert (home.work / "train.lock").exists()


def test_encoders_are_kept_by_fingerprint(tmp_path: Path) -> None:
    home = Home(tmp_path)
    assert current_encoder(home) is None

    def save(directory: Path) -> None:
        (directory / "weights").write_text("x")

    kept = keep_encoder(home, "abc", save)
    assert current_encoder(home) == kept
    assert (kept / "weights").read_text() == "x"
    keep_encoder(home, "def", save)
    keep_encoder(home, "abc", save)  # is there already
    assert current_encoder(home) == kept
    (kept / "weights").unlink()
    kept.rmdir()
    with pytest.raises(BundleError, match="'abc' is missing"):
        current_encoder(home)


def test_atomic_writing_leaves_no_trace(tmp_path: Path) -> None:
    write_atomically(tmp_path / "file", b"one")
    write_atomically(tmp_path / "file", b"two")
    assert (tmp_path / "file").read_bytes() == b"two"
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_the_gate_refuses_a_collapsed_encoder(world: World, tmp_path: Path) -> None:
    good = world.bundle(tmp_path)
    assert faults(good) == []
    acoustic = world.contents.acoustic
    assert acoustic is not None
    same = np.where(acoustic.known[:, None], np.float32(0.5), np.float32(0)) * np.ones((1, 4))
    collapsed = World(
        world.catalog,
        world.plays,
        type(world.contents)(
            catalog=world.catalog,
            users=world.plays.users,
            listeners=world.contents.listeners,
            plays=world.contents.plays,
            acoustic=type(acoustic)("x", same.astype(np.float32), acoustic.known),
            behaviour=type(world.contents.behaviour)(  # type: ignore[misc]
                np.zeros((12, 4), np.float32), np.zeros((12, 4), np.float32)
            ),
        ),
        world.sections,
    )
    found = faults(collapsed.bundle(tmp_path))
    assert len(found) == 2
    assert "collapsed" in found[0]
    assert "all zero" in found[1]
