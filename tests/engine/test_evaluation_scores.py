from __future__ import annotations

import numpy as np
import pytest

from engine.evaluation.scores import PartScores, Scores, Table, pool


def table(users: list[int], **values: list[float]) -> Table:
    columns = {name: np.array(found)[:, np.newaxis] for name, found in values.items()}
    return Table(np.array(users, np.int32), ("ndcg@5",), columns)


def scores(whole: Table, *parts: PartScores, **coverage: float) -> Scores:
    return Scores(whole, {name: {"coverage@5": c} for name, c in coverage.items()}, parts)


def part(name: str, span: tuple[int, int], targets: int, of: Table) -> PartScores:
    return PartScores("popularity", name, span, targets, of)


ONE = scores(
    table([3, 1, 7], als=[0.0, 1.0, 0.5], blend=[0.2, 0.4, 0.6]),
    part("cold", (0, 0), 2, table([3], als=[0.1], blend=[0.3])),
    part("tail", (1, 4), 5, table([1, 7], als=[0.2, 0.4], blend=[0.6, 0.8])),
    als=0.2,
    blend=0.4,
)
OTHER = scores(
    table([1, 8], als=[0.5, 0.25], blend=[0.0, 0.5], extra=[1.0, 1.0]),
    part("tail", (1, 6), 3, table([7, 8], als=[0.0, 1.0], blend=[0.4, 0.0])),
    part("head", (7, 9), 1, table([8], als=[0.5], blend=[0.5])),
    als=0.4,
    blend=0.8,
    extra=1.0,
)


def values(of: Table) -> dict[str, dict[int, float]]:
    return {
        name: dict(zip(of.users.tolist(), found[:, 0].tolist(), strict=True))
        for name, found in of.values.items()
    }


def test_one_split_stays_as_it_is() -> None:
    assert pool([ONE]) is ONE


def test_a_user_of_several_splits_counts_once_with_the_mean() -> None:
    pooled = pool([ONE, OTHER])
    found = values(pooled.table)
    assert found["als"] == pytest.approx({1: 0.75, 3: 0.0, 7: 0.5, 8: 0.25})
    assert found["blend"] == pytest.approx({1: 0.2, 3: 0.2, 7: 0.6, 8: 0.5})


def test_systems_are_those_of_all_splits() -> None:
    for splits in ([ONE, OTHER], [OTHER, ONE]):
        pooled = pool(splits)
        assert list(pooled.of_all) == list(pooled.table.values) == ["als", "blend"]
        assert pooled.of_all["blend"]["coverage@5"] == pytest.approx(0.6)


def test_parts_are_put_together_by_name() -> None:
    cold, tail, head = pool([ONE, OTHER]).parts
    assert (cold.name, cold.span, cold.targets) == ("cold", (0, 0), 2)
    assert values(cold.table)["blend"] == pytest.approx({3: 0.3})
    assert (tail.name, tail.span, tail.targets) == ("tail", (1, 6), 8)
    assert values(tail.table)["als"] == pytest.approx({1: 0.2, 7: 0.2, 8: 1.0})
    assert (head.name, values(head.table)["als"]) == ("head", {8: 0.5})
