"""`segue similar`: tracks like a track of the catalogue, or like a sound file."""

from __future__ import annotations

from pathlib import Path

import click

from api.answers import item_documents, listener_documents
from api.cli.output import json_option, print_json, print_table
from api.cli.session import Session, with_session
from data.errors import BundleError, ParameterError, UnknownTrack
from engine.live import Models
from engine.request import SIMILARITIES, Item
from engine.similarity import Listener


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
@with_session
def command(session: Session, track: str, n: int, by: str | None, as_json: bool) -> None:
    """Find tracks like TRACK: a track id, or a sound file (MP3, OGG, FLAC, WAV).

    A track id wins over a file of the same name; write ./NAME for the file.
    """
    models = session.models()
    index = models.recommender.catalog.tracks.get(track)
    listeners: tuple[Listener, ...] = ()
    if index is not None:
        items = models.similar.to_track(index, n, by=by or "hybrid")
    else:
        items, listeners = _of_file(models, track, n, by)
    catalog = models.recommender.catalog
    documents = item_documents(items, catalog)
    likely = listener_documents(listeners, models.bundle.contents.users)
    if as_json:
        document = {"track": track, "items": documents, "bundle": models.bundle.id}
        print_json({**document, "listeners": likely} if index is None else document)
        return
    rows = [
        [rank, d["track_id"], d["title"], d["artist"], d["score"], "+".join(d["sources"])]
        for rank, d in enumerate(documents, start=1)
    ]
    print_table(["rank", "track_id", "title", "artist", "score", "sources"], rows)
    if likely:
        click.echo("Likely listeners: " + ", ".join(d["user_id"] for d in likely[:10]))


def _of_file(
    models: Models, name: str, n: int, by: str | None
) -> tuple[tuple[Item, ...], tuple[Listener, ...]]:
    if not Path(name).exists():
        raise UnknownTrack(
            f"There is no track and no file {name!r}. `GET /v1/tracks?q=` or `segue export tracks` "
            "lists the tracks of the catalogue."
        )
    if by not in (None, "audio"):
        raise ParameterError(
            f"`--by` must be audio for a file, which nobody has played. Received: {by!r}."
        )
    acoustic = models.bundle.contents.acoustic
    if acoustic is None or acoustic.encoder is None:
        raise BundleError(
            "The current bundle has no audio encoder, so a file cannot be placed among its "
            "tracks. Tracks with audio and `engine.embeddings` other than imported give it one."
        )
    # Imported here, since it brings TensorFlow along, which a track of the catalogue needs not.
    from engine.hear import embed_file

    vector = embed_file(Path(name), acoustic.encoder)
    return models.similar.to_vector(vector, n), models.similar.listeners_of_vector(vector, n)
