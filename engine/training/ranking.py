"""The stage of the ranker: learnt, taken over, or left to rank fusion."""

from __future__ import annotations

from data.errors import DataError
from data.interactions import Interactions
from engine.bundle import Bundle, BundleContents
from engine.gate import keeping_factors
from engine.ranking import Recipe, Trial, learn_ranker
from engine.training.run import Run
from ranker.lambdamart import LambdaMART


def recipe_of(run: Run, contents: BundleContents, factors_of: Bundle | None) -> Recipe:
    """Return how the models of the new bundle are made.

    Parameters
    ----------
    run : Run
    contents : BundleContents
    factors_of : Bundle, optional
        Whose factors are kept, where that is so.
    """
    settings = run.sections
    recipe = Recipe(
        settings.cf,
        settings.prior,
        settings.taste,
        settings.ranker,
        settings.learning,
        settings.cf.seed,
    )
    return recipe if factors_of is None else keeping_factors(factors_of, contents, recipe)


def learn_to_rank(
    run: Run, plays: Interactions, contents: BundleContents, parent: Bundle | None, recipe: Recipe
) -> tuple[LambdaMART | None, Trial | None]:
    """Learn to rank, and report what that is worth.

    Returns
    -------
    tuple of (LambdaMART or None, Trial or None)
        The ranker, None where rank fusion is to blend (the report says why); and what it was tried
        on.
    """
    if run.start.warm and parent is not None:
        _keep_verdict(run, parent)
        return parent.contents.ranker, None
    if run.sections.ranker.blend == "fusion":
        run.report.unranked = "`ranker.blend` is 'fusion'"
        return None, None
    run.listeners.say("Learning to rank.")
    with run.timed("ranker"):
        return _learnt(run, plays, contents, recipe)


def _keep_verdict(run: Run, parent: Bundle) -> None:
    """Tell of the ranker that is taken over what was told of it before."""
    told = parent.manifest.metrics
    run.report.ranker = told.get("ranker")
    run.report.unranked = told.get("unranked", "")
    if parent.contents.ranker is None and not run.report.unranked:
        run.report.unranked = "the bundle before has no learned ranker"


def _learnt(
    run: Run, plays: Interactions, contents: BundleContents, recipe: Recipe
) -> tuple[LambdaMART | None, Trial | None]:
    try:
        found = learn_ranker(
            plays,
            contents.catalog,
            acoustic=contents.acoustic,
            duplicates=contents.duplicates,
            recipe=recipe,
            progress=run.listeners.progress,
        )
    except DataError as error:  # too few plays, or no LightGBM: fusion needs neither
        run.report.unranked = str(error)
        return None, None
    run.report.ranker = found.verdict.document()
    run.report.unranked = found.verdict.objection
    return None if run.report.unranked else found.model, found.trial
