"""Rules as they are written: read from a file, and what is wrong with one, in one line."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from api.toml_files import read_toml
from api.wording import Form, field_name, sentence, shown
from data.errors import ParameterError
from ranker.rules import KINDS, AnyRule, Conditions, Rules, Where

_RULES: TypeAdapter[tuple[AnyRule, ...]] = TypeAdapter(Rules)


def read_rules(path: Path) -> tuple[AnyRule, ...]:
    """Read a TOML file of `[[rules]]`.

    Parameters
    ----------
    path : Path
        Lists of track ids that its rules name are found relative to its folder.

    Raises
    ------
    ParameterError
        If it cannot be read, holds anything else, or a rule is wrong; one line that names it.
    """
    content = read_toml(path, what="rules", option="--rules")
    others = sorted(content.keys() - {"rules"})
    if others:
        raise ParameterError(
            f"The rules file {str(path)!r} must hold [[rules]] only. Received: {others[0]!r:.80}."
        )
    rules = located(content.get("rules", []), path.parent)
    try:
        return _RULES.validate_python(rules)
    except ValidationError as error:
        first = first_fault(error)
        text = rule_fault(first, first["loc"], rules)
        raise ParameterError(f"The rules file {str(path)!r}: {text}") from None


def located(rules: Any, folder: Path) -> Any:
    """Return rules as TOML gives them, the files they list named from a folder."""
    if not isinstance(rules, list):
        return rules
    return [_in_folder(rule, folder) for rule in rules]


def _in_folder(table: Any, folder: Path) -> Any:
    if not isinstance(table, dict):
        return table
    found = {key: _in_folder(value, folder) for key, value in table.items()}
    if isinstance(found.get("listed"), str):
        found["listed"] = str(folder / found["listed"])
    return found


def first_fault(error: ValidationError) -> ErrorDetails:
    """Return what to report: an unknown key, if there is one. What is missing may be just that."""
    found = error.errors(include_url=False)
    return next((one for one in found if one["type"] == "extra_forbidden"), found[0])


def rule_fault(error: ErrorDetails, location: Sequence[int | str], rules: Any) -> str:
    """Say in one line what is wrong with one of several rules.

    Parameters
    ----------
    error : ErrorDetails
        What pydantic says.
    location : sequence of int or str
        Where it is, from the rule's number on; empty for all rules together.
    rules : list
        As they were written.

    Returns
    -------
    str
        Such as "Rule 2 ('fresh'): `factr` is not a key of a boost (name, placements, ...)."
    """
    if not location or not isinstance(location[0], int):
        text = sentence(error, location=["rules"])
        return text.replace("an array", "tables, each headed [[rules]]")
    number = location[0]
    rule = rules[number] if isinstance(rules, list) and number < len(rules) else None
    given = rule.get("name") if isinstance(rule, dict) else None
    named = f"Rule {number + 1}" + (f" ({given!r:.100})" if isinstance(given, str) else "")
    inner = without_kind(location)[1:]
    return f"{named}: {_in_rule(error, inner, rule)}"


def without_kind(location: Sequence[int | str]) -> list[int | str]:
    """Return a location without the kind that pydantic puts behind the number of a rule."""
    return [
        part
        for at, part in enumerate(location)
        if not (at and isinstance(location[at - 1], int) and part in KINDS)
    ]


def key_fault(
    error: ErrorDetails, location: Sequence[int | str], *, form: Form = "toml"
) -> tuple[str, str] | None:
    """Say what is wrong with a key of a rule where pydantic speaks of its own affairs.

    Parameters
    ----------
    error : ErrorDetails
        What pydantic says.
    location : sequence of int or str
        Where it is.
    form : str
        What the rule was written in.

    Returns
    -------
    tuple of str, or None
        The name of the key and one line; None where pydantic's words will do.
    """
    kinds = ", ".join(KINDS)
    name = field_name([*location, "kind"])
    if error["type"] == "union_tag_not_found":
        return name, f"`{name}` is required: one of {kinds}."
    if error["type"] == "union_tag_invalid":
        rule = error["input"]
        kind = rule.get("kind") if isinstance(rule, dict) else None
        return name, f"`{name}` must be one of {kinds}. Received: {shown(kind, form)}."
    if error["type"] == "tuple_type":  # one name may stand for several
        name, received = field_name(location), shown(error["input"], form)
        return name, f"`{name}` must be a string or an array of strings. Received: {received}."
    return None


def _in_rule(error: ErrorDetails, inner: Sequence[int | str], rule: Any) -> str:
    if error["type"] == "extra_forbidden" and isinstance(rule, dict):
        keys, what = _keys(inner, rule)
        return (
            f"`{field_name(inner)}` is not a key of {what} ({keys}). "
            f"Received: {error['input']!r:.80}."
        )
    told = key_fault(error, inner)
    if told is not None:
        return told[1]
    whole = f"[[rules]] of kind {rule.get('kind')}" if isinstance(rule, dict) else "[[rules]]"
    return sentence(error, location=inner or [whole])


def _keys(inner: Sequence[int | str], rule: dict[str, Any]) -> tuple[str, str]:
    """Return the keys that may stand where an unknown one does, and what that place is."""
    kind = str(rule.get("kind"))
    model: type[BaseModel] = KINDS[kind]
    what = f"a rule of kind {kind}"
    if len(inner) > 1:
        model, what = (Conditions, "`not`") if "not" in inner else (Where, "`where`")
    return ", ".join(info.alias or name for name, info in model.model_fields.items()), what
