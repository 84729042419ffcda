"""The data sets of the benchmarks, whole or as a small dense slice, and Zhiyin projects made of them."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from zhiyin import assets
from zhiyin.cli.common import open_project
from zhiyin.config import FILE_NAME, Settings
from zhiyin.errors import ZhiyinError
from zhiyin.ingest import ingest
from zhiyin.ports import Progress
from zhiyin.prepare import Prepared, prepare

SHARED = Path(__file__).parents[2] / "shared" / "data"
SLICE_USERS = 80
SLICE_ITEMS = 150
QUICK_TOML = 'name = "benchmark"\n[train]\nsearch_seconds = 5\n'


class Missing(ZhiyinError):
    """A data set is not on this machine."""


@dataclass(frozen=True)
class DataSet:
    """Files as they come, ready for ``zhiyin import``. In both, users and items are the first two columns of events,
    separated by ``separator``."""

    name: str
    events: Path
    items: Path
    separator: str


def amazon_beauty() -> DataSet:
    """Amazon Beauty 2014, 5-core: purchases in order, titles and categories."""
    folder = SHARED / "amazon_beauty"
    if not folder.is_dir():
        raise Missing("Amazon Beauty is not here", where=str(folder), fix="put the data folder beside the repository")
    return DataSet("Amazon Beauty", folder / "events.csv.gz", folder / "items.jsonl.gz", ",")


def movielens_100k() -> DataSet:
    """MovieLens-100K, fetched on first use. Every rating counts as interest."""
    folder = assets.get("movielens-100k")
    return DataSet("MovieLens-100K", folder / "ml-100k.inter", folder / "ml-100k.item", "\t")


DATA_SETS: dict[str, Callable[[], DataSet]] = {"amazon_beauty": amazon_beauty, "movielens-100k": movielens_100k}


def load(name: str, quick: bool, folder: Path) -> DataSet:
    """Data set ``name``; with ``quick`` a slice of it, written into ``folder``. Raises Missing."""
    whole = DATA_SETS[name]()
    return small(whole, folder) if quick else whole


def small(data: DataSet, folder: Path) -> DataSet:
    """The ``SLICE_ITEMS`` items most often taken and the first ``SLICE_USERS`` users who have three of them or more."""
    folder.mkdir(parents=True, exist_ok=True)
    frame = pl.read_csv(data.events, separator=data.separator, infer_schema=False)
    user, item = frame.columns[:2]
    busy = frame.group_by(item).len().sort(["len", item], descending=[True, False])[item].head(SLICE_ITEMS)
    frame = frame.filter(pl.col(item).is_in(busy.implode()))
    users = frame.group_by(user, maintain_order=True).len().filter(pl.col("len") >= 3)[user].head(SLICE_USERS)
    frame = frame.filter(pl.col(user).is_in(users.implode()))
    kept = set(frame[item].to_list())
    events = folder / data.events.name.removesuffix(".gz")
    frame.write_csv(events, separator=data.separator)
    items = folder / data.items.name.removesuffix(".gz")
    lines = read_text(data.items).splitlines()
    if items.suffix == ".jsonl":
        catalogue = pl.read_ndjson("\n".join(lines).encode())
        catalogue.filter(pl.col("item_id").is_in(sorted(kept))).write_ndjson(items)
    else:
        chosen = [line for line in lines[1:] if line.split(data.separator)[0] in kept]
        items.write_text("\n".join([lines[0], *chosen]) + "\n", encoding="utf-8")
    return DataSet(f"{data.name} (a slice)", events, items, data.separator)


def read_text(path: Path) -> str:
    raw = path.read_bytes()
    return (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode("utf-8")


def make_project(data: DataSet, folder: Path, quick: bool, progress: Progress) -> tuple[Prepared, Settings]:
    """A project in ``folder`` with ``data`` imported, and what its models would learn from.

    Settings are the defaults, but for a short search where ``quick``."""
    folder.mkdir()
    (folder / FILE_NAME).write_text(QUICK_TOML if quick else "", encoding="utf-8")
    with open_project(folder) as project:
        ingest(project.store, project.settings, folder, events=[data.events], items=[data.items], progress=progress)
        return prepare(project.store, project.settings, progress), project.settings
