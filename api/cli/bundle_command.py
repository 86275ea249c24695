"""`segue bundle`: lists, inspects, publishes and rolls back bundles."""

from __future__ import annotations

import click

from api.cli.output import json_option, print_json, print_table
from api.cli.session import Session, with_existing_home
from data.errors import BundleError
from engine.bundle.manifest import read_manifest


def _not_empty(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    """Refuse "", with which the id of every bundle starts."""
    if value == "":
        raise click.BadParameter("An ID must not be empty. `segue bundle list` names the bundles.")
    return value


_ID = click.argument("bundle_id", metavar="ID", callback=_not_empty)
_OPTIONAL_ID = click.argument("bundle_id", metavar="[ID]", required=False, callback=_not_empty)


@click.group(name="bundle")
def command() -> None:
    """List, inspect, publish and roll back bundles. An ID may be shortened."""


def _chosen(session: Session, bundle_id: str | None) -> str:
    found = bundle_id or session.registry.current_id()
    if found is None:
        raise BundleError("There is no bundle yet. Make one with `segue train`.")
    return session.registry.resolve(found)


@command.command(name="list")
@json_option
@with_existing_home
def list_(session: Session, as_json: bool) -> None:
    """List all bundles, oldest first."""
    current = session.registry.current_id()
    rows = [
        {
            "bundle": m.bundle_id,
            "current": m.bundle_id == current,
            "created_at": m.created_at.isoformat(timespec="seconds"),
            "tracks": m.metrics.get("tracks"),
            "users": m.metrics.get("users"),
            "sound": m.acoustic_space,
        }
        for m in session.registry.manifests()
    ]
    if as_json:
        print_json({"items": rows})
    else:
        columns = ["bundle", "current", "created_at", "tracks", "users", "sound"]
        print_table(
            columns,
            [
                [("*" if r["current"] else "") if c == "current" else r[c] for c in columns]
                for r in rows
            ],
        )


@command.command()
@_OPTIONAL_ID
@with_existing_home
def show(session: Session, bundle_id: str | None) -> None:
    """Print the manifest of a bundle (by default the current one) as JSON."""
    found = _chosen(session, bundle_id)
    print_json(read_manifest(session.registry.root / found).model_dump(mode="json"))


@command.command()
@_ID
@with_existing_home
def publish(session: Session, bundle_id: str) -> None:
    """Make a bundle the current one."""
    click.echo(f"Bundle {session.registry.publish(bundle_id)} is current.")


@command.command()
@with_existing_home
def rollback(session: Session) -> None:
    """Return to the bundle that was current before."""
    click.echo(f"Bundle {session.registry.rollback()} is current again.")


@command.command()
@_OPTIONAL_ID
@with_existing_home
def verify(session: Session, bundle_id: str | None) -> None:
    """Compare every file of a bundle (by default the current one) with its manifest."""
    found = _chosen(session, bundle_id)
    problems = session.registry.verify(found)
    if problems:
        raise BundleError(f"Bundle {found} is corrupt: {'; '.join(problems)}.")
    click.echo(f"Bundle {found} is sound.")
