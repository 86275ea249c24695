"""`segue similar`: tracks like a track of the catalogue, or like a sound file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from api.answers import duplicate_of, item_documents, listener_documents, passage_words
from api.cli.output import json_option, print_json, print_table
from api.cli.session import Session, with_existing_home
from data.errors import BundleError, ParameterError, UnknownTrack
from engine.bundle import BundleContents
from engine.request import SIMILARITIES, Item
from engine.similarity import Listener, SimilarTracks
from engine.spaces import stored_contents


@click.command(name="similar")
@click.argument("track")
@click.option("-n", "n", type=int, default=20, show_default=True, help="How many tracks.")
@click.option(
    "--by",
    type=click.Choice(SIMILARITIES),
    default=None,
    show_default="hybrid; audio for a file",
)
@json_option
@with_existing_home
def command(session: Session, track: str, n: int, by: str | None, as_json: bool) -> None:
    """Find tracks like TRACK: a track id, or a sound file (MP3, OGG, FLAC, WAV).

    A track id wins over a file of the same name; write ./NAME for the file. In a home that has
    embeddings but no bundle yet, sound alone answers.
    """
    if not track:
        raise ParameterError("TRACK must be a track id or a sound file. Received: ''.")
    known = _known(session)
    index = known.contents.catalog.tracks.get(track)
    listeners: tuple[Listener, ...] = ()
    same: str | None = None
    if index is not None:
        items = known.similar.to_track(index, n, by=by or "hybrid")
    else:
        _check_no_newcomer(session, known, track)
        items, listeners, same = _of_file(known, track, n, by)
    documents = item_documents(items, known.contents.catalog)
    likely = listener_documents(listeners, known.contents.users)
    if as_json:
        document = {"track": track, "items": documents, "bundle": known.bundle}
        of_file = {"listeners": likely, "duplicate_of": same}
        print_json({**document, **of_file} if index is None else document)
        return
    _print_items(documents)
    if likely:
        click.echo("Likely listeners: " + ", ".join(d["user_id"] for d in likely[:10]))
    if same is not None:
        click.echo(f"The same recording as: {same}")


def _print_items(documents: list[dict[str, Any]]) -> None:
    columns = ["rank", "track_id", "title", "artist", "score", "sources"]
    rows = [
        [rank, d["track_id"], d["title"], d["artist"], d["score"], "+".join(d["sources"])]
        for rank, d in enumerate(documents, start=1)
    ]
    if any("segments" in d for d in documents):
        columns.append("where")
        for row, d in zip(rows, documents, strict=True):
            row.append(passage_words(d["segments"][0]) if "segments" in d else None)
    print_table(columns, rows)


@dataclass(frozen=True)
class _Known:
    """What answers: the current bundle (its id), or the store's embeddings (None)."""

    contents: BundleContents
    similar: SimilarTracks
    bundle: str | None


def _known(session: Session) -> _Known:
    if session.registry.current_id() is not None:
        models = session.models()
        return _Known(models.bundle.contents, models.similar, models.bundle.id)
    settings = session.settings
    with session.store() as store:
        contents = stored_contents(store, session.home, settings.engine)
    neighbours = settings.engine.neighbours
    return _Known(contents, SimilarTracks(contents, settings.ranker, neighbours=neighbours), None)


def _check_no_newcomer(session: Session, known: _Known, track: str) -> None:
    """Refuse a track of the store that the bundle does not hold."""
    if known.bundle is None:
        return
    with session.store() as store:
        found = store.get_track(track)
    if found is not None:
        raise UnknownTrack(
            f"The track {track!r} came after the current bundle. `segue train` takes it in."
        )


def _of_file(
    known: _Known, name: str, n: int, by: str | None
) -> tuple[tuple[Item, ...], tuple[Listener, ...], str | None]:
    """Return what is like a file, who would want it, and the track that is the same recording."""
    if not Path(name).exists():
        raise UnknownTrack(
            f"There is no track and no file {name!r}. `GET /v1/tracks?q=` or `segue export tracks` "
            "lists the tracks of the catalogue."
        )
    if by not in (None, "audio"):
        raise ParameterError(
            f"`--by` must be audio for a file, which nobody has played. Received: {by!r}."
        )
    acoustic = known.contents.acoustic
    if acoustic is None or acoustic.encoder is None:
        raise BundleError(
            "There is no audio encoder to the embeddings in use, so a file cannot be placed among "
            "the tracks. `segue train` with tracks that have audio, and with `engine.embeddings` "
            "other than imported, brings one."
        )
    # Imported here, since it brings TensorFlow along, which a track of the catalogue needs not.
    from engine.hear import hear_file

    heard = hear_file(Path(name), acoustic.encoder)
    items = known.similar.to_vector(heard.embedding, n, chunks=heard.segments)
    listeners = known.similar.listeners_of_vector(heard.embedding, n)
    return items, listeners, duplicate_of(heard, known.contents)
