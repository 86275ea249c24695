"""Checks shared by everything that takes values from outside.

ids are opaque UTF-8 strings of 1 to 256 bytes: `check_id` is the only definition of that.
"""

from __future__ import annotations

from collections.abc import Collection
from numbers import Integral

from data.errors import ParameterError

MAX_ID_BYTES = 256


def id_problem(value: object) -> str | None:
    """Say what is wrong with an id, or return None if nothing is.

    Parameters
    ----------
    value : object
        The candidate id.

    Returns
    -------
    str or None
        A clause such as "is empty", to be put behind the name of the field.
    """
    if not isinstance(value, str):
        return f"must be a string, not {type(value).__name__}"
    if not value:
        return "is empty"
    try:
        size = len(value.encode("utf-8"))
    except UnicodeEncodeError:
        return "is not valid UTF-8"
    if size > MAX_ID_BYTES:
        return f"is {size} bytes long; at most {MAX_ID_BYTES} are allowed"
    if "\x00" in value:
        return "holds a NUL character"
    return None


def check_id(name: str, value: object) -> str:
    """Return `value` if it is a valid id.

    Raises
    ------
    ParameterError
        If it is not; the message names the field, the fault and the value.
    """
    problem = id_problem(value)
    if problem is not None:
        raise ParameterError(f"`{name}` {problem}. Received: {value!r:.80}.")
    assert isinstance(value, str)
    return value


def check_positive(name: str, value: float, *, integer: bool = False) -> None:
    """Raise `ParameterError` unless `value` is above zero (and whole, if `integer`)."""
    given: object = value  # numpy's integers are whole numbers too; True is not meant as one
    whole = isinstance(given, Integral) and not isinstance(given, bool)
    if (integer and not whole) or not value > 0:
        kind = "a positive integer" if integer else "above zero"
        raise ParameterError(f"`{name}` must be {kind}. Received: {value!r}.")


def check_choice(name: str, value: str, choices: Collection[str]) -> None:
    """Raise `ParameterError` unless `value` is one of `choices`."""
    if value not in choices:
        known = ", ".join(sorted(choices))
        raise ParameterError(f"`{name}` must be one of {known}. Received: {value!r}.")
