"""The styles of the sample, most different first: the first `n` are taken."""

from __future__ import annotations

from data.errors import ParameterError
from data.sample import styles_acoustic as acoustic
from data.sample import styles_electronic as electronic
from data.sample.style import Style

STYLES: tuple[Style, ...] = (
    electronic.AMBIENT,
    electronic.TECHNO,
    acoustic.JAZZ,
    acoustic.FOLK,
    acoustic.ROCK,
    electronic.CHIPTUNE,
    acoustic.ORCHESTRAL,
    electronic.DRUM_AND_BASS,
    electronic.LO_FI,
    acoustic.DUB,
    electronic.SYNTHWAVE,
    acoustic.GAMELAN,
)


def first_styles(count: int) -> tuple[Style, ...]:
    """Return the first `count` styles.

    Raises
    ------
    ParameterError
        If there are not so many, or none is asked for.
    """
    if not 1 <= count <= len(STYLES):
        raise ParameterError(f"`styles` must be from 1 to {len(STYLES)}. Received: {count!r}.")
    return STYLES[:count]
