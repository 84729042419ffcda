"""Circles: how good the parting is, how fast, and what people near somebody are worth where nothing else is known.

    python -m benchmarks circles [--quick]

HetRec Last.FM with its friend graph. Modularity and conductance are held against random partings with groups of the
same sizes and against circles found on friendships alone, each on both graphs. For the cold start all listens of a
fifth of the people who have friends are hidden, by seed: they are known by their links alone, as somebody is who came
after training. Parameters are chosen on one half of them, and the other half is looked at once, with them. The
speed is that of a planted graph of 100,000 links. Needs the folder ``shared/data`` beside the repository.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from scipy import sparse
from sklearn.metrics import normalized_mutual_info_score

from benchmarks.data import DataSet, Missing, hetrec_friends
from benchmarks.tables import figure, markdown
from zhiyin.cli.common import Project, open_project
from zhiyin.cli.progress import make_progress
from zhiyin.config import FILE_NAME
from zhiyin.evaluate.intervals import bootstrap_difference
from zhiyin.evaluate.metrics import Values, accuracy
from zhiyin.ingest import ingest
from zhiyin.nearby import near_of
from zhiyin.ports import Progress
from zhiyin.preprocess.clean import clean
from zhiyin.preprocess.dataset import histories_of
from zhiyin.rerank.social.near import Near, hear
from zhiyin.scenarios.community.circles import CirclesParams, build_circles, find
from zhiyin.scenarios.community.circles.graph import Layers, fused
from zhiyin.scenarios.community.circles.members import memberships
from zhiyin.scenarios.community.circles.parting import belonging, conductances, modularity, parted
from zhiyin.scenarios.community.circles.people import People, read_people
from zhiyin.types import Histories, IdMap, Ints

SEED = 20261126
SHARE = 0.2
RANDOM = 20
GRID = {"onward": (0.0, 0.5, 1.0, 3.0), "circles": (0.0, 0.3, 1.0, 3.0), "strength": (1.0, 5.0, 20.0, 100.0)}
RESOLUTIONS = (1.0, 2.0, 4.0, 8.0)
EDGES = 100_000
PLANTED = (10_000, 100)
"""People and groups of the planted graph."""
INSIDE = 0.7
"""Share of its links that stay inside a group."""


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="benchmarks circles", description="Circles of people.")
    parser.add_argument("--quick", action="store_true", help="a small slice: to see that it runs")
    given = parser.parse_args(arguments)
    progress = make_progress(given.quick)
    try:
        data = hetrec_friends()
    except Missing as missing:
        print(f"\n{missing}", flush=True)
    else:
        with tempfile.TemporaryDirectory() as folder:
            print(f"\n{data.name}, modularity and conductance:\n", flush=True)
            with project_of(data, Path(folder) / "whole", given.quick, progress) as project:
                print(quality(project, given.quick), flush=True)
            print("\nPeople of whom nothing but their links is known, NDCG@10:\n", flush=True)
            print(cold_start(data, Path(folder), given.quick, progress), flush=True)
    print(f"\nA planted graph of {EDGES // (20 if given.quick else 1):,} links:\n", flush=True)
    print(speed(given.quick), flush=True)


def project_of(data: DataSet, folder: Path, quick: bool, progress: Progress, without: Sequence[str] = ()) -> Any:
    """An open project with ``data``, but for the events of people ``without``; with ``quick`` of every tenth person."""
    folder.mkdir(parents=True)
    (folder / FILE_NAME).write_text("", encoding="utf-8")
    events = pl.read_csv(data.events, separator=data.separator, infer_schema=False)
    assert data.links is not None
    links = pl.read_csv(data.links, separator=data.separator, infer_schema=False)
    user = events.columns[0]
    if quick:
        kept = pl.col(user).str.ends_with("3")
        events = events.filter(kept)
        links = links.filter(pl.all_horizontal(pl.col(links.columns[:2]).str.ends_with("3")))
    files = folder / "events.tsv", folder / "links.tsv"
    events.filter(~pl.col(user).is_in(list(without))).write_csv(files[0], separator=data.separator)
    links.write_csv(files[1], separator=data.separator)
    with open_project(folder) as project:
        told: dict[str, Any] = {"events": [files[0]], "items": [data.items], "links": [files[1]]}
        ingest(project.store, project.settings, folder, **told, progress=progress)
    return open_project(folder)


def quality(project: Project, quick: bool) -> str:
    """Modularity and mean conductance (by people) of circles by parting and by the graph they are looked at in."""
    people = read_people(project.store, project.settings, project.folder)
    rows = [row for resolution in (1.0, 4.0) for row in partings(people, resolution, quick)]
    graphs = ("fused graph", "friend graph")
    header = ["circles of", "resolution", "groups"]
    return markdown([*header, *(f"{name}: {what}" for name in graphs for what in ("modularity", "conductance"))], rows)


def partings(people: People, resolution: float, quick: bool) -> list[list[str]]:
    params = CirclesParams(resolution=resolution)
    whole = find(people, params)
    assert people.links is not None
    alone = Layers(friends=people.links)
    friends = fused(alone, params, len(people.ids))
    groups = {"fused": whole.labels, "friendships alone": parted(friends, params, resolution)}
    groups["fused, by Louvain"] = parted(whole.graph, params.model_copy(update={"method": "louvain"}), resolution)
    graphs = {"fused graph": whole.graph, "friend graph": friends}
    rows = []
    for name, labels in groups.items():
        head = [f"{resolution:g}", str(labels.max() + 1)]
        rows.append([name, *head, *(cell for graph in graphs.values() for cell in good(graph, labels))])
        if name == "fused, by Louvain":
            continue
        cells = []
        for graph in graphs.values():
            drawn = [shuffled(labels, number) for number in range(3 if quick else RANDOM)]
            told = np.array([(modularity(graph, one), middle(graph, one)) for one in drawn])
            cells += [f"{told[:, 0].mean():.3f} (most {told[:, 0].max():.3f})"]
            cells += [f"{told[:, 1].mean():.3f} (least {told[:, 1].min():.3f})"]
        rows.append([f"random, sizes of {name}", *head, *cells])
    return rows


def good(graph: sparse.csr_array, labels: Ints) -> list[str]:
    return [f"{modularity(graph, labels):.3f}", f"{middle(graph, labels):.3f}"]


def middle(graph: sparse.csr_array, labels: Ints) -> float:
    """The mean conductance of groups that have an edge, each counting by its people."""
    groups = belonging(labels)
    found = conductances(graph, groups)
    known = np.isfinite(found)
    return float(np.average(found[known], weights=np.asarray(groups.sum(axis=0))[known]))


def shuffled(labels: Ints, number: int) -> Ints:
    """Another parting with groups of the same sizes."""
    found = labels.copy()
    known = np.flatnonzero(labels >= 0)
    found[known] = np.random.default_rng(SEED + number).permutation(labels[known])
    return found


def cold_start(data: DataSet, folder: Path, quick: bool, progress: Progress) -> str:
    with project_of(data, folder / "all", quick, progress) as project:
        people = read_people(project.store, project.settings, project.folder)
    assert people.links is not None
    known = np.flatnonzero((people.histories.lengths > 0) & (np.diff(people.links.indptr) > 0))
    hidden = np.sort(np.random.default_rng(SEED).permutation(known)[: round(SHARE * len(known))])
    order = np.random.default_rng(SEED + 1).permutation(len(hidden))
    halves = [hidden[np.sort(some)] for some in np.array_split(order, 2)]
    without = [people.ids.ids[row] for row in hidden]
    with project_of(data, folder / "hidden", quick, progress, without) as project:
        return answers(project, people.ids, people.items, people.histories, halves, progress)


def answers(
    project: Project, ids: IdMap, items: IdMap, truth: Histories, halves: Sequence[Any], progress: Progress
) -> str:
    store = project.store
    events, _ = clean(store.events(), project.settings.preprocess)
    popular = np.zeros(len(items))
    counts = events.group_by("item_id").len()
    popular[items.rows(counts["item_id"].to_list())] = counts["len"].to_numpy()
    popular /= popular.max()

    def taken(users: Sequence[str]) -> Histories:
        return histories_of(events, items, list(users))

    def near(rows: Ints) -> list[Near | None]:
        return [near_of(store, ids.ids[row], taken) for row in rows]

    found: dict[float, tuple[list[Near | None], list[Near | None]]] = {}
    with progress.task("Finding circles and people near", len(RESOLUTIONS)) as advance:
        for resolution in RESOLUTIONS:
            build_circles(store, project.settings, project.folder, CirclesParams(resolution=resolution))
            found[resolution] = near(halves[0]), near(halves[1])
            advance(1)

    def measured(half: int, resolution: float, told: dict[str, float]) -> Values:
        lists = [best(one, popular, told) for one in found[resolution][half]]
        return accuracy(np.stack(lists), truth.take(halves[half]), [10])["NDCG@10"]

    def chosen(**fixed: tuple[float, ...]) -> tuple[float, dict[str, float]]:
        space = GRID | fixed
        tried = {
            (resolution, *values): float(measured(0, resolution, dict(zip(space, values, strict=True))).mean())
            for resolution in (RESOLUTIONS if space["circles"] != (0.0,) else RESOLUTIONS[:1])
            for values in product(*space.values())
        }
        most = max(tried, key=lambda one: (tried[one], [-value for value in one]))
        return most[0], dict(zip(space, most[1:], strict=True))

    nobody = {"onward": 0.0, "circles": 0.0, "strength": 0.0}
    base = [measured(half, 1.0, nobody) for half in (0, 1)]
    rows = [["popularity", "-", figure(base[0].mean()), figure(base[1].mean()), "-"]]
    asked: dict[str, dict[str, tuple[float, ...]]] = {
        "friends": {"onward": (0.0,), "circles": (0.0,)},
        "circles alone": {"onward": (-1.0,), "circles": (1.0,)},
        "friends and their friends": {"circles": (0.0,)},
        "friends and circles": {"onward": (0.0,)},
        "all three": {},
    }
    for name, fixed in asked.items():
        resolution, told = chosen(**fixed)
        values = [measured(half, resolution, told) for half in (0, 1)]
        gap = bootstrap_difference(values[1], base[1], seed=SEED)
        mean = base[1].mean()
        gain = f"{gap.mean / mean:+.1%} ({gap.low / mean:+.1%} to {gap.high / mean:+.1%})"
        words = ", ".join(f"{key} {value:g}" for key, value in {"resolution": resolution, **told}.items())
        rows.append([name, words, figure(values[0].mean()), figure(values[1].mean()), gain])
    count = [len(one) for one in halves]
    header = ("people near", "chosen", f"chosen on, {count[0]}", f"reported on, {count[1]}", "gain (95 %, paired)")
    return markdown(header, rows)


def best(near: Near | None, popular: Values, told: dict[str, float]) -> Ints:
    """The first 10 by popularity, and ``strength`` times what people near say as a share of the most they say; a
    negative ``onward`` leaves out friends."""
    score = popular.copy()
    if near is not None and told["strength"]:
        if told["onward"] < 0:
            near = Near(**{**near.__dict__, "friends": near.friends * 0, "onward": near.onward * 0})
        said = hear(near, len(popular), onward=max(0.0, told["onward"]), circles=told["circles"]).scores
        score += told["strength"] * said / max(said.max(), 1e-12)
    first = np.flatnonzero(score >= np.partition(score, -10)[-10])
    return first[np.argsort(-score[first], kind="stable")][:10].astype(np.int32)


def speed(quick: bool) -> str:
    people, groups = (n // (10 if quick else 1) for n in PLANTED)
    graph, labels = planted(people, max(groups, 10), EDGES // (20 if quick else 1), SEED)
    rows = []
    for method in ("leiden", "louvain"):
        params = CirclesParams.model_validate({"method": method})
        began, worked = time.perf_counter(), time.process_time()
        found = parted(graph, params, 1.0)
        shares = memberships(graph, found, params)
        spent, work = time.perf_counter() - began, time.process_time() - worked
        same = normalized_mutual_info_score(labels, found)
        rows.append(
            [
                method,
                f"{spent:.2f}",
                f"{work:.2f}",
                str(shares.shape[1]),
                f"{modularity(graph, found):.3f}",
                f"{same:.3f}",
            ]
        )
    return markdown(("method", "seconds", "of one core", "circles", "modularity", "NMI with the planted groups"), rows)


def planted(people: int, groups: int, edges: int, seed: int) -> tuple[sparse.csr_array, Ints]:
    """A graph of about ``edges`` links, ``INSIDE`` of them within groups, and the groups."""
    rng = np.random.default_rng(seed)
    labels = np.sort(rng.integers(0, groups, people)).astype(np.int32)
    starts = np.searchsorted(labels, np.arange(groups + 1))
    one = rng.integers(0, people, edges)
    low, high = starts[labels[one]], starts[labels[one] + 1]
    mate = low + (rng.random(edges) * (high - low)).astype(np.int64)
    other = np.where(rng.random(edges) < INSIDE, mate, rng.integers(0, people, edges))
    kept = one != other
    cells = (np.ones(int(kept.sum()), dtype=np.float32), (one[kept], other[kept]))
    half = sparse.csr_array(sparse.coo_array(cells, shape=(people, people)))
    graph = sparse.csr_array(half + half.T)
    graph.data = np.minimum(graph.data, 1.0)
    return graph, labels


if __name__ == "__main__":
    main()
