"""From an order to an answer: the first items with their reasons, and what has to be said of the list as a whole."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from zhiyin.answers import Recommendation, Recommended, StageTrace
from zhiyin.bundle import Bundle
from zhiyin.candidates.base import Recommender
from zhiyin.candidates.fill import known_to
from zhiyin.explain.reasons import reasons_for, wished
from zhiyin.fused import FusedModel
from zhiyin.newcomers import Shelf
from zhiyin.ordering import Ordered
from zhiyin.pipeline import Ranked
from zhiyin.registry import FILLER
from zhiyin.types import Histories, Ints, Job, Temperature, Tier
from zhiyin.wants import Wanted

if TYPE_CHECKING:
    from zhiyin.rank.llm_ranker import Reranked

WORDS = "words"
"""Source of an item that answers what the person said."""


def answer(
    user_id: str | None,
    history: Histories,
    order: Ordered,
    model: Recommender,
    bundle: Bundle,
    shelf: Shelf,
    wanted: Wanted,
    asked_for: Sequence[Sequence[tuple[str, bool]]],
    said: Reranked | None,
    most: int,
) -> Recommendation:
    """The items of ``order`` with up to ``most`` reasons each.

    ``model`` is the one asked about this history; ``asked_for`` are the wishes that speak for each item, with whether
    they are kept in the profile; ``said`` is what the re-ranker made of it, if it was asked.
    """
    manifest, rows = bundle.manifest, order.rows
    chances = [None] * len(rows) if order.chances is None else [float(one) for one in order.chances]
    own = known_to(history, model.n_items)
    placed = rows < model.n_items
    pulls = np.zeros((len(rows), len(own.items)), dtype=np.float32)
    common = np.zeros(len(rows), dtype=np.float32)
    pulls[placed] = model.contributions_to(own, rows[placed])
    common[placed] = model.common(rows[placed])
    items = []
    core = model.core.name if isinstance(model, FusedModel) else model.name
    proposed = proposers(model, own, rows)
    told = zip(rows.tolist(), order.scores.tolist(), chances, strict=True)
    for place, (row, score, chance) in enumerate(told):
        led = bool((pulls[place] > 0).any())
        reasons = [wished(text, kept) for text, kept in asked_for[place]]
        if led or (not reasons and len(bundle.users) and not wanted.requested):
            gain = float(common[place])
            reasons += reasons_for(pulls[place], gain, own, row, shelf.items.ids, shelf.catalogue, most)
        items.append(
            Recommended(
                shelf.items.ids[row],
                shelf.catalogue.titles[row] or None,
                place + 1,
                round(score, 6),
                None if chance is None or math.isnan(chance) else round(chance, 6),
                [*([WORDS] if asked_for[place] else []), *(proposed[place] or [core if led else FILLER])],
                reasons[:most],
            )
        )
    return Recommendation(
        user_id,
        manifest.name,
        max(wanted.tier, said.tier if said else Tier.NONE, key=list(Tier).index),
        _temperature(user_id, history, bundle),
        _fallback(history, wanted, items, len(bundle.users)),
        _degraded(wanted, said),
        wanted.asked,
        items,
    )


def with_surface(told: Recommendation, surface: str, ranked: Ranked, names: Sequence[str] | None) -> Recommendation:
    """What the pipeline did: the chance of each item to stand where it does, and with ``names`` (titles by row) what
    its stages moved."""
    items = [
        replace(one, propensity=float(chance)) for one, chance in zip(told.items, ranked.propensities, strict=True)
    ]
    stages = None
    if names is not None:
        stages = [
            StageTrace(one.stage, one.place, one.lines("en", names), one.lines("zh", names)) for one in ranked.traces
        ]
    return replace(told, surface=surface, items=items, trace=stages)


def proposers(model: Recommender, history: Histories, rows: Ints) -> list[list[str]]:
    """Models that proposed each row, the one that has it highest first; nobody where the model asks no others, or none
    of them did."""
    if not isinstance(model, FusedModel):
        return [[] for _ in rows]
    return [[name for name, _ in told] for told in model.proposals(history, rows)]


def _temperature(user_id: str | None, history: Histories, bundle: Bundle) -> Temperature:
    if not len(history.items):
        return Temperature.COLD
    return Temperature.HOT if user_id in bundle.users else Temperature.WARM


def _fallback(history: Histories, wanted: Wanted, items: Sequence[Recommended], people: int) -> dict[str, str] | None:
    known = bool(len(history.items))
    popular = "popular items" if people else "items as the catalogue has them"
    if wanted.asked is not None and wanted.asked.empty:
        return {"reason": "nothing in the request was understood as a wish: the list without it"}
    if not items:
        return {"reason": "there is nothing left to recommend: all is hidden, excluded, already known or ruled out"}
    if any(WORDS in item.sources for item in items):
        return None
    if any(wish.weight > 0 for wish in wanted.requested):
        return {"reason": "nothing here says what was asked for: items whose texts come nearest to it"}
    if not known:
        allowed = " that the words allow" if wanted.wishes else ""
        return {"reason": f"nothing is known of this person yet: {popular}{allowed}"}
    if all(item.sources == [FILLER] for item in items):
        return {"reason": f"nothing follows from this person's history: {popular}"}
    return None


def _degraded(wanted: Wanted, said: Reranked | None) -> dict[str, str] | None:
    """Why a language model that was asked had no part in the list; None where it had, or none was asked."""
    if said is not None and said.reason is not None:
        return {"job": Job.RERANK, "reason": said.reason}
    if wanted.asked is not None and wanted.asked.failed is not None:
        return {"job": Job.QUERIES, "reason": wanted.asked.failed}
    return None
