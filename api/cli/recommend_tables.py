"""The tables of `segue recommend`: what is recommended and why, and what rules did."""

from __future__ import annotations

from typing import Any

from api.cli.output import print_table

_SIGNALS = ("behaviour", "sound", "popularity")


def print_items(items: list[dict[str, Any]]) -> None:
    """Print recommended tracks, of `item_documents`; with their reasons, if they have any."""
    columns = ["rank", "track_id", "title", "artist", "score", "sources"]
    rows = [
        [rank, *(item[c] for c in columns[1:5]), "+".join(item["sources"])]
        for rank, item in enumerate(items, start=1)
    ]
    reasons = [item["reasons"] for item in items if "reasons" in item]
    if reasons:
        columns += ["because of", "why", "shares"]
        for row, reason in zip(rows, reasons, strict=True):
            because = ", ".join(b["title"] or b["track_id"] for b in reason["because"])
            row += [because, reason["text"], share_words(reason)]
    if any(reason["rule"] for reason in reasons):
        columns.append("rule")
        for row, reason in zip(rows, reasons, strict=True):
            row.append(reason["rule"])
    print_table(columns, rows)


def share_words(reason: dict[str, Any]) -> str:
    """Say how much each signal weighed, of a `reason_document`: "behaviour 62%, sound 38%"."""
    return ", ".join(f"{name} {reason[name]:.0%}" for name in _SIGNALS if reason[name] > 0)


def print_rules(rules: list[dict[str, Any]]) -> None:
    """Print what each rule did, of `outcome_documents`."""
    rows = []
    for rule in rules:
        moves = map(_move_words, rule["moves"])
        faults = rule["unfulfilled"] if rule["in_force"] else ["not in force"]
        told = ", ".join(moves), "; ".join(faults)
        rows.append([rule["name"], rule["kind"], rule["matched"], rule["removed"], *told])
    print_table(["rule", "kind", "matched", "removed", "moved", "unfulfilled"], rows)


def _move_words(move: dict[str, Any]) -> str:
    before, after = move["from"], move["to"]
    if after is None:
        return f"{move['track_id']} out from {before}"
    return f"{move['track_id']} {'in' if before is None else before} to {after}"
