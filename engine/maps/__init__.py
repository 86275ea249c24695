"""Maps of the tracks: embeddings projected to a plane, as a picture or an interactive page."""

from engine.maps.groups import COLOUR_BY
from engine.maps.projection import METHODS, check_embeddings, project
from engine.maps.sound import SERVICE_PATH, elsewhere, own_files
from engine.maps.writing import check_out, write_map

__all__ = [
    "COLOUR_BY",
    "METHODS",
    "SERVICE_PATH",
    "check_embeddings",
    "check_out",
    "elsewhere",
    "own_files",
    "project",
    "write_map",
]
