"""Maps of the tracks: embeddings projected to a plane, as a picture or an interactive page."""

from engine.maps.projection import METHODS, project
from engine.maps.writing import COLOUR_BY, write_map

__all__ = ["COLOUR_BY", "METHODS", "project", "write_map"]
