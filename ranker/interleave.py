"""Team-draft interleaving: two rankings in one answer, each item with the one that chose it.

Radlinski, Kurup, Joachims, "How Does Clickthrough Data Reflect Retrieval Quality?", CIKM 2008,
section 4.2. In each round a coin decides which ranking picks first; each picks its best track that
is not picked yet. A listener who cannot tell the teams apart plays more of the better one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ranker.candidates import IntArray


@dataclass(frozen=True, eq=False)
class Draft:
    """Two rankings, interleaved.

    Attributes
    ----------
    tracks : ndarray of int32, shape (m,)
        Distinct.
    teams : ndarray of int8, shape (m,)
        0 where the first ranking chose the track, 1 where the second did.
    """

    tracks: IntArray
    teams: npt.NDArray[np.int8]


def team_draft(first: IntArray, second: IntArray, *, n: int, rng: np.random.Generator) -> Draft:
    """Interleave two rankings.

    Parameters
    ----------
    first, second : ndarray of int32
        Distinct tracks, best first.
    n : int
        How many to pick.
    rng : numpy.random.Generator
        Tosses the coins, one a round.

    Returns
    -------
    Draft
        Of min(n, distinct tracks) tracks. A ranking that has none left is passed over.
    """
    rankings = (first.tolist(), second.tolist())
    at, picked, teams = [0, 0], dict[int, None](), list[int]()
    wanted = min(n, np.union1d(first, second).size)
    starts = rng.integers(2, size=wanted).tolist()  # a round picks at least one
    for start in starts:
        for team in (start, 1 - start):
            ranking = rankings[team]
            while at[team] < len(ranking) and ranking[at[team]] in picked:
                at[team] += 1
            if len(picked) < wanted and at[team] < len(ranking):
                picked[ranking[at[team]]] = None
                teams.append(team)
    return Draft(np.fromiter(picked, np.int32, len(picked)), np.array(teams, np.int8))
