"""`segue recommend`: for one user, for all, or for a history that training never saw."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import click
import numpy as np
import pandas as pd

from api.answers import item_documents, outcome_documents
from api.cli.output import json_option, print_json, print_table, progress_bar, say
from api.cli.recommend_tables import print_items, print_rules
from api.cli.session import Session, with_existing_home
from api.cli.table_files import InTable, OutTable, check_there
from api.cli.values import FiniteRange
from api.rule_files import read_rules
from data.checks import check_id
from data.errors import ParameterError
from data.history import History
from data.id_lines import read_ids
from data.interactions import Feedback
from data.readers import read_feedback, write_recommendations
from data.vocabulary import Vocabulary
from engine.batch import recommend_many
from engine.live import Models
from engine.request import MAX_N, STRATEGIES, Request, Scope
from ranker.candidates import IntArray

COLUMNS = ["user_id", "rank", "track_id", "score"]

_ONE_OF = "Name a USER, or give one of --all-users and --history FILE."


@click.command(name="recommend")
@click.argument("user", required=False)
@click.option("--all-users", is_flag=True, help="Every user of the store.")
@click.option(
    "--history",
    type=InTable("listens"),
    metavar="FILE",
    help="The users of a listens file, folded in; the store is not asked about them.",
)
@click.option("-n", "n", type=int, default=20, show_default=True, help="How many tracks a user.")
@click.option("--strategy", type=click.Choice(STRATEGIES), default="hybrid", show_default=True)
@click.option(
    "--genre",
    "genres",
    multiple=True,
    help="Only tracks of this genre; repeatable, or several joined by |.",
)
@click.option(
    "--artist-cap", type=click.IntRange(1, MAX_N), help="At most so many tracks an artist."
)
@click.option("--diversity", type=float, default=None, help="0 (by score) to 1 (varied in sound).")
@click.option(
    "--explore",
    type=FiniteRange(0, 1),
    metavar="SHARE",
    help="Share of the slots for uncertain new tracks, with the strategy hybrid; by default "
    "`ranker.explore`. Nothing is logged.",
)
@click.option("--include-seen", is_flag=True, help="Also tracks that the user played.")
@click.option(
    "--among", type=click.Path(path_type=Path), metavar="FILE", help="Only these track ids."
)
@click.option(
    "--exclude", type=click.Path(path_type=Path), metavar="FILE", help="None of these track ids."
)
@click.option(
    "--rules",
    "rules_file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="More [[rules]] (TOML), behind those of the settings.",
)
@click.option("--placement", default=None, help="Where it will be shown: rules may ask for it.")
@click.option("--dry-run", is_flag=True, help="Say what each rule moved or removed, for one USER.")
@click.option("--explain", is_flag=True, help="Say why, for one USER.")
@click.option(
    "--out",
    type=OutTable("recommendations"),
    metavar="FILE",
    help="CSV, TSV, Parquet or JSON lines, by suffix.",
)
@json_option
@with_existing_home
def command(  # noqa: PLR0913 - one parameter an option
    session: Session,
    *,
    user: str | None,
    all_users: bool,
    history: Path | None,
    n: int,
    strategy: str,
    genres: tuple[str, ...],
    artist_cap: int | None,
    diversity: float | None,
    explore: float | None,
    include_seen: bool,
    among: Path | None,
    exclude: Path | None,
    rules_file: Path | None,
    placement: str | None,
    dry_run: bool,
    explain: bool,
    out: Path | None,
    as_json: bool,
) -> None:
    """Recommend tracks.

    An unknown USER gets what is popular, and the answer says so. --among and --exclude take a
    file with one track id a line.
    """
    if sum([user is not None, all_users, history is not None]) != 1:
        raise ParameterError(_ONE_OF)
    if dry_run and user is None:
        raise ParameterError("`--dry-run` tells of one answer. Name a USER.")
    if explain and (user is None or (out is not None and not as_json)):
        raise ParameterError(
            "`--explain` tells of the answer to one USER, in its table or with --json; a file of "
            "recommendations has no reasons. Leave one of them out."
        )
    if explore is not None and strategy != "hybrid":
        raise ParameterError(f"`--explore` is for the strategy hybrid. Received: {strategy!r}.")
    check_there("--history", history)
    rules = read_rules(rules_file) if rules_file else ()
    models = session.models()
    tracks = models.recommender.catalog.tracks
    request = Request(
        History(),
        n=n,
        strategy=strategy,
        exclude_seen=not include_seen,
        genres=_apart(genres),
        artist_cap=artist_cap,
        diversity=diversity,
        explore=explore,
        explain=explain,
        scope=Scope(placement, datetime.now(UTC), rules),
        dry_run=dry_run,
        among=_listed("--among", among, tracks) if among else None,
        exclude=_listed("--exclude", exclude, tracks) if exclude else np.empty(0, np.int32),
    )
    if user is not None:
        _one(session, models, request, user=user, out=out, as_json=as_json)
        return
    if history is not None:
        feedback = read_feedback(history, tracks)
    else:
        with session.store() as store:
            feedback = store.load_feedback(tracks)
    _many(models, feedback, request, out=out, as_json=as_json)


def _apart(genres: tuple[str, ...]) -> tuple[str, ...]:
    """Return genres one by one, as the service takes them; what names none stays as it is."""
    names = [name.strip() for several in genres for name in several.split("|")]
    return tuple(name for name in names if name) or genres


def _listed(flag: str, path: Path, tracks: Vocabulary) -> IntArray:
    """Read a file of track ids; ids that the bundle doesn't know are left out."""
    try:
        found = tracks.indices(read_ids(path.read_bytes()))
    except (OSError, UnicodeDecodeError) as error:
        raise ParameterError(f"`{flag}`: {path} cannot be read: {error}.") from None
    if not (found >= 0).any():
        raise ParameterError(f"`{flag}`: no line of {path} is the id of a known track.")
    return np.unique(found[found >= 0])


def _one(
    session: Session,
    models: Models,
    request: Request,
    *,
    user: str,
    out: Path | None,
    as_json: bool,
) -> None:
    catalog = models.recommender.catalog
    with session.store() as store:
        history = store.history(check_id("user", user), catalog.tracks)
    answer = models.recommender.recommend(replace(request, history=history, subject=user))
    items = item_documents(answer.items, catalog)
    if out is not None:
        frame = pd.DataFrame(items, columns=["track_id", "score"])
        frame.insert(0, "rank", range(1, len(frame) + 1))
        frame.insert(0, "user_id", user)
        write_recommendations(out, iter([frame]))
    rules = None if answer.rules is None else outcome_documents(answer.rules, catalog)
    if as_json:
        document = {
            "user_id": user,
            "items": items,
            "bundle": models.bundle.id,
            "fallback": answer.fallback,
        }
        print_json(document if rules is None else {**document, "rules": rules})
        return
    if answer.fallback is not None:
        say(f"Nothing personal to go by for {user!r}: these are by fallback {answer.fallback!r}.")
    if out is None:
        print_items(items)
    else:
        click.echo(f"Wrote {len(items):,} recommendations to {out}.")
    if rules is not None:
        click.echo()
        print_rules(rules)


def _many(
    models: Models, feedback: Feedback, request: Request, *, out: Path | None, as_json: bool
) -> None:
    users = range(len(feedback.plays.users))
    with progress_bar() as progress:
        frames = recommend_many(
            models.recommender, feedback, request, users=users, progress=progress
        )
        if out is not None:
            write_recommendations(out, frames)
            if not as_json:
                click.echo(f"Wrote recommendations for {len(users):,} users to {out}.")
                return
            print_json({"users": len(users), "out": str(out), "bundle": models.bundle.id})
            return
        collected = list(frames)
    table = pd.concat(collected) if collected else pd.DataFrame(columns=COLUMNS)
    if as_json:
        rows = table.to_dict(orient="records")
        print_json({"items": rows, "bundle": models.bundle.id})
    else:
        print_table(COLUMNS, table[COLUMNS].values.tolist())
