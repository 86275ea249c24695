import os
import signal
import subprocess
import sys
import time
from multiprocessing import active_children
from pathlib import Path

import numpy as np
import pytest

from audio_model.pool import read_in_workers
from data.errors import DataError, SegueError

from .readers import Unstartable, count_up, obey


def run(names, **options):
    outcomes = list(read_in_workers(obey, [Path(n) for n in names], **options))
    assert sorted(o.index for o in outcomes) == list(range(len(names)))
    assert active_children() == []
    return {names[o.index]: o.error if o.value is None else o.value for o in outcomes}


def test_each_file_has_one_outcome_whatever_befalls_its_worker():
    names = ["a", "crash", "b", "bad", "bug", "exit", "c"]
    assert run(names, workers=2) == {
        "a": "a",
        "b": "b",
        "c": "c",
        "bad": "bad is bad.",
        "bug": "'bug' cannot be read: RuntimeError: a bug",
        "crash": "'crash' crashed its decoder (Segmentation fault).",
        "exit": "'exit' crashed its decoder (exit 3).",
    }


def test_a_file_that_hangs_its_decoder_is_given_up():
    found = run(["hang", "a"], time_limit=0.5)
    assert found == {"hang": "'hang' took over 0.5 s to decode.", "a": "a"}


@pytest.mark.parametrize("size", [0, 3, 2**20, 2**21 + 7])
def test_arrays_arrive_as_they_were_sent(size):
    (outcome,) = read_in_workers(count_up, [Path(str(size))])
    name, array, turned = outcome.value
    assert name == str(size)
    np.testing.assert_array_equal(array, np.arange(size, dtype=np.uint8))
    assert turned.shape == (3, size)
    assert turned.flags.f_contiguous
    np.testing.assert_array_equal(turned, np.tile(array, (3, 1)))


def test_no_files_need_no_worker():
    assert run([]) == {}


def test_an_error_that_is_not_of_one_file_ends_the_run():
    with pytest.raises(DataError, match="disk is full"):
        list(read_in_workers(obey, [Path("full"), Path("a")]))
    assert active_children() == []


def test_workers_that_cannot_start_are_reported_and_not_waited_for():
    with pytest.raises(
        SegueError, match=r"No process that decodes sound can be started \(exit 1\)"
    ):
        list(read_in_workers(Unstartable(), [Path("a"), Path("b")]))


def test_closing_early_ends_the_workers():
    outcomes = read_in_workers(obey, [Path("a"), Path("hang")], workers=2)
    assert next(outcomes).value == "a"
    outcomes.close()
    assert active_children() == []


def test_ctrl_c_ends_the_run_at_once():
    root = Path(__file__).parents[2]
    command = [sys.executable, "-m", "tests.audio_model.readers"]
    with subprocess.Popen(
        command, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    ) as process:
        assert process.stdout.readline() == b"started\n"
        assert process.stdout.readline() == b"read one\n"
        start = time.monotonic()
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the workers, too
        _, errors = process.communicate(timeout=30)
    assert time.monotonic() - start < 20  # the file that hangs would take 60
    assert errors.count(b"Traceback") == 1  # the caller's KeyboardInterrupt; none of the workers'
    assert group_ends(process.pid, within=10)


def group_ends(group: int, *, within: float) -> bool:
    """Wait until no process of a group is left: multiprocessing's helper ends a bit later."""
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False
