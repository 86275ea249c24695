"""What every system is worth to every user, of one split or of several together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from engine.evaluation import beyond, metrics
from engine.evaluation.beyond import Background
from engine.evaluation.metrics import Ranked
from engine.evaluation.slices import IntVector, Part

FloatMatrix = npt.NDArray[np.float64]
Values = Mapping[str, FloatMatrix]
"""Measures of each system, each of shape (m, number of measures)."""

Answers = Mapping[str, Ranked]
"""The lists of each system, for the same users."""


@dataclass(frozen=True, eq=False)
class Table:
    """Measures of some users.

    Attributes
    ----------
    users : ndarray of int, shape (m,)
        Who they are, each once.
    columns : tuple of str
        Measures, such as "ndcg@10".
    values : mapping of str to ndarray of float64, shape (m, len(columns))
        One for each system.
    """

    users: npt.NDArray[np.integer]
    columns: tuple[str, ...]
    values: Values


@dataclass(frozen=True, eq=False)
class PartScores:
    """The same for a part of the test; see `engine.evaluation.slices.Part`."""

    by: str
    name: str
    span: tuple[int, int]
    targets: int
    table: Table


@dataclass(frozen=True, eq=False)
class Scores:
    """All that is measured.

    Attributes
    ----------
    table : Table
    of_all : mapping of str to mapping of str to float
        By system, the measures of all lists together.
    parts : tuple of PartScores
    """

    table: Table
    of_all: Mapping[str, Mapping[str, float]]
    parts: tuple[PartScores, ...] = ()


def score(
    answers: Answers,
    ks: Sequence[int],
    *,
    users: npt.NDArray[np.integer],
    background: Background,
    parts: Iterable[tuple[Part, Answers]] = (),
) -> Scores:
    """Measure the lists of several systems.

    Parameters
    ----------
    answers : mapping of str to Ranked
    ks : sequence of int
        Lengths of lists.
    users : ndarray of int, shape (m,)
        Whose lists these are.
    background : Background
    parts : iterable of (Part, mapping of str to Ranked)
        Parts of the test, and the lists that count there, of all users: those of the whole, or
        lists of their own.
    """
    values = {
        name: np.hstack([metrics.accuracy(ranked, ks), beyond.of_lists(ranked, ks, background)])
        for name, ranked in answers.items()
    }
    columns = (*metrics.names(ks), *beyond.names(ks, background))
    table = Table(users, columns, values)
    return Scores(
        table,
        {name: beyond.of_all(ranked, ks, background) for name, ranked in answers.items()},
        tuple(_of_part(part, lists, ks, table) for part, lists in parts),
    )


def _of_part(part: Part, lists: Answers, ks: Sequence[int], whole: Table) -> PartScores:
    columns, users = whole.columns, whole.users[part.users]
    if part.tracks is None:
        values = {name: found[part.users] for name, found in whole.values.items()}
    else:  # what a list shows does not depend on which targets count: accuracy alone
        columns = tuple(metrics.names(ks))
        values = {
            name: metrics.accuracy(
                metrics.restrict(ranked, part.users, tracks=part.tracks, relevant=part.relevant), ks
            )
            for name, ranked in lists.items()
        }
    targets = int(part.relevant.sum())
    return PartScores(part.by, part.name, part.span, targets, Table(users, columns, values))


def pool(splits: Sequence[Scores]) -> Scores:
    """Put several splits of the same plays together.

    Who is asked in several of them counts once, with the mean of all: users are what is drawn anew
    for an interval. What one split has and another has not stays; but systems are those that all
    splits have.

    Parameters
    ----------
    splits : sequence of Scores
        Of the same measures; at least one.
    """
    if len(splits) == 1:
        return splits[0]
    shared = [n for n in splits[0].of_all if all(n in one.of_all for one in splits)]
    by_name: dict[tuple[str, str], list[PartScores]] = {}
    for one in splits:
        for part in one.parts:
            by_name.setdefault((part.by, part.name), []).append(part)
    return Scores(
        _pool_tables([one.table for one in splits], shared),
        {
            name: {
                metric: float(np.mean([one.of_all[name][metric] for one in splits]))
                for metric in splits[0].of_all[name]
            }
            for name in shared
        },
        tuple(_pool_parts(parts, shared) for parts in by_name.values()),
    )


def _pool_parts(parts: Sequence[PartScores], systems: Sequence[str]) -> PartScores:
    return replace(
        parts[0],
        span=(min(part.span[0] for part in parts), max(part.span[1] for part in parts)),
        targets=sum(part.targets for part in parts),
        table=_pool_tables([part.table for part in parts], systems),
    )


def _pool_tables(tables: Sequence[Table], systems: Sequence[str]) -> Table:
    users, at = np.unique(np.concatenate([t.users for t in tables]), return_inverse=True)
    values = {
        name: _means(np.concatenate([t.values[name] for t in tables]), at, len(users))
        for name in systems
    }
    return Table(users, tables[0].columns, values)


def _means(rows: FloatMatrix, at: IntVector, users: int) -> FloatMatrix:
    """Return the mean of the rows of each user, shape (users, q)."""
    totals = np.zeros((users, rows.shape[1]))
    np.add.at(totals, at, rows)
    return np.asarray(totals / np.bincount(at, minlength=users)[:, np.newaxis])
