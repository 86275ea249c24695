"""`segue evaluate`: measures the quality of recommendations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from api.cli import off_policy
from api.cli.lazy import LazyGroup
from api.cli.out_files import OutFile
from api.cli.output import (
    days_option,
    give_report,
    json_file_option,
    progress_bar,
    say,
    window_option,
)
from api.cli.session import Session, with_existing_home
from api.cli.table_files import InTable, check_there
from api.cli.values import FiniteRange, seed_option
from data.catalog import Catalog
from data.errors import DataError, ParameterError
from data.interactions import Interactions
from data.readers import read_interactions
from engine.evaluation import (
    PROTOCOLS,
    Blend,
    Fractions,
    Settings,
    evaluate,
    render_text,
    write_html,
)
from engine.spaces import embeddings_in_use
from engine.tuning import choose_models

Progress = Callable[[int, int, str], None]


@click.group(
    name="evaluate",
    cls=LazyGroup,
    lazy={
        "audio": "Measure the audio encoder on artists it never heard.",
        "duplicates": "Measure how surely re-encodings of a recording are found.",
    },
    modules="api.cli.evaluate_{}_command",
    invoke_without_command=True,
    subcommand_metavar="[COMMAND [ARGS]...]",
)
@click.option(
    "--protocol",
    type=click.Choice(list(PROTOCOLS)),
    default=None,
    show_default="temporal if every play has a time, else random",
    help="What is held out.",
)
@click.option(
    "--held-out",
    "held_out",
    type=InTable("listens"),
    metavar="FILE",
    help="Instead of a part of the plays: ask for those of a listens file.",
)
@click.option(
    "--test-fraction",
    type=float,
    default=0.2,
    show_default=True,
    help="How much is held out: of plays, artists or users, by protocol.",
)
@click.option(
    "--repeats",
    type=click.IntRange(min=1, max=100),
    default=1,
    show_default=True,
    help="Splits that are measured together, by seeds from --seed on: narrower intervals, for so "
    "many times the time. Not where plays are parted by time or by --held-out.",
)
@click.option(
    "--tune",
    type=float,
    metavar="SECONDS",
    help="Search settings by the training part alone: for so long each of ALS and of ALS with one "
    "penalty for all, and a few of EASE and of item neighbours, which are then compared, too.",
)
@click.option(
    "--validation",
    type=InTable("listens"),
    metavar="FILE",
    help="With --tune: search by the plays of a listens file instead of a part of the training "
    "part.",
)
@click.option(
    "--off-policy",
    is_flag=True,
    help="Instead of held-out plays: estimate from logged impressions what other settings of the "
    "blend would have earned. The options down to --most go with it only.",
)
@click.option(
    "--ranker",
    multiple=True,
    metavar="KEY=VALUE",
    help="A setting of [ranker] that the target has; repeatable.",
)
@click.option("--variant", metavar="EXPERIMENT/VARIANT", help="The target is this variant.")
@click.option("--experiment", metavar="NAME", help="Only impressions of this experiment.")
@window_option
@days_option
@click.option(
    "--clip",
    type=FiniteRange(0, 1_000_000, min_open=True),
    default=50.0,
    show_default=True,
    help="Greatest weight of a slot.",
)
@click.option(
    "--most",
    type=click.IntRange(min=1),
    default=20_000,
    show_default=True,
    help="Answers to replay; of more, so many are drawn.",
)
@click.option("-k", "ks", type=int, multiple=True, default=(10, 20), show_default=True)
@seed_option()
@json_file_option
@click.option(
    "--html",
    "html_file",
    type=OutFile(),
    metavar="FILE",
    help="Also write the report as a page.",
)
@with_existing_home
def command(
    session: Session,
    *,
    protocol: str | None,
    ks: tuple[int, ...],
    seed: int,
    json_file: Path | None,
    html_file: Path | None,
    **asked: Any,
) -> None:
    """Compare recommendations by plays, by sound and by both on held-out plays.

    Models are trained on the rest, with the settings of this home; nothing that is served
    changes.
    """
    if click.get_current_context().invoked_subcommand is not None:
        _hand_over(session)
        return
    _check_company(off=asked["off_policy"])
    if asked["off_policy"]:
        off_policy.run(session, asked, seed=seed, json_file=json_file)
        return
    if asked["held_out"] is not None and protocol is not None:
        raise ParameterError("`--held-out` is a protocol of its own; leave `--protocol` out.")
    if asked["validation"] is not None and asked["tune"] is None:
        raise ParameterError("`--validation` is for `--tune`, without which nothing is searched.")
    for option in ("held_out", "validation"):
        check_there(f"--{option.replace('_', '-')}", asked[option])
    with session.store() as store:
        catalog = store.load_catalog()
        plays = store.load_feedback(catalog.tracks).plays
        found = embeddings_in_use(
            store, session.home, session.settings.engine, tracks=catalog.tracks
        )
    if not len(plays):
        raise DataError("There are no plays to evaluate on. Import some: `segue import listens`.")
    with progress_bar() as progress:
        report = evaluate(
            plays,
            catalog=catalog,
            embeddings=None if found is None else found[0],
            protocol=protocol or ("temporal" if plays.has_times else "random"),
            cf=session.settings.cf,
            ks=ks,
            seed=seed,
            progress=progress,
            settings=_settings(session, catalog, asked, progress),
        )
    give_report(report.as_dict(), render_text(report), json_file)
    if html_file is not None:
        write_html(report, html_file)
        say(f"Wrote {html_file}.")


def _settings(
    session: Session, catalog: Catalog, asked: Mapping[str, Any], progress: Progress
) -> Settings:
    settings = session.settings
    choose = None
    if asked["tune"] is not None:
        choose = partial(
            choose_models,
            config=settings.cf,
            catalog=catalog,
            seconds=asked["tune"],
            held_out=_plays(asked["validation"]),
            progress=progress,
            say=say,
        )
    return Settings(
        fractions=Fractions(test=asked["test_fraction"]),
        blend=Blend(settings.ranker, settings.taste, settings.prior, settings.learning),
        held_out=_plays(asked["held_out"]),
        choose=choose,
        repeats=asked["repeats"],
    )


def _plays(file: Path | None) -> Interactions | None:
    return None if file is None else read_interactions(file)


def _check_company(*, off: bool) -> None:
    """Refuse options of off-policy estimates without it, and others with it."""
    context = click.get_current_context()
    for parameter in context.command.params:
        name = parameter.name or ""
        given = context.get_parameter_source(name) is ParameterSource.COMMANDLINE
        either = name in {"off_policy", "json_file", "seed", "own_home", "own_config"}
        if given and not either and (name in off_policy.OPTIONS) is not off:
            how = "does not go" if off else "only goes"
            raise click.UsageError(f"{parameter.opts[0]} {how} with --off-policy.")


def _hand_over(session: Session) -> None:
    """Let the command behind this one have its home and settings; other options are none of its."""
    context = click.get_current_context()
    for parameter in context.command.params:
        name = parameter.name or ""
        given = context.get_parameter_source(name) is ParameterSource.COMMANDLINE
        if given and name not in {"own_home", "own_config"}:
            word = context.invoked_subcommand
            raise click.UsageError(
                f"{parameter.opts[0]} does not go before {word!r}; say what {word!r} is to do "
                "behind it."
            )
    context.find_root().obj.update(home=session.home.root, config=session.config)
