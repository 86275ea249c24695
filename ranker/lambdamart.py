"""LambdaMART: trees that order candidates, by LightGBM.

Burges, "From RankNet to LambdaRank to LambdaMART: An Overview", Microsoft Research, 2010. The trees
are kept as LightGBM's own text, which is read when the first score is asked for: a server without
a learned ranker never loads LightGBM.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from data.errors import DataError
from ranker.calibration import Calibration, calibrate
from ranker.features import FEATURES, NAMES, unplayed
from ranker.learning import LearningConfig
from ranker.linear import Line, train_line

if TYPE_CHECKING:
    import lightgbm

FloatMatrix = npt.NDArray[np.float32]
FloatVector = npt.NDArray[np.float64]

_MODEL, _ABOUT, _AS_JUDGED = "trees.txt", "ranker.json", "as_judged"

_CONTENDERS = 150  # candidates of a query that trees are trained on
_FEWEST = 20  # queries about unplayed tracks, below which trees order these, too
_COARSE, _FINE = 12, 255  # bins into which values are put

EVALUATED_AT = 10
"""Length of the lists by whose nDCG training is stopped."""


@dataclass(frozen=True, eq=False)
class RankingData:
    """Candidates of many queries, one query after the other.

    Attributes
    ----------
    table : ndarray of float32, shape (rows, len(FEATURES))
    labels : ndarray of int8, shape (rows,)
        1 where the user listened later.
    sizes : ndarray of int64, shape (queries,)
        Candidates of each query.
    """

    table: FloatMatrix
    labels: npt.NDArray[np.int8]
    sizes: npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class LambdaMART:
    """A trained ranker.

    Attributes
    ----------
    line : Line
        What the trees start from.
    trees : str
        LightGBM's text.
    calibration : Calibration
        From scores to the probability of a listen.
    features : tuple of str
        The columns that it was trained on.
    about : dict
        How it was trained and what it is worth, JSON values.
    of_unplayed : Line, optional
        What orders tracks that nobody has played among themselves; see `ranked`.
    as_judged : LambdaMART, optional
        The same, grown without the users by whom it was judged: a later one is compared with that.

    Raises
    ------
    DataError
        If it was trained on other features than this version computes.
    """

    line: Line
    trees: str
    calibration: Calibration
    features: tuple[str, ...] = NAMES
    about: dict[str, Any] = field(default_factory=dict)
    of_unplayed: Line | None = None
    as_judged: LambdaMART | None = None

    def __post_init__(self) -> None:
        if self.features != NAMES:
            raise DataError(
                "The learned ranker looks at other features than this version of Segue computes. "
                "Train again."
            )

    @cached_property
    def _booster(self) -> lightgbm.Booster:
        booster: lightgbm.Booster = _lightgbm().Booster(model_str=self.trees)
        return booster

    def scores(self, table: FloatMatrix) -> FloatVector:
        """Return scores of shape (m,): comparable within a query.

        Parameters
        ----------
        table : ndarray of float32, shape (m, len(FEATURES))
        """
        if not len(table):
            return np.empty(0)
        # One thread: a request has one core, and a thousand rows take a few milliseconds.
        return self.line.scores(table) + self._booster.predict(table, num_threads=1)

    def ranked(self, table: FloatMatrix) -> FloatVector:
        """Return scores of the candidates of one query, those that nobody has played put in order.

        Where these stand among all others, `scores` says. Which of them stands where, a line of
        their own says: trees learn of such tracks from the few artists that were held out whole,
        and know these again.

        Parameters
        ----------
        table : ndarray of float32, shape (m, len(FEATURES))
            Of one query.
        """
        found = self.scores(table)
        rows = np.flatnonzero(unplayed(table))
        if self.of_unplayed is not None and rows.size > 1:
            best = np.argsort(-self.of_unplayed.scores(table[rows]), kind="stable")
            found[rows[best]] = np.sort(found[rows])[::-1]
        return found

    def contributions(self, table: FloatMatrix) -> FloatVector:
        """Return what each feature adds to each score, shape (m, len(FEATURES)).

        Shapley values of the trees: Lundberg et al., "From Local Explanations to Global
        Understanding with Explainable AI for Trees", Nature Machine Intelligence 2, 2020, and the
        terms of the line. A row adds up to the score, less the mean score of the trees in training.
        """
        if not len(table):
            return np.empty((0, len(FEATURES)))
        found = self._booster.predict(table, pred_contrib=True, num_threads=1)
        return self.line.contributions(table) + np.asarray(found, np.float64)[:, :-1]

    def save(self, directory: Path) -> None:
        """Write it to a directory, which is made."""
        directory.mkdir(parents=True)
        about = {
            "features": list(self.features),
            "line": {"means": list(self.line.means), "weights": list(self.line.weights)},
            "calibration": {
                "scores": list(self.calibration.scores),
                "probabilities": list(self.calibration.probabilities),
            },
            "of_unplayed": None if self.of_unplayed is None else asdict(self.of_unplayed),
            "about": self.about,
        }
        (directory / _MODEL).write_text(self.trees, "utf-8")
        (directory / _ABOUT).write_text(json.dumps(about, indent=1, allow_nan=False), "utf-8")
        if self.as_judged is not None:
            self.as_judged.save(directory / _AS_JUDGED)

    @classmethod
    def load(cls, directory: Path) -> LambdaMART:
        """Read what `save` wrote.

        Raises
        ------
        OSError, ValueError, KeyError, DataError
            If it cannot be read, or is of another version.
        """
        about = json.loads((directory / _ABOUT).read_text("utf-8"))
        curve = about["calibration"]
        of_unplayed = about.get("of_unplayed")
        return cls(
            _line(about["line"]),
            (directory / _MODEL).read_text("utf-8"),
            Calibration(tuple(curve["scores"]), tuple(curve["probabilities"])),
            tuple(about["features"]),
            about["about"],
            None if of_unplayed is None else _line(of_unplayed),
            cls.load(directory / _AS_JUDGED) if (directory / _AS_JUDGED).is_dir() else None,
        )


def _line(told: Mapping[str, Sequence[float]]) -> Line:
    return Line(tuple(told["means"]), tuple(told["weights"]))


def train_lambdamart(
    train: RankingData,
    *,
    stop: RankingData,
    config: LearningConfig,
    seed: int = 0,
    threads: int = 0,
) -> LambdaMART:
    """Train trees, until they get no better on other queries.

    Parameters
    ----------
    train : RankingData
    stop : RankingData
        Other queries, on which the number of trees and the calibration are chosen.
    config : LearningConfig
    seed : int
        The same data, settings and seed give the same trees, whatever the number of threads.
    threads : int
        Of LightGBM; 0 for one a core.

    Raises
    ------
    DataError
        If either part has no listen, or no miss, or no listen among its contenders.
    """
    for name, part in (("train", train), ("stop", stop)):
        if not part.labels.any() or part.labels.all():
            raise DataError(f"A ranker needs listens and misses to {name} with. Import more plays.")
    lgb = _lightgbm()
    line = train_line(train.table, train.labels, train.sizes, penalty=config.line_penalty)
    learnt, other = (
        _dataset(lgb, part, line, name=name) for name, part in (("train", train), ("stop", stop))
    )
    booster = lgb.train(
        {**_parameters(config, seed), "num_threads": threads},
        learnt,
        num_boost_round=config.trees,
        valid_sets=[other.set_reference(learnt)],
        callbacks=[lgb.early_stopping(config.patience, verbose=False)],
    )
    trees = booster.model_to_string(num_iteration=booster.best_iteration)
    found = LambdaMART(line, trees, Calibration((0.0,), (0.5,)))
    about = {"trees": booster.best_iteration, "settings": config.model_dump(mode="json")}
    calibration = calibrate(found.scores(stop.table), stop.labels.astype(np.float64))
    of_unplayed = _train_of_unplayed(train, penalty=config.line_penalty)
    return replace(found, calibration=calibration, about=about, of_unplayed=of_unplayed)


def _train_of_unplayed(data: RankingData, *, penalty: float) -> Line | None:
    """Fit a line to the queries that only tracks which nobody has played could answer."""
    starts = np.r_[0, np.cumsum(data.sizes)[:-1]]
    asked = np.logical_and.reduceat(unplayed(data.table), starts)
    if asked.sum() < _FEWEST:
        return None
    rows = np.repeat(asked, data.sizes)
    return train_line(data.table[rows], data.labels[rows], data.sizes[asked], penalty=penalty)


def contenders(data: RankingData, scores: FloatVector) -> RankingData:
    """Keep the candidates that have a say in the first ranks: the best of each query.

    Parameters
    ----------
    data : RankingData
    scores : ndarray of float64, shape (rows,)
        Of the line: trees move candidates, but not from the end to the front. A listen out there
        is left out, too: were it alone kept, a low score would be the mark of a listen.
    """
    queries = np.repeat(np.arange(len(data.sizes)), data.sizes)
    order = np.lexsort((-scores, queries))
    starts = np.r_[0, np.cumsum(data.sizes)[:-1]]
    place = np.empty(len(scores), np.int64)
    place[order] = np.arange(len(scores)) - np.repeat(starts, data.sizes)
    kept = place < _CONTENDERS
    listens = np.bincount(queries[kept], data.labels[kept], minlength=len(data.sizes))
    kept &= listens[queries] > 0  # a query without a listen teaches nothing
    sizes = np.bincount(queries[kept], minlength=len(data.sizes))
    return RankingData(data.table[kept], data.labels[kept], sizes[sizes > 0])


def _dataset(lgb: Any, data: RankingData, line: Line, *, name: str) -> Any:
    kept = contenders(data, line.scores(data.table))
    if not len(kept.sizes):
        raise DataError(
            f"A ranker has no listen to {name} with among the first {_CONTENDERS} candidates. "
            "Import more plays."
        )
    start = line.scores(kept.table)
    return lgb.Dataset(kept.table, kept.labels, group=kept.sizes, init_score=start)


def _parameters(config: LearningConfig, seed: int) -> dict[str, Any]:
    return {
        "objective": "lambdarank",
        "metric": "ndcg",
        "eval_at": [EVALUATED_AT],
        "lambdarank_truncation_level": config.truncation,
        "learning_rate": config.learning_rate,
        "num_leaves": config.leaves,
        "min_data_in_leaf": config.rows_in_leaf,
        "lambda_l2": config.l2,
        "feature_fraction": config.feature_fraction,
        "monotone_constraints": [f.monotone for f in FEATURES],
        "monotone_constraints_method": "intermediate",
        "max_bin_by_feature": [_COARSE if f.of_track else _FINE for f in FEATURES],
        "deterministic": True,
        "force_row_wise": True,
        "seed": seed,
        "verbosity": -1,
    }


def importances(model: LambdaMART, table: FloatMatrix) -> Sequence[tuple[str, float]]:
    """Return how much each feature moves scores, the mean of absolute contributions, most first.

    Parameters
    ----------
    model : LambdaMART
    table : ndarray of float32, shape (m, len(FEATURES))
        Candidates.
    """
    moved = np.abs(model.contributions(table)).mean(axis=0)
    order = np.argsort(-moved, kind="stable")
    return [(NAMES[at], float(moved[at])) for at in order.tolist()]


def _lightgbm() -> Any:
    """Import LightGBM, which takes a second, where it is really used.

    Raises
    ------
    DataError
        If its library cannot be loaded.
    """
    try:
        import lightgbm
    except OSError as error:
        raise DataError(
            f"LightGBM cannot be loaded: {error}. Install the system's libgomp (Debian: libgomp1)."
        ) from None
    return lightgbm
