"""Which bundles there are, and which one is current."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from data.errors import BundleError
from data.files import write_atomically
from engine.bundle.manifest import Manifest, read_manifest
from engine.bundle.reader import Bundle, problems


class BundleRegistry:
    """The bundles of one home.

    The pointer is the file `current`: a JSON list of bundle ids in the order of their
    publication, the last one being current. It is replaced in one step, so that a reader finds
    the old list or the new one.

    Parameters
    ----------
    root : Path
        Directory of bundles; need not exist.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    @property
    def pointer(self) -> Path:
        """The file that names the current bundle."""
        return self.root / "current"

    def ids(self) -> list[str]:
        """Return the ids of all bundles, oldest first."""
        if not self.root.is_dir():
            return []
        return sorted(p.name for p in self.root.iterdir() if p.is_dir() and p.name[0] != ".")

    def manifests(self) -> list[Manifest]:
        """Return the manifests of all readable bundles, oldest first."""
        found = []
        for bundle_id in self.ids():
            try:
                found.append(read_manifest(self.root / bundle_id))
            except BundleError:
                continue
        return found

    def published(self) -> list[str]:
        """Return the ids in the order of their publication; the last one is current.

        Raises
        ------
        BundleError
            If the pointer is unreadable.
        """
        try:
            found = json.loads(self.pointer.read_text("utf-8"))
        except FileNotFoundError:
            return []
        except (OSError, ValueError):
            found = None
        if not isinstance(found, list) or not all(isinstance(i, str) for i in found):
            raise BundleError(
                "The pointer to the current bundle is unreadable. "
                "Name one again with `segue bundle publish ID`."
            )
        return found

    def current_id(self) -> str | None:
        """Return the id of the current bundle, if any was published."""
        published = self.published()
        return published[-1] if published else None

    def open_current(self, *, verify: bool = True) -> Bundle:
        """Open the current bundle.

        Raises
        ------
        BundleError
            If none was published, or it is corrupt.
        """
        bundle_id = self.current_id()
        if bundle_id is None:
            raise BundleError("There is no bundle yet. Make one with `segue train`.")
        return Bundle.open(self.root / bundle_id, verify=verify)

    def resolve(self, bundle_id: str) -> str:
        """Return the one bundle id that is, or starts with, the given text.

        Raises
        ------
        BundleError
            If none or several do.
        """
        ids = self.ids()
        found = [i for i in ids if i == bundle_id] or [i for i in ids if i.startswith(bundle_id)]
        if len(found) != 1:
            fault = "There is no bundle" if not found else "Several bundles start with"
            raise BundleError(f"{fault} {bundle_id!r}. `segue bundle list` names them.")
        return found[0]

    def verify(self, bundle_id: str) -> list[str]:
        """Return what is wrong with a bundle; an empty list if nothing is."""
        path = self.root / self.resolve(bundle_id)
        found = list(problems(path, read_manifest(path), hashes=True))
        if not found:
            Bundle.open(path, verify=False)
        return found

    def publish(self, bundle_id: str) -> str:
        """Make a bundle current, after opening and checking it.

        Raises
        ------
        BundleError
            If it is missing or corrupt; the current one stays.
        """
        bundle_id = self.resolve(bundle_id)
        Bundle.open(self.root / bundle_id)
        try:
            published = [i for i in self.published() if i != bundle_id]
        except BundleError:
            published = []
        self._point([*published, bundle_id])
        return bundle_id

    def rollback(self) -> str:
        """Make the bundle that was current before current again, and return its id.

        Raises
        ------
        BundleError
            If there is none, or it is corrupt; the current one stays.
        """
        published = [i for i in self.published() if (self.root / i).is_dir()]
        if len(published) < 2:
            raise BundleError("There is no earlier bundle to roll back to.")
        Bundle.open(self.root / published[-2])
        self._point(published[:-1])
        return published[-2]

    def prune(self, keep: int) -> list[str]:
        """Delete all but the newest `keep` bundles and the current one; return what went."""
        current = self.current_id()
        doomed = [i for i in self.ids()[:-keep] if i != current]
        if doomed:
            self._point([i for i in self.published() if i not in doomed])
        for bundle_id in doomed:
            shutil.rmtree(self.root / bundle_id, ignore_errors=True)
        return doomed

    def _point(self, published: list[str]) -> None:
        write_atomically(self.pointer, json.dumps(published).encode())
