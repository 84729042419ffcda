"""Read a bundle: parts are loaded when asked for, arrays are memory-mapped."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from zhiyin.bundle.manifest import FORMAT, Manifest
from zhiyin.bundle.writing import MANIFEST, entry_of
from zhiyin.errors import BundleError
from zhiyin.types import Catalogue, IdMap

FIX = "choose another with 'zhiyin bundles use', or train again"


class Bundle:
    """One trained bundle, read-only."""

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
        import polars as pl

        return IdMap(pl.read_parquet(self.folder / "users.parquet")["user_id"].to_list())

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

    def arrays(self, model: str) -> dict[str, NDArray[Any]]:
        """The arrays of ``model``, memory-mapped. Raises BundleError where the bundle does not hold that model."""
        start = f"models/{model}/"
        names = [name for name in self.manifest.files if name.startswith(start)]
        if not names:
            raise BundleError(f"no model '{model}' in it", where=str(self.folder), fix=FIX)
        return {name.removeprefix(start).removesuffix(".npy"): self._array(name) for name in names}

    def verify(self) -> None:
        """Raise BundleError where any file differs from what the manifest says."""
        for name, entry in self.manifest.files.items():
            if entry_of(self.folder / name) != entry:
                raise BundleError("the file has changed", where=str(self.folder / name), fix=FIX)

    @cached_property
    def _items(self) -> Any:
        import polars as pl

        return pl.read_parquet(self.folder / "items.parquet")

    def _array(self, name: str) -> NDArray[Any]:
        # A plain array over the mapped memory: numpy.memmap itself makes every slice slow.
        return np.asarray(np.load(self.folder / name, mmap_mode="r", allow_pickle=False))


def load(folder: Path) -> Bundle:
    """Open the bundle in ``folder``. Raises BundleError where it is missing, damaged or of another format."""
    path = folder / MANIFEST
    try:
        manifest = Manifest.model_validate_json(path.read_bytes())
    except FileNotFoundError as missing:
        raise BundleError("no bundle here", where=str(folder), fix=FIX) from missing
    except ValidationError as broken:
        raise BundleError(f"not a manifest of ours: {broken.errors()[0]['msg']}", where=str(path), fix=FIX) from broken
    if manifest.format != FORMAT:
        raise BundleError(f"format {manifest.format}, and this Zhiyin reads {FORMAT}", where=str(path), fix=FIX)
    for name, entry in manifest.files.items():
        file = folder / name
        if not file.is_file() or file.stat().st_size != entry.size:
            raise BundleError("the file is missing or cut short", where=str(file), fix=FIX)
    return Bundle(folder, manifest)
