"""Circles of a project, found anew: graph, parting, members, ids that stay, names; kept in the store."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from zhiyin.config import Settings
from zhiyin.errors import UsageError
from zhiyin.llm.prompts import render
from zhiyin.ports import LanguageModels, NoLanguageModels, Progress, Silent
from zhiyin.scenarios.community.circles.graph import Layers, fused, layers_of
from zhiyin.scenarios.community.circles.kept import former_members, keep, kept_circles
from zhiyin.scenarios.community.circles.members import memberships, stable_ids
from zhiyin.scenarios.community.circles.naming import Named, by_template, name_circles
from zhiyin.scenarios.community.circles.params import CirclesParams
from zhiyin.scenarios.community.circles.parting import Values, conductances, densities, modularity, parted
from zhiyin.scenarios.community.circles.people import People, read_people
from zhiyin.scenarios.community.circles.typical import Typical, typical_of
from zhiyin.scripts import LANGUAGES, Language
from zhiyin.store.circles import Member
from zhiyin.store.sql import SqlStore
from zhiyin.types import Ints, Job, Tier

FINEST, HELD = (4.0, 2.0, 1.0), 0.8
"""Resolutions, the finest first, and the share of people with edges that circles are to hold. In small communities the
finest leaves most people nowhere."""
LEASE, LEASE_SECONDS = "circles", 1800.0
"""Two runs at once would give two circles one id; a run that died holds others up no longer than this."""


@dataclass(frozen=True)
class Found:
    """Circles over the rows of ``people``. ``graph`` is the fused one, ``layers`` what it was made of; ``labels``
    [n] the group of each person before small ones are dropped (-1: no edge); ``shares`` [n, circles] the weights of
    members; ``resolution`` is the one they were parted at."""

    people: People
    layers: Layers
    graph: sparse.csr_array
    labels: Ints
    shares: sparse.csr_array
    resolution: float


@dataclass(frozen=True)
class Run:
    """``circles`` went by these ids, ``new`` of them for the first time; ``gone`` are those of the run before that are
    no more. Of ``people``, ``members`` are in a circle, ``several`` in more than one, ``alone`` have no edge to
    anybody, and ``between`` have edges and belong nowhere. ``modularity`` is that of the parting, ``conductance`` the
    median over circles."""

    circles: list[str]
    new: list[str]
    gone: list[str]
    people: int
    members: int
    several: int
    alone: int
    between: int
    edges: int
    resolution: float
    modularity: float
    conductance: float | None
    tier: Tier
    fallback: str | None
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def find(people: People, params: CirclesParams) -> Found:
    """Nothing is written."""
    layers = layers_of(people.histories, len(people.items), people.links, people.interests, params)
    graph = fused(layers, params, len(people.ids))
    linked = max(1, int((np.diff(graph.indptr) > 0).sum()))
    for resolution in FINEST if params.resolution is None else (params.resolution,):
        labels = parted(graph, params, resolution)
        shares = memberships(graph, labels, params)
        if (np.diff(shares.indptr) > 0).sum() >= HELD * linked:
            break
    return Found(people, layers, graph, labels, shares, resolution)


def build_circles(
    store: SqlStore,
    settings: Settings,
    project: Path,
    params: CirclesParams,
    models: LanguageModels | None = None,
    progress: Progress | None = None,
) -> Run:
    """Find circles and keep them in place of those of the run before. A circle that is still there keeps its id, and
    its name too, unless rules gave it and a language model can give one now. Raises NotEnoughData, and UsageError
    while another run is at it."""
    holder = secrets.token_hex(8)
    if not store.leases.acquire(LEASE, holder, LEASE_SECONDS, time.time_ns() // 1000):
        raise UsageError("circles are being found already", fix="wait until that run is done")
    try:
        return _built(store, settings, project, params, models or NoLanguageModels(), progress or Silent())
    finally:
        store.leases.release(LEASE, holder)


def _built(
    store: SqlStore,
    settings: Settings,
    project: Path,
    params: CirclesParams,
    models: LanguageModels,
    progress: Progress,
) -> Run:
    began = time.perf_counter()
    with progress.task("Reading people"):
        people = read_people(store, settings, project)
    with progress.task("Finding circles"):
        found = find(people, params)
        before, former = kept_circles(store), former_members(store)
        ids = stable_ids(found.shares, people.ids.ids, former, before, params.same)
        typical = typical_of(people, found.shares)
    size = np.diff(sparse.csc_array(found.shares).indptr)
    old = {key: before[key].body for key in ids if key in before and before[key].state == "here"}
    with progress.task("Naming circles"):
        named = _named(people, ids, typical, size.tolist(), old, models, settings.llm.batch_seconds)
    bodies = _bodies(found, ids, typical, named)
    here = {key for key, record in before.items() if record.state == "here"}
    run = _run(found, ids, sorted(set(ids) - here, key=ids.index), sorted(here - set(ids)), named, began)
    members = [Member(ids[c], people.ids.ids[p], w) for p, c, w in _cells(found.shares)]
    keep(store, members, dict(zip(ids, bodies, strict=True)), run.gone, run.to_dict())
    return run


def _named(
    people: People,
    ids: Sequence[str],
    typical: Sequence[Typical],
    sizes: Sequence[int],
    old: Mapping[str, dict[str, Any]],
    models: LanguageModels,
    seconds: float,
) -> list[Named]:
    able = models.tier(Job.INTERESTS) is not Tier.NONE
    stay = {
        place: {language: str(old[key]["name"][language]) for language in LANGUAGES}
        for place, key in enumerate(ids)
        if key in old and not (able and old[key]["tier"] == Tier.NONE)
    }
    asked = [place for place in range(len(ids)) if place not in stay]
    taken: dict[Language, set[str]] = {language: {names[language] for names in stay.values()} for language in LANGUAGES}
    given = dict(
        zip(
            asked,
            name_circles(
                people, [typical[p] for p in asked], [sizes[p] for p in asked], taken, models, render, seconds
            ),
            strict=True,
        )
    )
    result = []
    for place, key in enumerate(ids):
        if place in stay:
            # The name stays; what is said of the circle is what is true of it now.
            texts: dict[Language, str] = {
                language: by_template(typical[place], sizes[place], language) for language in LANGUAGES
            }
            result.append(Named(stay[place], texts, Tier(old[key]["tier"]), old[key].get("fallback")))
        else:
            result.append(given[place])
    return result


def _cells(shares: sparse.csr_array) -> list[tuple[int, int, float]]:
    cells = sparse.coo_array(shares)
    people, circles = cells.coords
    return [(int(p), int(c), round(float(w), 6)) for p, c, w in zip(people, circles, cells.data, strict=True)]


def _bodies(
    found: Found, ids: Sequence[str], typical: Sequence[Typical], named: Sequence[Named]
) -> list[dict[str, Any]]:
    members = found.shares.copy()
    members.data = np.ones_like(members.data)
    out, dense = conductances(found.graph, members), densities(found.graph, members)
    edges = [
        (name, densities(graph, members))
        for name, graph in (
            ("friends", found.layers.friends),
            ("together", found.layers.together),
            ("alike", found.layers.alike),
        )
        if graph is not None
    ]
    size = np.diff(sparse.csc_array(members).indptr).tolist()
    return [
        {
            "name": dict(named[place].names),
            "description": dict(named[place].descriptions),
            "tier": str(named[place].tier),
            "fallback": named[place].fallback,
            "size": size[place],
            "density": _figure(dense[place]),
            "densities": {name: _figure(values[place]) for name, values in edges},
            "conductance": _figure(out[place]),
            **typical[place].to_dict(),
            "words": typical[place].words,
            "categories": typical[place].kinds,
        }
        for place in range(len(ids))
    ]


def _run(found: Found, ids: list[str], new: list[str], gone: list[str], named: Sequence[Named], began: float) -> Run:
    members = found.shares.copy()
    members.data = np.ones_like(members.data)
    own = np.diff(members.indptr)
    out: Values = conductances(found.graph, members)
    known = out[np.isfinite(out)]
    alone = int((np.diff(found.graph.indptr) == 0).sum())
    tiers = [one.tier for one in named] or [Tier.NONE]
    return Run(
        ids,
        new,
        gone,
        len(own),
        int((own > 0).sum()),
        int((own > 1).sum()),
        alone,
        int((own == 0).sum()) - alone,
        found.graph.nnz // 2,
        found.resolution,
        round(modularity(found.graph, found.labels), 4),
        _figure(float(np.median(known))) if len(known) else None,
        max(tiers, key=list(Tier).index),
        next((one.fallback for one in named if one.fallback), None),
        round(time.perf_counter() - began, 3),
    )


def _figure(value: float) -> float | None:
    return None if not np.isfinite(value) else round(float(value), 4)
