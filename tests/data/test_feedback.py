from __future__ import annotations

import pandas as pd

from data import Vocabulary
from data.feedback import feedback_from_frames


def frame(rows: list[tuple[str, str, str, float, int]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["user_id", "track_id", "event", "count", "at"])


def test_the_rule_by_hand() -> None:
    tracks = Vocabulary(["a", "b", "c", "d"])
    frames = [
        frame(
            [
                ("v", "a", "listen", 2, 5),
                ("u", "a", "listen", 1, 1),
                ("u", "a", "like", 1, 2),
                ("u", "b", "hide", 1, 9),
                ("u", "b", "like", 1, 3),  # before the hide, though it arrived later
                ("u", "c", "dislike", 1, 4),
                ("u", "c", "like", 1, 6),
                ("u", "d", "skip", 1, 7),
            ]
        ),
        frame([("u", "unheard-of", "listen", 1, 8)]),
    ]
    feedback = feedback_from_frames(frames, tracks)
    assert list(feedback.plays.users) == ["u", "v"]
    history = feedback.history(0)
    assert history.tracks.tolist() == [0, 1, 2]
    assert history.counts.tolist() == [4.0, 3.0, 3.0]  # a like stands for three plays
    assert history.last_at.tolist() == [2, 3, 6]
    assert history.hidden.tolist() == [1]
    assert feedback.history(1).counts.tolist() == [2.0]


def test_of_equal_times_the_last_arrival_counts() -> None:
    tracks = Vocabulary(["a"])
    rows = [("u", "a", "hide", 1.0, -1), ("u", "a", "like", 1.0, -1)]
    assert feedback_from_frames([frame(rows)], tracks).history(0).hidden.tolist() == []
    rows.reverse()
    assert feedback_from_frames([frame(rows)], tracks).history(0).hidden.tolist() == [0]


def test_no_rows_are_no_users() -> None:
    feedback = feedback_from_frames([frame([])], Vocabulary(["a"]))
    assert len(feedback.plays.users) == 0
