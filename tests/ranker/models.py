"""Learned rankers whose scores can be worked out by hand, and tables of features."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np

from ranker.calibration import Calibration
from ranker.features import NAMES
from ranker.lambdamart import LambdaMART, RankingData, train_lambdamart
from ranker.learning import LearningConfig
from ranker.linear import Line

HALF = Calibration((-1.0, 1.0), (1 / 4, 3 / 4))
"""A score of 0 is one half, and each -log 3 or +log 3 per unit in logits."""


def table_of(rows: int, **columns: object) -> np.ndarray:
    """Make a table of features, float32, NaN where a column is not given."""
    table = np.full((rows, len(NAMES)), np.nan, np.float32)
    for name, values in columns.items():
        table[:, NAMES.index(name)] = values
    return table


def line_of(**weights: float) -> Line:
    """Make a line of some weights, with means of 0."""
    return Line((0.0,) * len(NAMES), tuple(float(weights.get(name, 0)) for name in NAMES))


def data_of(table: np.ndarray, labels: object, size: int) -> RankingData:
    """Make ranking data of queries of `size` candidates each."""
    marked = np.array(labels, np.int8)
    return RankingData(table, marked, np.full(len(marked) // size, size, np.int64))


@cache
def _stumps() -> LambdaMART:
    """Train trees that could not split, so that they add nothing."""
    data = data_of(table_of(40, age=np.arange(40.0)), [1, 0] * 20, 2)
    config = LearningConfig(trees=1, rows_in_leaf=1000)
    return train_lambdamart(data, stop=data, config=config, threads=1)


def linear_model(**weights: float) -> LambdaMART:
    """Make a ranker whose score is the sum of weight times feature."""
    return replace(_stumps(), line=line_of(**weights), calibration=HALF)
