"""What pydantic found wrong, in the words of this project: name, remedy, value received."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date, time
from typing import Any, Literal

from pydantic_core import ErrorDetails

Form = Literal["toml", "json"]
"""What a value was written in."""

_UNKNOWN = "extra_forbidden"
_MISSING = "missing"
_MODEL = "must be a table (in TOML) or an object (in JSON) of named values"
_OBJECT = "must be an object"
_ARRAY = "must be an array"
_TRUTH = "must be true or false"
_WHOLE = "must be a valid integer"
_FAULTS = {
    "model_type": _MODEL,
    "model_attributes_type": _MODEL,
    "bool_type": _TRUTH,
    "bool_parsing": _TRUTH,
    "list_type": _ARRAY,
    "tuple_type": _ARRAY,
    "int_from_float": _WHOLE,
    "int_parsing_size": _WHOLE,
    "string_too_long": "must have at most {max_length} characters",
    "string_too_short": "must have at least {min_length} characters",
    "too_long": "must have at most {max_length} items",
    "too_short": "must have at least {min_length} items",
}
"""What is wrong, by what pydantic calls it; of all else, its own words are taken."""
_JSON_FAULTS = {"model_type": _OBJECT, "model_attributes_type": _OBJECT}


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
    error: ErrorDetails,
    *,
    location: Sequence[int | str] | None = None,
    secret: bool = False,
    form: Form = "toml",
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
    form : str
        What it was written in.

    Returns
    -------
    str
        Such as "`n` must be less than or equal to 1000. Received: 2000."
    """
    name = field_name(error["loc"] if location is None else location)
    subject = f"`{name}`" if name else "The body" if form == "json" else "The value"
    if error["type"] == _MISSING:
        return f"{subject} is required."
    if error["type"] == _UNKNOWN:
        return f"{subject} is unknown."
    received = "" if secret else f" Received: {shown(error['input'], form)}."
    return f"{subject} {_fault(error, form)}.{received}"


def shown(value: Any, form: Form = "toml") -> str:
    """Return a value as whoever wrote it would say it, in one short line."""
    if isinstance(value, dict):
        return "an object" if form == "json" else "a table"
    if isinstance(value, list | tuple):
        return f"an array of {len(value)}"
    if value is None or isinstance(value, bool):
        return json.dumps(value)  # null, true
    if isinstance(value, date | time):
        return value.isoformat()
    if not isinstance(value, str | int | float):
        return "a file"  # of a form
    return f"{value!r:.80}"


def _fault(error: ErrorDetails, form: Form) -> str:
    own = _JSON_FAULTS if form == "json" else {}
    known = own.get(error["type"]) or _FAULTS.get(error["type"])
    if known is not None:
        return known.format_map(error.get("ctx", {})).replace(" 1 items", " 1 item")
    message = error["msg"].removeprefix("Value error, ").rstrip(".")
    message = message.partition(", unable to parse")[0]
    for start in ("Input should be ", "Input should "):
        if message.startswith(start):
            return "must be " + message.removeprefix(start).removeprefix("be ")
    return message[:1].lower() + message[1:]
