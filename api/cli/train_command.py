"""`segue train`: trains the models and publishes a bundle."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from api.cli.embed_command import report_bad_file, workers_option
from api.cli.output import json_option, print_json, progress_bar, say
from api.cli.session import Session, with_session
from data.errors import ParameterError, SegueError
from engine.training import train
from engine.training.report import Listeners, Start, TrainingReport
from engine.tuning import Limits, Wish


@click.command(name="train")
@click.argument(
    "part", type=click.Choice(["audio", "cf", "ranker", "all"]), default="all", required=False
)
@workers_option
@click.option(
    "--from-scratch",
    is_flag=True,
    help="With PART audio: start from initial weights, not from the pretrained encoder.",
)
@click.option(
    "--from",
    "encoder",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="With PART audio: start from the weights of this encoder, as in encoders/ of a home.",
)
@click.option(
    "--tune",
    type=float,
    metavar="SECONDS",
    help="Search settings of ALS for so long, even if that was done before.",
)
@click.option(
    "--no-tune",
    is_flag=True,
    help="Train ALS with the settings as they are: no search, nothing that one found.",
)
@click.option(
    "--warm-start",
    is_flag=True,
    help="Go on from the factors of the current bundle: a fraction of the time.",
)
@click.option("--publish/--no-publish", default=True, help="Make the new bundle the current one.")
@json_option
@with_session
def command(
    session: Session,
    part: str,
    *,
    workers: int,
    publish: bool,
    as_json: bool,
    **start: Any,
) -> None:
    """Train from what was imported, and publish a new bundle if it passes the gate.

    PART "all" (the default) trains ALS, and hears with the home's own encoder or else with the
    pretrained one; an encoder is trained only if neither fits the settings. "audio" trains the
    encoder on this home's tracks, starting from the pretrained one; "cf" trains ALS only,
    "ranker" the learned ranker only. Tracks that are new or changed are embedded in any case.

    The learned ranker is trained with each of them, on models that do not know the plays that it
    learns to foretell. It blends where it is clearly better than rank fusion, and nowhere worse.

    The first training of ALS in a home searches its settings on plays held out, for
    `engine.tune_seconds`; later ones use what was found. Settings that were set stay as they are.
    """
    begin = _start(session, part, **start)
    with session.store() as store, progress_bar() as progress:
        report = train(
            session.home,
            store,
            session.settings,
            part=part,
            workers=workers,
            publish=publish,
            start=begin,
            listeners=Listeners(progress, report_bad_file, say),
        )
    if as_json:
        bad = [{"track_id": t, "path": str(p), "reason": w} for t, p, w in report.bad_files]
        print_json({**asdict(report), "bad_files": bad})
    else:
        _tell(report)
    if report.refused:
        raise SegueError(
            f"Bundle {report.bundle} was not published: {'; '.join(report.refused)}. "
            f"The old one goes on serving{'' if report.broken else _by_hand(report.bundle)}."
        )


def _by_hand(bundle: str) -> str:
    return f"; `segue bundle publish {bundle}` replaces it all the same"


def _start(
    session: Session,
    part: str,
    *,
    from_scratch: bool,
    encoder: Path | None,
    tune: float | None,
    no_tune: bool,
    warm_start: bool,
) -> Start:
    """Return what a training begins with; `ParameterError` where options don't go together."""
    if from_scratch and part != "audio":
        raise ParameterError("`--from-scratch` is for `segue train audio`.")
    if encoder is not None and (part != "audio" or from_scratch):
        raise ParameterError("`--from` is for `segue train audio`, and not with `--from-scratch`.")
    if tune is not None and part in ("audio", "ranker"):
        raise ParameterError(f"`--tune` is for ALS, which `segue train {part}` does not train.")
    if warm_start and (part in ("audio", "ranker") or tune is not None):
        raise ParameterError(
            "`--warm-start` is for ALS with the settings that it has: not for `segue train "
            "audio` or `ranker`, and not with `--tune`."
        )
    return Start(from_scratch, encoder, warm=warm_start, wish=_wish(session, tune, no_tune=no_tune))


def _wish(session: Session, tune: float | None, *, no_tune: bool) -> Wish | None:
    if no_tune and tune is not None:
        raise ParameterError("`--tune` and `--no-tune` exclude each other. Choose one.")
    if no_tune:
        return None
    if tune is not None:
        return Wish(Limits(tune), again=True)
    seconds = session.settings.engine.tune_seconds
    return Wish(Limits(seconds) if seconds else None)


def _tell(report: TrainingReport) -> None:
    seconds = ", ".join(f"{stage} {time:.1f} s" for stage, time in report.seconds.items())
    click.echo(
        f"Learnt from {report.plays:,} plays of {report.users:,} users over {report.tracks:,} "
        f"tracks; sound: {report.acoustic} ({seconds})."
    )
    if report.ranker is not None:
        click.echo(_worth(report.ranker))
    if report.unranked:
        click.echo(f"Rank fusion blends: {report.unranked.rstrip('.')}.")
    for line in [] if report.gate is None else _compared(report.gate):
        click.echo(line)
    if report.bad_files:
        click.echo(f"{len(report.bad_files):,} sound files could not be used.")
    state = "published" if report.published else "written, not published"
    click.echo(f"Bundle {report.bundle} {state}.")


def _compared(gate: Mapping[str, Any]) -> list[str]:
    """Say how the bundle compares with the one before: a line a slice where one is worse."""
    if gate["skipped"]:
        return [f"Not compared with the current bundle: {gate['skipped']}"]
    slices = gate["slices"]
    lost = [name for name, found in slices.items() if found["verdict"] == "worse"]
    if not lost:
        gains = ", ".join(f"{n} {s['difference']['mean']:+.3f}" for n, s in slices.items())
        return [f"Not worse than the current bundle, nDCG@10: {gains or 'too few users to tell'}."]
    return [
        f"{name}: nDCG@10 {found['new']:.3f}, with the current bundle {found['old']:.3f} "
        f"({found['verdict']}; {gate['level']:.0%} interval of the difference "
        f"{found['difference']['low']:+.3f} to {found['difference']['high']:+.3f}, "
        f"{found['users']:,} users)"
        for name, found in slices.items()
    ]


def _worth(verdict: Mapping[str, Any]) -> str:
    """Say what the learned ranker is worth, next to rank fusion."""
    parts = [
        f"{name} {verdict['ndcg@10'][name]['learned']:.3f} ({gain['mean']:+.3f})"
        for name, gain in verdict["over_fusion"].items()
    ]
    return f"Learned ranker, nDCG@10 (over rank fusion): {', '.join(parts)}."
