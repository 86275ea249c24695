from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd
import pyarrow as pa

from data import Feedback, Vocabulary
from data.feedback import EventPart, feedback_from_parts, plays_of
from data.interactions import EVENTS


def frame(rows: list[tuple[str, str, str, float, int]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["user_id", "track_id", "event", "count", "at"])


def part(rows: pd.DataFrame) -> EventPart:
    code = rows["event"].map(EVENTS.index).to_numpy(np.int8)
    return EventPart(
        pa.array(rows["user_id"], pa.large_string()).dictionary_encode(),
        pa.array(rows["track_id"], pa.large_string()).dictionary_encode(),
        code=code,
        plays=plays_of(code, rows["count"].to_numpy(np.float64)),
        at=rows["at"].to_numpy(np.int64),
    )


def feedback_from_frames(frames: Iterable[pd.DataFrame], tracks: Vocabulary) -> Feedback:
    return feedback_from_parts(map(part, frames), tracks=tracks)


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
