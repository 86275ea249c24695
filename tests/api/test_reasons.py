from __future__ import annotations

import pytest

from api.reasons import sentence_of
from ranker.explain import Reason


@pytest.mark.parametrize(
    ("reason", "titles", "told"),
    [
        (Reason(sound=0.7, behaviour=0.3), ["Dusk"], "Sounds like Dusk, which you play."),
        (Reason(sound=0.7, behaviour=0.3), [], "Sounds like what you play."),
        (
            Reason(sound=0.3, behaviour=0.7),
            ["Dusk", "Dawn", "Noon"],
            "Played by people who play Dusk and Dawn, as you do.",
        ),
        (Reason(popularity=1.0), ["Dusk"], "Popular with many listeners."),
        (
            Reason(sound=1.0, rule="explore"),
            ["Dusk"],
            "New, and hardly played yet: something to discover.",
        ),
        (Reason(sound=1.0, rule="launch"), ["Dusk"], "Sounds like Dusk, which you play."),
        (Reason(rule="launch"), [], "Selected for you."),
        (Reason(), [], "One of the tracks that are left."),
    ],
)
def test_the_signal_that_weighed_most_is_told(reason: Reason, titles: list[str], told: str) -> None:
    assert sentence_of(reason, titles) == told
