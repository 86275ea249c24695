"""What pydantic found wrong, in the words of this project: name, remedy, value received."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic_core import ErrorDetails

_UNKNOWN = "extra_forbidden"
_MISSING = "missing"
_NOT_A_MODEL = ("model_type", "model_attributes_type")


def field_name(location: Sequence[int | str]) -> str:
    """Return where an error is: `events[3].track_id`."""
    name = ""
    for part in location:
        if isinstance(part, int):
            name += f"[{part}]"
        else:
            name += f".{part}" if name else part
    return name


def sentence(
    error: ErrorDetails, *, location: Sequence[int | str] | None = None, secret: bool = False
) -> str:
    """Say in one line what is wrong with one value.

    Parameters
    ----------
    error : ErrorDetails
        One of the errors of a `pydantic.ValidationError`.
    location : sequence of int or str, optional
        Where it is, if not where pydantic says.
    secret : bool
        Whether the value must not be shown.

    Returns
    -------
    str
        Such as "`n` must be less than or equal to 1000. Received: 2000."
    """
    name = field_name(error["loc"] if location is None else location)
    subject = f"`{name}`" if name else "The value"
    if error["type"] == _MISSING:
        return f"{subject} is required."
    if error["type"] == _UNKNOWN:
        return f"{subject} is unknown."
    received = "" if secret else f" Received: {_shown(error['input'])}."
    return f"{subject} {_fault(error)}.{received}"


def _fault(error: ErrorDetails) -> str:
    if error["type"] in _NOT_A_MODEL:
        return "must be a table (in TOML) or an object (in JSON) of named values"
    message = error["msg"].removeprefix("Value error, ").rstrip(".")
    message = message.partition(", unable to parse")[0]
    for start in ("Input should be ", "Input should "):
        if message.startswith(start):
            return "must be " + message.removeprefix(start).removeprefix("be ")
    return message[:1].lower() + message[1:]


def _shown(value: object) -> str:
    if isinstance(value, dict | list | tuple):
        return f"{type(value).__name__} of {len(value)}"
    return f"{value!r:.80}"
