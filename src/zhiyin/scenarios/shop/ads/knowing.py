"""What the engine knows of a person that matters to advertisements: interests, categories, attributes, and how each
creative's item stands with them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from zhiyin.candidates import fill
from zhiyin.errors import BundleError
from zhiyin.scenarios.shop.ads.clicks import FEATURES
from zhiyin.scenarios.shop.ads.market import Market
from zhiyin.types import Histories
from zhiyin.understand.profiles import build
from zhiyin.wants import barring

if TYPE_CHECKING:
    from zhiyin.recommend import Engine
    from zhiyin.store.sql import SqlStore

Values = NDArray[np.float64]
Flags = NDArray[np.bool_]
CLIP = 3.0
"""No feature says more than this."""


@dataclass(frozen=True)
class Known:
    """``interests`` by id: how many times as strong as in nobody in particular. ``names`` leads from an interest's name
    (lower case) to its ids. ``told`` float64 [A, F] are ``clicks.FEATURES``, ``barred`` bool [A] says whose item is
    hidden or ruled out by the person's own words."""

    attributes: dict[str, Any]
    categories: frozenset[str]
    interests: dict[str, float]
    names: dict[str, list[str]]
    told: Values
    barred: Flags

    def interest(self, wanted: str) -> float:
        """Of an interest by id or name; 0 for one that nobody knows."""
        ids = [wanted, *self.names.get(wanted.casefold(), ())]
        return max((self.interests.get(one, 0.0) for one in ids), default=0.0)


def attributes_of(store: SqlStore, user_id: str | None) -> dict[str, Any]:
    row = store.rows.user(user_id) if user_id is not None else None
    try:
        told = json.loads(row.attributes) if row is not None else {}
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def nothing(store: SqlStore, market: Market, user_id: str | None) -> Known:
    """Where nothing is trained: attributes alone."""
    size = len(market.creatives)
    told = np.zeros((size, len(FEATURES)))
    return Known(attributes_of(store, user_id), frozenset(), {}, {}, told, np.zeros(size, dtype=np.bool_))


def known_to(engine: Engine, market: Market, user_id: str | None) -> Known:
    """In the thread of ``engine``."""
    store, shelf = engine.store, engine._shelf
    history = engine._history(user_id)
    rows = shelf.items.rows([one.item or "" for _, one in market.creatives])
    items = np.array([one.item is not None for _, one in market.creatives], dtype=np.bool_)
    barred = items & (rows < 0)
    there = np.flatnonzero(rows >= 0)
    barred[there] = ~shelf.allowed[rows[there]]
    wanted = engine._listener.hear(user_id, None)
    if wanted.wishes:
        matcher = engine._listener.matcher
        for at in there.tolist():
            barred[at] |= barring(wanted.wishes, matcher, int(rows[at])) is not None
    categories = {one.casefold() for row in history.items.tolist() for one in shelf.catalogue.categories[row]}
    told = np.zeros((len(rows), len(FEATURES)))
    strong, names = _interests(engine, market, user_id, history, rows, told)
    if len(history.items) and len(there):
        _standing(engine, history, rows, there, told)
    told = np.clip(told, -CLIP, CLIP)
    return Known(attributes_of(store, user_id), frozenset(categories), strong, names, told, barred)


def _interests(
    engine: Engine, market: Market, user_id: str | None, history: Histories, rows: Any, told: Values
) -> tuple[dict[str, float], dict[str, list[str]]]:
    """Strengths by id and ids by name; writes the feature "interest". What the person said of the profile counts."""
    profiler = engine._profiler
    try:
        model, named = profiler.model, profiler.interests
    except BundleError:
        return {}, {}
    names: dict[str, list[str]] = {}
    for one in named:
        names.setdefault(one.name.casefold(), []).append(one.id)
    nobody = np.asarray(model.users(Histories.of([[]]))[0], dtype=np.float64)
    if user_id is None:
        return {}, names
    profile = build(
        user_id, engine.bundle.manifest.name, profiler.follow(user_id).state, model, named, profiler._title,
        profiler._rows, now=profiler._now, edits=store_edits(engine, user_id), affinity=profiler._affinity,
    )  # fmt: skip
    place = {one.id: one.row for one in named}
    share = nobody.copy() if not profile.interests else np.zeros(len(nobody))
    strong: dict[str, float] = {}
    for own in profile.interests:
        if own.id in place:
            weight = max(own.long_term, own.now)
            share[place[own.id]] = own.long_term
            strong[own.id] = 0.0 if own.edited == "muted" else weight / max(float(nobody[place[own.id]]), 1e-9)
    if not len(history.items) and not profile.edits:
        return {}, names
    q = model.items
    inside = np.flatnonzero((rows >= 0) & (rows < model.n_items))
    own_items = np.asarray(q[rows[inside]], dtype=np.float64)
    told[inside, 0] = np.log((own_items @ share + 1e-4) / (own_items @ nobody + 1e-4))
    for at, (name, creative) in enumerate(market.creatives):
        target = market.campaigns[market.place[name]].target.interests
        if creative.item is None and target:
            ids = {one for key in target for one in (key, *names.get(key.casefold(), ())) if one in place}
            found = [place[one] for one in ids]
            if found:
                told[at, 0] = np.log((share[found].sum() + 1e-4) / (nobody[found].sum() + 1e-4))
    return strong, names


def store_edits(engine: Engine, user_id: str) -> Sequence[Any]:
    return engine.store.profiles.edits(user_id)


def _standing(engine: Engine, history: Histories, rows: Any, there: Any, told: Values) -> None:
    """Features "rank" and "likely": where the items stand in the order of the served model."""
    from scipy.special import ndtri

    model = engine._ranker.of(history).model
    scores = model.score(fill.known_to(history, model.n_items))[0].astype(np.float64)
    inside = there[rows[there] < len(scores)]
    order = -np.sort(-scores[np.isfinite(scores)])
    own = scores[rows[inside]]
    inside, own = inside[np.isfinite(own)], own[np.isfinite(own)]
    if not len(inside) or order[0] == order[-1]:
        return
    place = np.searchsorted(-order, -own)
    told[inside, 1] = ndtri(1 - (place + 0.5) / (len(order) + 0.5))
    depth = engine._probability.depth
    if not depth:
        return
    chance = engine._probability.of(order[None, :depth].astype(np.float32), history.lengths)[0].astype(np.float64)
    known = place < len(chance)
    least = max(float(chance[-1]), 1e-9)
    told[inside[known], 2] = np.log(np.maximum(chance[place[known]], least) / least)
