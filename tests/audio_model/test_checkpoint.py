import numpy as np
import pytest

from audio_model.checkpoint import TrainingState, load_state, save_state


@pytest.fixture
def state() -> TrainingState:
    weights = [np.arange(6, dtype=np.float32).reshape(2, 3) + i for i in range(12)]
    return TrainingState("abc", 7, 1.5, weights, [np.array(3, np.int64), np.ones(2, np.float32)])


def test_a_state_comes_back_as_it_was(tmp_path, state):
    save_state(tmp_path / "new", state)
    found = load_state(tmp_path / "new", "abc")
    assert (found.signature, found.step, found.seconds) == ("abc", 7, 1.5)
    for before, after in ((state.weights, found.weights), (state.optimizer, found.optimizer)):
        assert [(a.dtype, a.shape) for a in before] == [(a.dtype, a.shape) for a in after]
        assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))


def test_no_state(tmp_path):
    assert load_state(tmp_path / "nowhere", "abc") is None


def test_a_state_of_something_else_is_not_used_and_that_is_said(tmp_path, state, caplog):
    save_state(tmp_path, state)
    assert load_state(tmp_path, "xyz") is None
    assert "of other settings or sound: training starts afresh" in caplog.text


@pytest.mark.parametrize("keep", [0, 10, 500, -1])
def test_a_corrupt_state_is_not_used_and_that_is_said(tmp_path, state, caplog, keep):
    save_state(tmp_path, state)
    path = tmp_path / "checkpoint.npz"
    path.write_bytes(path.read_bytes()[:keep])
    assert load_state(tmp_path, "abc") is None
    assert "The checkpoint is corrupt" in caplog.text


def test_a_changed_byte_is_noticed(tmp_path, state):
    save_state(tmp_path, state)
    path = tmp_path / "checkpoint.npz"
    content = bytearray(path.read_bytes())
    at = content.find(state.weights[5].tobytes())
    content[at] ^= 1
    path.write_bytes(content)
    assert load_state(tmp_path, "abc") is None


def test_what_a_killed_writer_left_is_removed(tmp_path, state):
    save_state(tmp_path, state)
    (tmp_path / ".checkpoint.npz.k1ll3d.part").write_bytes(b"half")
    assert load_state(tmp_path, "abc").step == 7
    assert [p.name for p in tmp_path.iterdir()] == ["checkpoint.npz"]


def test_a_write_that_fails_leaves_the_old_state(tmp_path, state):
    save_state(tmp_path, state)
    broken = TrainingState("abc", 8, 2.0, [np.array([object()])], [])
    with pytest.raises(ValueError, match="allow_pickle"):
        save_state(tmp_path, broken)
    assert load_state(tmp_path, "abc").step == 7
    assert [p.name for p in tmp_path.iterdir()] == ["checkpoint.npz"]
