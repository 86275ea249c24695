"""Checks values against JSON schemas, as far as the service's own description uses them.

An unknown keyword is an error: what is not checked must not look as if it were.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime
from typing import Any

_SAYS_NOTHING = {"title", "description", "default", "discriminator"}
_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "array": (list,),
    "object": (dict,),
    "boolean": (bool,),
    "null": (type(None),),
}
_LIMITS: dict[str, tuple[str, Callable[[Any, Any], bool]]] = {
    "minimum": ("number", lambda value, limit: value >= limit),
    "maximum": ("number", lambda value, limit: value <= limit),
    "exclusiveMinimum": ("number", lambda value, limit: value > limit),
    "exclusiveMaximum": ("number", lambda value, limit: value < limit),
    "minItems": ("array", lambda value, limit: len(value) >= limit),
    "maxItems": ("array", lambda value, limit: len(value) <= limit),
    "maxLength": ("string", lambda value, limit: len(value) <= limit),
}
"""By keyword: what it is about, and whether a value keeps to it."""
_FORMATS = {"date": date.fromisoformat, "date-time": datetime.fromisoformat}


class Checker:
    """Checks values against the schemas of one document.

    Parameters
    ----------
    document : dict
        What `#/...` refers to.
    """

    def __init__(self, document: dict[str, Any]) -> None:
        self._document = document

    def check(self, value: Any, schema: dict[str, Any], *, at: str = "$") -> None:
        """Fail if a value is not as a schema says."""
        faults = list(self._faults(value, schema, at))
        assert not faults, faults

    def _faults(self, value: Any, schema: dict[str, Any], at: str) -> Iterator[str]:
        for keyword, expected in schema.items():
            if keyword in _SAYS_NOTHING:
                continue
            if keyword == "$ref":
                yield from self._faults(value, self._resolved(expected), at)
            elif keyword == "properties":
                yield from self._of_properties(value, expected, at)
            elif keyword == "items":
                for i, item in enumerate(value if isinstance(value, list) else []):
                    yield from self._faults(item, expected, f"{at}[{i}]")
            elif keyword in ("anyOf", "oneOf"):
                found = [list(self._faults(value, one, at)) for one in expected]
                fits = found.count([])
                if not (fits == 1 or (fits and keyword == "anyOf")):
                    yield f"{at}: {fits} of {keyword} fit: {found}"
            elif not _keeps(value, keyword, expected, schema):
                yield f"{at}: {value!r:.80} against {keyword} {expected!r:.80}"

    def _resolved(self, reference: str) -> dict[str, Any]:
        node: Any = self._document
        for part in reference.removeprefix("#/").split("/"):
            node = node[part]
        return dict(node)

    def _of_properties(self, value: Any, schemas: dict[str, Any], at: str) -> Iterator[str]:
        for name, schema in schemas.items():
            if isinstance(value, dict) and name in value:
                yield from self._faults(value[name], schema, f"{at}.{name}")


def _keeps(value: Any, keyword: str, expected: Any, schema: dict[str, Any]) -> bool:
    """Return whether a value keeps to one keyword that looks at nothing inside it."""
    if keyword == "type":
        names = [expected] if isinstance(expected, str) else expected
        return any(_is(value, name) for name in names)
    if keyword == "enum":
        return value in expected
    if keyword == "const":
        return bool(value == expected)
    if keyword == "required":
        return not isinstance(value, dict) or set(expected) <= value.keys()
    if keyword == "additionalProperties":
        assert expected is False
        return not isinstance(value, dict) or value.keys() <= schema["properties"].keys()
    if keyword == "format":
        return not isinstance(value, str) or _reads(_FORMATS[expected], value)
    kind, keeps = _LIMITS[keyword]
    return not _is(value, kind) or keeps(value, expected)


def _is(value: Any, name: str) -> bool:
    return isinstance(value, _TYPES[name]) and (name == "boolean" or not isinstance(value, bool))


def _reads(read: Callable[[str], object], text: str) -> bool:
    try:
        read(text)
    except ValueError:
        return False
    return True
