"""`segue evaluate`: measures the quality of recommendations."""

from __future__ import annotations

import json
from pathlib import Path

import click
from click.core import ParameterSource

from api.cli.lazy import LazyGroup
from api.cli.output import json_file_option, progress_bar, say
from api.cli.session import Session, with_session
from data.errors import DataError
from engine.evaluation import PROTOCOLS, Settings, evaluate, render_text, write_html, write_json
from engine.spaces import embeddings_in_use


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
@click.option("-k", "ks", type=int, multiple=True, default=(10, 20), show_default=True)
@click.option("--seed", type=int, default=0, show_default=True)
@json_file_option
@click.option(
    "--html",
    "html_file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Also write the report as a page.",
)
@with_session
def command(
    session: Session,
    *,
    protocol: str | None,
    ks: tuple[int, ...],
    seed: int,
    json_file: Path | None,
    html_file: Path | None,
) -> None:
    """Compare popularity, ALS, audio profile and their fusion on held-out plays.

    Models are trained on the rest, with the settings of this home; nothing that is served
    changes.
    """
    if click.get_current_context().invoked_subcommand is not None:
        _hand_over(session)
        return
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
            settings=Settings(ranker=session.settings.ranker),
        )
    if html_file is not None:
        write_html(report, html_file)
        say(f"Wrote {html_file}.")
    if json_file is not None and str(json_file) == "-":
        click.echo(json.dumps(report.as_dict(), indent=2))
        return
    if json_file is not None:
        write_json(report, json_file)
        say(f"Wrote {json_file}.")
    click.echo(render_text(report))


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
