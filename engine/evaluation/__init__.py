"""The yardstick: protocols, systems, metrics, intervals, reports.

::

    Interactions -> make_task -> Task -> System -> answer -> Ranked -> Scores   for each split
    Scores -> pool -> Summary -> Report
"""

from engine.bootstrap import Estimate, intervals
from engine.evaluation.answering import answer
from engine.evaluation.lineup import BASELINE, Blend
from engine.evaluation.measuring import measure
from engine.evaluation.page import write_html
from engine.evaluation.protocols import GIVEN, PROTOCOLS, Fractions, given_task, make_task
from engine.evaluation.report import render_text
from engine.evaluation.results import Difference, Report, Slice
from engine.evaluation.run import evaluate
from engine.evaluation.split import Settings
from engine.evaluation.summary import Sampling
from engine.evaluation.task import Task

__all__ = [
    "BASELINE",
    "GIVEN",
    "PROTOCOLS",
    "Blend",
    "Difference",
    "Estimate",
    "Fractions",
    "Report",
    "Sampling",
    "Settings",
    "Slice",
    "Task",
    "answer",
    "evaluate",
    "given_task",
    "intervals",
    "make_task",
    "measure",
    "render_text",
    "write_html",
]
