"""Rules as JSON may hold them, in OpenAPI.

Pydantic describes what rules are, not all that is read: one name stands for several, a time may be
a day. A rule of a request names no file.
"""

from __future__ import annotations

from typing import Any

from ranker.rules import KINDS, Conditions, Where

_RULES = {model.__name__ for model in KINDS.values()}
_SAID = ("title", "description")  # of a field, whatever it can be
_SELECTORS = (Conditions.__name__, Where.__name__)


def widen(schemas: dict[str, Any]) -> None:
    """Describe in place what a request's rules can be.

    Parameters
    ----------
    schemas : dict
        Components by name, those of rules among them.
    """
    for name in _SELECTORS:
        del schemas[name]["properties"]["listed"]
    for name in {*_RULES, *_SELECTORS}:
        properties = schemas[name]["properties"]
        for key, schema in properties.items():
            properties[key] = _widened(schema)


def _widened(schema: dict[str, Any]) -> dict[str, Any]:
    if "anyOf" in schema:
        return {**schema, "anyOf": [*map(_plain, schema["anyOf"]), *_alone(schema["anyOf"])]}
    alone = _alone([schema])
    if not alone:
        return schema
    several = {key: value for key, value in schema.items() if key not in _SAID}
    said = {key: value for key, value in schema.items() if key in _SAID}
    return {**said, "anyOf": [several, *alone]}


def _alone(choices: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return what one of several texts is, if texts are among the choices."""
    return [choice["items"] for choice in choices if choice.get("type") == "array"]


def _plain(choice: dict[str, Any]) -> dict[str, Any]:
    if choice.get("format") == "date-time":  # a day will do, too, and so will a time without zone
        return {"type": "string"}
    return choice
