"""The last stages: the gate's comparison, the bundle on disk, and its publication."""

from __future__ import annotations

from data.errors import BundleError
from data.interactions import Interactions
from engine.bundle import Bundle, BundleContents, BundleRegistry, write_bundle
from engine.gate import compare, faults, shrinkage
from engine.ranking import Recipe, Trial
from engine.training.run import Run
from engine.training.sound import drop_unused_spaces

_RECORDED = {
    "audio",
    "cf",
    "prior",
    "taste",
    "ranker",
    "learning",
    "engine",
}  # not `data` and `api`: they hold passwords


def open_parent(registry: BundleRegistry) -> Bundle | None:
    """Open the current bundle; None where there is none or it cannot be used any more."""
    try:
        return registry.open_current(verify=False)
    except BundleError:
        return None


def objections(
    run: Run,
    plays: Interactions,
    contents: BundleContents,
    parent: Bundle | None,
    *,
    recipe: Recipe,
    trial: Trial | None,
) -> list[str]:
    """Say why the bundle should not take the place of the current one.

    Parameters
    ----------
    run : Run
    plays : Interactions
    contents : BundleContents
        Of the new bundle.
    parent : Bundle, optional
        The current one; without one there is nothing to object to.
    recipe : Recipe
        How the new one was made.
    trial : Trial, optional
        What its ranker was tried on, so that it need not be made again.
    """
    if parent is None:
        return []
    lost = shrinkage(contents, parent.contents, most=run.sections.engine.gate_loss)
    if lost or run.sections.engine.gate == "faults":
        return lost
    run.listeners.say("Comparing with the current bundle.")
    with run.timed("gate"):
        found = compare(contents, parent, plays, recipe=recipe, trial=trial)
    run.report.gate = found.document()
    return found.objections


def write(
    run: Run,
    registry: BundleRegistry,
    contents: BundleContents,
    parent: Bundle | None,
    *,
    factors_of: Bundle | None,
) -> None:
    """Write the bundle; the report has its name.

    Parameters
    ----------
    run : Run
    registry : BundleRegistry
    contents : BundleContents
    parent : Bundle, optional
        The current bundle.
    factors_of : Bundle, optional
        Whose factors are kept, where that is so.
    """
    config = run.sections.model_dump(mode="json", include=_RECORDED)
    report = run.report
    if factors_of is not None:  # users are folded in with what the factors were trained with
        config["cf"] = factors_of.manifest.config.get("cf", config["cf"])
        report.tuning = factors_of.manifest.metrics.get("tuning")
    with run.timed("write"):
        report.bundle = write_bundle(
            registry.root,
            contents,
            parent=parent.id if parent else None,
            config=config,
            metrics={
                "tracks": report.tracks,
                "users": report.users,
                "plays": report.plays,
                "embedded": int(contents.acoustic.known.sum()) if contents.acoustic else 0,
                "duplicates": report.duplicates,
                "ranker": report.ranker,
                "unranked": report.unranked,
                "gate": report.gate,
                "tuning": report.tuning,
                "seconds": report.seconds,
            },
        )


def publish(run: Run, registry: BundleRegistry, found: list[str]) -> None:
    """Publish the written bundle unless it cannot serve or there are objections."""
    report = run.report
    # Publishing compares the hashes.
    written = Bundle.open(registry.root / report.bundle, verify=False)
    broken = faults(written)
    report.refused = [*broken, *found]
    report.broken = bool(broken)
    if not report.refused:
        registry.publish(report.bundle)
        report.published = True
        registry.prune(run.sections.engine.keep_bundles)
        drop_unused_spaces(run.home, run.store, registry)
