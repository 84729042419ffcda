"""Read a bundle: parts are loaded when asked for, arrays are memory-mapped."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from zhiyin.bundle.manifest import FORMAT, Manifest, Stamp
from zhiyin.bundle.writing import FEATURES, MANIFEST, TENSORS, entry_of
from zhiyin.errors import BundleError
from zhiyin.types import Catalogue, IdMap

if TYPE_CHECKING:
    import polars as pl

FIX = "choose another with 'zhiyin bundles use', or train again"


class Bundle:
    """One trained bundle, read-only. Asking for a part raises BundleError where its file is missing or damaged."""

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        self.folder = folder
        self.manifest = manifest

    @cached_property
    def items(self) -> IdMap:
        return IdMap(self._items["item_id"].to_list())

    @property
    def item_ids(self) -> list[str]:
        return self.items.ids

    @cached_property
    def users(self) -> IdMap:
        """The people training saw."""
        return IdMap(self._table("users.parquet")["user_id"].to_list())

    @cached_property
    def catalogue(self) -> Catalogue:
        items = self._items
        vectors = self._array("vectors.npy") if "vectors.npy" in self.manifest.files else None
        return Catalogue(
            items["title"].to_list(),
            items["categories"].to_list(),
            items["text"].to_list(),
            vectors,
            items["hidden"].to_numpy(),
        )

    @property
    def features(self) -> list[str | None]:
        """What was read in each item, as JSON; None where nothing was."""
        if FEATURES not in self.manifest.files:
            return [None] * len(self.items)
        return self._table(FEATURES)["features"].to_list()

    def arrays(self, model: str) -> dict[str, NDArray[Any]]:
        """The arrays of ``model``, memory-mapped unless they are a network's. Raises BundleError where the bundle does
        not hold that model."""
        start = f"models/{model}/"
        names = [name for name in self.manifest.files if name.startswith(start)]
        if not names:
            raise BundleError(f"no model '{model}' in it", where=str(self.folder), fix=FIX)
        if names == [start + TENSORS]:
            from safetensors.numpy import load_file

            with _reading(self.folder / names[0]):
                return dict(load_file(self.folder / names[0]))
        return {name.removeprefix(start).removesuffix(".npy"): self._array(name) for name in names}

    def verify(self) -> None:
        """Raise BundleError where any file differs from what the manifest says."""
        for name, entry in self.manifest.files.items():
            path = self.folder / name
            with _reading(path):
                found = entry_of(path)
            if found != entry:
                raise BundleError("the file has changed", where=str(path), fix=FIX)

    @cached_property
    def _items(self) -> pl.DataFrame:
        return self._table("items.parquet")

    def _table(self, name: str) -> pl.DataFrame:
        import polars as pl

        path = self.folder / name
        with _reading(path):
            return pl.read_parquet(path)

    def _array(self, name: str) -> NDArray[Any]:
        # A plain array over the mapped memory: numpy.memmap itself makes every slice slow.
        path = self.folder / name
        with _reading(path):
            return np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Turn what readers raise over the file ``path`` into BundleError."""
    from polars.exceptions import PolarsError

    try:
        yield
    except OSError as refused:
        what = f"the file cannot be read: {refused.strerror or refused}"
        raise BundleError(what, where=str(path), fix=FIX) from refused
    except (ValueError, EOFError, PolarsError) as damaged:
        raise BundleError("the file is damaged", where=str(path), fix=FIX) from damaged


def load(folder: Path) -> Bundle:
    """Open the bundle in ``folder``. Raises BundleError where it is missing, damaged or of another format."""
    path = folder / MANIFEST
    with _reading(path):
        told = path.read_bytes() if path.exists() else None
    if told is None:
        raise BundleError("no bundle here", where=str(folder), fix=FIX)
    try:
        stamp = Stamp.model_validate_json(told)
        if stamp.format != FORMAT:
            raise BundleError(f"format {stamp.format}, and this Zhiyin reads {FORMAT}", where=str(path), fix=FIX)
        manifest = Manifest.model_validate_json(told)
    except ValidationError as broken:
        first = broken.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        what = f"not a manifest of ours: {f'{key!r}: ' if key else ''}{first['msg']}"
        raise BundleError(what, where=str(path), fix=FIX) from broken
    for name, entry in manifest.files.items():
        file = folder / name
        if not file.is_file() or file.stat().st_size != entry.size:
            raise BundleError("the file is missing or cut short", where=str(file), fix=FIX)
    return Bundle(folder, manifest)
