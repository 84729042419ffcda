"""Data frames to a file (Parquet in one piece, the others batch by batch); it appears when it is whole."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import polars as pl

from zhiyin.errors import StoreError, UsageError

KINDS = (".csv", ".jsonl", ".parquet")


def check_name(path: Path) -> None:
    """Raise UsageError where the file's ending is not one of ``KINDS`` or its folder is not there."""
    if path.suffix.lower() not in KINDS:
        raise UsageError(f"cannot tell the format of '{path}'", fix=f"end the name in {', '.join(KINDS)}")
    if path.is_dir():
        raise UsageError(f"'{path}' is a folder", fix="name a file")
    if not path.parent.is_dir():
        raise UsageError(f"no folder '{path.parent}'", fix="make it first")


def write_frames(path: Path, frames: Iterable[pl.DataFrame]) -> int:
    """Write ``frames`` one after the other; the number of rows. A file of that name is replaced."""
    kind = path.suffix.lower()
    unfinished = path.with_name(path.name + ".part")
    rows = 0
    try:
        if kind == ".parquet":
            whole = pl.concat(list(frames))
            whole.write_parquet(unfinished)
            rows = len(whole)
        else:
            with unfinished.open("wb") as file:
                for place, frame in enumerate(frames):
                    if kind == ".csv":
                        frame.write_csv(file, include_header=place == 0)
                    else:
                        frame.write_ndjson(file)
                    rows += len(frame)
        unfinished.replace(path)
    except OSError as failure:
        raise StoreError(
            f"the file cannot be written: {failure.strerror}", where=str(path), fix="make room, or choose another place"
        ) from failure
    finally:
        unfinished.unlink(missing_ok=True)
    return rows
