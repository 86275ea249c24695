"""Bundles: everything that a server needs, in one immutable, versioned directory.

`contents` names the parts, `manifest` describes them, `writer` and `reader` put them on disk and
open them, `registry` says which one is current.
"""

from engine.bundle.contents import Acoustic, Behaviour, BundleContents, Segments
from engine.bundle.manifest import Manifest
from engine.bundle.reader import Bundle
from engine.bundle.registry import BundleRegistry
from engine.bundle.writer import write_bundle

__all__ = [
    "Acoustic",
    "Behaviour",
    "Bundle",
    "BundleContents",
    "BundleRegistry",
    "Manifest",
    "Segments",
    "write_bundle",
]
