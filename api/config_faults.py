"""What is wrong with the settings, in one line that names where they stand."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from api.rule_files import first_fault, rule_fault
from api.wording import sentence

PREFIX = "SEGUE_"
"""How variables that are settings begin."""

REDIS_URL = "SEGUE_REDIS_URL"
"""The variable that is `api.redis_url`."""

_SECRETS = ("api.redis_url", "data.database_url")  # they may hold passwords


def explain(
    error: ValidationError, settings: type[BaseModel], path: Path | None, *, rules: Any = None
) -> str:
    """Say what is wrong with the first bad value, and where it stands.

    Parameters
    ----------
    error : ValidationError
        Of reading `settings`.
    settings : type
        The model of all sections.
    path : Path or None
        The file that was read, if one was.
    rules : list, optional
        Its `[[rules]]`, as they were written.
    """
    first = first_fault(error)
    location = first["loc"]
    if location[0] == "rules":
        return f"{_origin(location, path)}: {rule_fault(first, location[1:], rules)}"
    key = ".".join(map(str, location))
    text = sentence(first, location=[key], secret=key in _SECRETS)
    if first["type"] == "extra_forbidden":
        received = f"Received: {first['input']!r:.80}."
        text = f"`{key}` is not a setting{_known(location, settings)}. {received}"
    return f"{_origin(location, path)}: {text}"


def _origin(location: tuple[int | str, ...], path: Path | None) -> str:
    names = {name.upper(): name for name in os.environ}
    variable = PREFIX + "__".join(str(part) for part in location[:2]).upper()
    if variable in names:
        return f"The variable {names[variable]}"
    if variable == f"{PREFIX}API__REDIS_URL" and os.environ.get(REDIS_URL):
        return f"The variable {REDIS_URL}"
    return f"The settings file {str(path)!r}"


def _known(location: tuple[int | str, ...], settings: type[BaseModel]) -> str:
    fields: dict[str, Any] = dict(settings.model_fields)
    if len(location) > 1:
        section = fields.get(str(location[0]))
        fields = getattr(getattr(section, "annotation", None), "model_fields", {})
    return f" ({', '.join(fields)})" if fields else ""
