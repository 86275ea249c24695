"""Systems learnt from the training part of a task, each by a function of its own."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from cf_model import ALSModel, CFConfig, FoldIn, gram_matrix, train_als
from cf_model.linear import train_linear
from cf_model.neighbours import train_neighbours
from cf_model.prior import PriorConfig
from data.interactions import Interactions
from engine.evaluation.systems import ByHistory, Factors, System
from engine.evaluation.task import Task
from engine.profile import audio_profiles
from engine.sound_prior import with_sound
from engine.taste import TasteConfig, TasteSystem, histories_of

FloatMatrix = npt.NDArray[np.float32]
IntVector = npt.NDArray[np.int32]
Progress = Callable[[int, int, str], None]


def popularity(task: Task) -> System:
    """Count the listeners of each candidate in the training part."""
    listeners = _listeners(task).astype(np.float32)
    ones = np.ones((len(task), 1), np.float32)
    known = np.ones(len(task), np.bool_)
    return Factors("popularity", ones, listeners[:, np.newaxis], known, listeners > 0)


def neighbours(task: Task, walk: tuple[float, float]) -> System:
    """Find item neighbours in the training part; `walk` is (user_power, popularity)."""
    model = train_neighbours(task.train.matrix(), user_power=walk[0], popularity=walk[1])
    return ByHistory("neighbours", model, task)


def ease(task: Task, penalty: float) -> System:
    """Solve a linear item model on the training part."""
    return ByHistory("ease", train_linear(task.train.matrix(), penalty=penalty), task)


def als(task: Task, model: ALSModel, *, name: str = "als") -> System:
    """Fold the tested users in from their histories into ALS of the training part."""
    users = FoldIn(model.item_factors, model.config).users(task.history)
    items = model.item_factors[task.candidates]
    return Factors.of(name, users, items, known_items=_listeners(task) > 0)


def learn_als(
    plays: Interactions, config: CFConfig, *, seed: int, progress: Progress | None = None
) -> ALSModel:
    """Train ALS on the training part of a task, say."""
    rng = np.random.default_rng([seed, config.seed])
    return train_als(plays, config, rng=rng, progress=progress)


def refit(task: Task, config: CFConfig, *, seed: int, progress: Progress | None = None) -> System:
    """Train ALS on the training part *and* the tested users' histories: the mark of folding in."""
    assert task.shown is not None, "the task says what was shown of its users"
    both = (task.train, task.shown)
    user, track, count, at = (
        np.concatenate([getattr(one, name) for one in both])
        for name in ("user", "track", "count", "at")
    )
    plays = Interactions(task.train.users, task.train.tracks, user, track, count, at)
    model = learn_als(plays, config, seed=seed, progress=progress)
    users = model.user_factors[task.users]
    items = model.item_factors[task.candidates]
    return Factors.of("als-refit", users, items, known_items=_listeners(task) > 0)


def als_sound(
    task: Task,
    model: ALSModel,
    embeddings: FloatMatrix,
    *,
    artists: IntVector,
    config: PriorConfig,
    seed: int,
    name: str = "als-sound",
) -> System | None:
    """Give the tracks of ALS the factors that sound predicts, the less the more they were played.

    Parameters
    ----------
    task : Task
    model : ALSModel
        Of the training part.
    embeddings : ndarray of float32, shape (t, d)
        A zero row for a track without one.
    artists : ndarray of int32, shape (t,)
    config : PriorConfig
    seed : int
    name : str

    Returns
    -------
    System or None
        None where too few tracks have both plays and an embedding.
    """
    found = with_sound(
        model, task.train, embeddings, artists=artists, config=config, seed=[seed, 2]
    )
    if found is None:
        return None
    gram = gram_matrix(model.item_factors)
    users = FoldIn(found.item_factors, model.config, gram=gram).users(task.history)
    items = found.item_factors[task.candidates]
    return Factors.of(name, users, items)


def audio(
    task: Task, embeddings: FloatMatrix, config: TasteConfig, *, name: str = "audio"
) -> System:
    """Find the centres of taste in sound of the tested users.

    Parameters
    ----------
    task : Task
    embeddings : ndarray of float32, shape (t, d)
        Normalised to length 1; a zero row for a track without an embedding.
    config : TasteConfig
    name : str
    """
    if task.shown is None:
        histories = histories_of(task.history)
    else:
        histories = (task.shown.history(int(user)) for user in task.users)
    return TasteSystem.of(
        histories, embeddings, candidates=task.candidates, config=config, name=name
    )


def audio_mean(task: Task, embeddings: FloatMatrix) -> System:
    """Take the mean embedding of each tested user's tracks; `embeddings` as for `audio`."""
    users = audio_profiles(task.history, embeddings)
    items = embeddings[task.candidates]
    return Factors.of("audio-mean", users, items)


def shuffle_embeddings(embeddings: FloatMatrix, *, rng: np.random.Generator) -> FloatMatrix:
    """Deal the vectors anew to the tracks that have one; zero rows stay where they are."""
    known = np.flatnonzero(embeddings.any(axis=1))
    shuffled = embeddings.copy()
    shuffled[known] = embeddings[rng.permutation(known)]
    return shuffled


def _listeners(task: Task) -> npt.NDArray[np.int64]:
    counts: npt.NDArray[np.int64] = task.train.matrix().getnnz(axis=0)[task.candidates]
    return counts
