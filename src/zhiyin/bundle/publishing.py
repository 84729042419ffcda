"""The bundles of a project: publish, find the served one, keep the last few."""

from __future__ import annotations

import shutil
import time
from contextlib import suppress
from pathlib import Path

from zhiyin.bundle.manifest import Manifest
from zhiyin.bundle.reading import Bundle, load
from zhiyin.bundle.writing import MANIFEST, BundleContent, locked, unfinished, write
from zhiyin.errors import BundleError
from zhiyin.ports import Store

FOLDER = "bundles"
"""Folder of a project that holds them."""
UNLISTED_SECONDS = 86_400.0
"""A bundle that no store lists after so long was left by a training killed before it could be recorded."""


def publish(store: Store, root: Path, content: BundleContent, created: int, keep: int) -> Manifest:
    """Write the bundle, serve it, and drop all but the newest ``keep`` beside it."""
    manifest = write(root, content, created)
    summary = manifest.model_dump(exclude={"files"})
    store.record_bundle(manifest.name, summary)
    store.use_bundle(manifest.name)
    prune(store, root, keep)
    return manifest


def active(store: Store, root: Path) -> Bundle:
    """The served bundle. Raises BundleError where there is none."""
    rows = store.bundles()
    served = rows.filter(rows["active"])["name"].to_list()
    if not served:
        raise BundleError("nothing is trained yet", where=str(root), fix="run 'zhiyin train'")
    return load(root / served[0])


def use(store: Store, root: Path, name: str) -> None:
    """Serve ``name`` once every file of it is found to be whole."""
    load(root / name).verify()
    store.use_bundle(name)


def remove(store: Store, root: Path, name: str) -> None:
    """Delete a bundle. Raises BundleError for the served one and for one that the store does not list."""
    served = {row["name"]: row["active"] for row in store.bundles().to_dicts()}
    if name not in served:
        raise BundleError(f"no bundle '{name}'", fix="see 'zhiyin bundles list'")
    if served[name]:
        raise BundleError(f"bundle '{name}' is being served", fix="serve another first: 'zhiyin bundles use NAME'")
    _drop(store, root, name)


def prune(store: Store, root: Path, keep: int) -> list[str]:
    """Remove all but the newest ``keep`` bundles beside the served one, and those never listed; the names removed."""
    rows = store.bundles()
    old = rows.filter(~rows["active"])["name"].to_list()[keep:] + _unlisted(root, set(rows["name"]))
    for name in old:
        _drop(store, root, name)
    return old


def _unlisted(root: Path, listed: set[str]) -> list[str]:
    latest, found = time.time() - UNLISTED_SECONDS, []
    for path in root.glob(f"[!.]*/{MANIFEST}"):
        # It may go away meanwhile: another training prunes too.
        with suppress(FileNotFoundError):
            if path.parent.name not in listed and path.stat().st_mtime < latest:
                found.append(path.parent.name)
    return sorted(found)


def _drop(store: Store, root: Path, name: str) -> None:
    """Take a bundle off the disk, then off the list; cut short anywhere, doing it again finishes it."""
    folder = root / name
    if folder.exists():
        try:
            with locked(root):
                away = folder.rename(unfinished(root))
        except FileNotFoundError:
            pass  # Somebody else is taking it away.
        except OSError as refused:
            raise BundleError(
                f"cannot remove the bundle: {refused.strerror}", where=str(folder), fix="give access there"
            ) from refused
        else:
            shutil.rmtree(away, ignore_errors=True)
    store.drop_bundle(name)


def find(store: Store, start: str) -> str:
    """The one bundle whose name begins with ``start``. Raises BundleError where there is none, or several."""
    names = [name for name in store.bundles()["name"].to_list() if name.startswith(start)]
    if start in names:
        return start
    if len(names) != 1:
        what = f"{len(names)} bundles begin with '{start}'" if names else f"no bundle '{start}'"
        raise BundleError(what, fix="see 'zhiyin bundles list'")
    return str(names[0])
