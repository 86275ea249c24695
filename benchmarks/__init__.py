"""Every hot path beside its limit, in one run: `make bench`, or `python -m benchmarks NAME ...`.

One module a benchmark. Each says in its docstring what is measured, against which reference, and
which limit the ratio of both should keep. Nothing here fails on time: the machine is noisy, so an
absolute time proves nothing, and a ratio proves something only where both sides ran in turn.
"""

NAMES = (
    "cached_answer",
    "recommendation",
    "rules",
    "vector_search",
    "als",
    "fold_in",
    "batch",
    "reading",
    "importing",
    "evaluation",
    "embedding",
    "embedding_memory",
    "training",
)
"""The benchmarks, in the order in which they run; each module has a function `run`."""
