import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.checks import MAX_ID_BYTES, check_choice, check_id, check_positive, id_problem
from data.errors import ParameterError, SegueError


@settings(deadline=None)
@given(st.text(max_size=300))
def test_an_id_is_any_utf8_of_1_to_256_bytes_without_nul(value):
    try:
        size = len(value.encode())
    except UnicodeEncodeError:
        size = 0
    valid = 1 <= size <= MAX_ID_BYTES and "\x00" not in value
    assert (id_problem(value) is None) == valid
    if valid:
        assert check_id("track_id", value) == value


@pytest.mark.parametrize("value", ["a" * 256, "ä" * 128, " ", "a/b|c\n", "🎵" * 64])
def test_accepts_opaque_ids(value):
    assert id_problem(value) is None


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("", "is empty"),
        ("a" * 257, "is 257 bytes long; at most 256 are allowed"),
        ("ä" * 129, "is 258 bytes long; at most 256 are allowed"),
        ("\ud800", "is not valid UTF-8"),
        ("a\x00b", "holds a NUL character"),
        (7, "must be a string, not int"),
        (None, "must be a string, not NoneType"),
        (float("nan"), "must be a string, not float"),
        (b"a", "must be a string, not bytes"),
    ],
)
def test_says_what_is_wrong_with_an_id(value, problem):
    assert id_problem(value) == problem
    with pytest.raises(ParameterError) as caught:
        check_id("track_id", value)
    message = str(caught.value)
    assert message.startswith(f"`track_id` {problem}. Received: ")
    assert len(message) < 200
    assert "\n" not in message


@pytest.mark.parametrize("value", [1, 10**12, np.int64(3), np.int32(1)])
def test_whole_numbers_above_zero(value):
    check_positive("n", value, integer=True)
    check_positive("n", value)


@pytest.mark.parametrize("value", [0.5, 1e-30, np.float32(2)])
def test_numbers_above_zero_need_not_be_whole(value):
    check_positive("alpha", value)
    with pytest.raises(ParameterError, match=r"`n` must be a positive integer. Received: "):
        check_positive("n", value, integer=True)


@pytest.mark.parametrize("value", [0, -3, -0.5, float("nan"), float("-inf")])
def test_refuses_what_is_not_above_zero(value):
    with pytest.raises(ParameterError, match=r"`alpha` must be above zero. Received: "):
        check_positive("alpha", value)
    with pytest.raises(ParameterError, match=r"`alpha` must be a positive integer. Received: "):
        check_positive("alpha", value, integer=True)


def test_true_is_not_a_number_of_anything():
    with pytest.raises(ParameterError, match=r"positive integer. Received: True"):
        check_positive("n", True, integer=True)


def test_choice_names_the_choices_in_order():
    check_choice("strategy", "cf", {"hybrid", "cf"})
    with pytest.raises(SegueError) as caught:
        check_choice("strategy", "cd", {"hybrid", "cf"})
    assert str(caught.value) == "`strategy` must be one of cf, hybrid. Received: 'cd'."
