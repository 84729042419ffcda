"""From an order to an answer: the first items with their reasons, and what has to be said of the list as a whole."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import repeat
from typing import TYPE_CHECKING

import numpy as np

from zhiyin.answers import Recommendation, Recommended, StageTrace
from zhiyin.bundle import Bundle
from zhiyin.candidates.base import Recommender
from zhiyin.candidates.fill import known_to
from zhiyin.explain.reasons import Reason, reasons_of, wished
from zhiyin.fused import FusedModel
from zhiyin.newcomers import Shelf
from zhiyin.ordering import Ordered
from zhiyin.pipeline import Ranked
from zhiyin.registry import FILLER
from zhiyin.rerank.social.network import AUTHOR, CIRCLE, FRIENDS, ONWARD
from zhiyin.types import Histories, Ints, Job, Temperature, Tier
from zhiyin.wants import Wanted

if TYPE_CHECKING:
    from zhiyin.rank.llm_ranker import Reranked

POPULAR = "popular"
"""Kind of a reason."""
NEAR = frozenset({FRIENDS, CIRCLE, AUTHOR, ONWARD})
"""Sources of items that people near the person took or made."""
WORDS = "words"
"""Source of an item that answers what the person said."""


@dataclass(frozen=True)
class Asking:
    """Who was answered, and out of what. ``model`` is the one asked about this history; ``asked_for`` are the wishes
    that speak for each item, with whether they are kept in the profile; ``said`` is what the re-ranker made of it, if
    it was asked; ``held`` are conditions of the request, in words. ``most`` reasons are given of each item; None leaves
    out sources too, which is most of the work."""

    user_id: str | None
    history: Histories
    model: Recommender
    most: int | None
    wanted: Wanted = field(default_factory=Wanted)
    asked_for: Sequence[Sequence[tuple[str, bool]]] | None = None
    said: Reranked | None = None
    held: str | None = None


def answer(
    asking: Asking,
    order: Ordered,
    bundle: Bundle,
    shelf: Shelf,
    surface: str,
    ranked: Ranked,
    names: Sequence[str] | None = None,
) -> Recommendation:
    """The items of ``order`` with their reasons, and what the pipeline of ``surface`` did: the chance of each to stand
    where it does, and with ``names`` (titles by row) what its stages moved."""
    history, wanted, said = asking.history, asking.wanted, asking.said
    own = known_to(history, asking.model.n_items)
    if asking.most is None and not _follows(asking.model, own, order.rows):
        # Whether anything here comes from the history is known by the reasons.
        full = answer(replace(asking, most=0), order, bundle, shelf, surface, ranked, names)
        return replace(full, items=[replace(one, sources=[]) for one in full.items])
    if asking.most is None:
        items, fallback = _items(order, shelf, ranked, repeat(([], []), len(order.rows))), None
    else:
        why = _reasoned(asking, own, order.rows, bundle, shelf)
        items = _items(order, shelf, ranked, _with_said(why, order.rows.tolist(), ranked, asking.most))
        fallback = _fallback(history, wanted, items, len(bundle.users), asking.held)
    return Recommendation(
        asking.user_id,
        bundle.manifest.name,
        max(wanted.tier, said.tier if said else Tier.NONE, key=list(Tier).index),
        _temperature(asking.user_id, history, bundle),
        fallback,
        _degraded(wanted, said),
        wanted.asked,
        items,
        surface,
        None if names is None else _traces(ranked, names),
    )


def brief(told: Recommendation) -> Recommendation:
    """Without reasons and sources."""
    return replace(told, items=[replace(one, sources=[], reasons=[]) for one in told.items])


def _items(
    order: Ordered, shelf: Shelf, ranked: Ranked, why: Iterable[tuple[list[str], list[Reason]]]
) -> list[Recommended]:
    """``why`` gives sources and reasons of each."""
    rows = order.rows.tolist()
    chances = [math.nan] * len(rows) if order.chances is None else order.chances.tolist()
    ids, titles = shelf.items.ids, shelf.catalogue.titles
    told = zip(rows, order.scores.tolist(), chances, ranked.propensities.tolist(), why, strict=True)
    return [
        Recommended(
            ids[row],
            titles[row] or None,
            place,
            round(score, 6),
            None if math.isnan(chance) else round(chance, 6),
            list(sources),
            list(reasons),
            shown,
        )
        for place, (row, score, chance, shown, (sources, reasons)) in enumerate(told, 1)
    ]


def _reasoned(
    asking: Asking, own: Histories, rows: Ints, bundle: Bundle, shelf: Shelf
) -> Iterator[tuple[list[str], list[Reason]]]:
    """Sources and reasons of each item. ``own`` is the history that the model knows."""
    model, most = asking.model, asking.most or 0
    placed = rows < model.n_items
    pulls = np.zeros((len(rows), len(own.items)), dtype=np.float32)
    common = np.zeros(len(rows), dtype=np.float32)
    pulls[placed] = model.contributions_to(own, rows[placed])
    common[placed] = model.common(rows[placed])
    core = model.core.name if isinstance(model, FusedModel) else model.name
    proposed = proposers(model, own, rows)
    led: list[bool] = (pulls > 0).any(axis=1).tolist()  # type: ignore[assignment]  # of one axis, a list
    of_model = reasons_of(pulls, common, own, rows.tolist(), shelf.items.ids, shelf.catalogue, most)
    for place, told in enumerate(of_model):
        wishes = asking.asked_for[place] if asking.asked_for is not None else []
        reasons = [wished(text, kept) for text, kept in wishes]
        if led[place] or (not reasons and len(bundle.users) and not asking.wanted.requested):
            reasons += told
        yield [*([WORDS] if wishes else []), *(proposed[place] or [core if led[place] else FILLER])], reasons[:most]


def _with_said(
    why: Iterable[tuple[list[str], list[Reason]]], rows: Sequence[int], ranked: Ranked, most: int
) -> Iterator[tuple[list[str], list[Reason]]]:
    """With what stages tell of the items in front. What they brought in is not there for being popular."""
    for row, (sources, reasons) in zip(rows, why, strict=True):
        told = ranked.said.get(row)
        if told:
            named = list(dict.fromkeys(one.source for one in told if one.source is not None))
            if named:
                sources = [*named, *(one for one in sources if one != FILLER)]
                reasons = [one for one in reasons if one.kind != POPULAR]
            reasons = [*(Reason(one.kind, one.item_id, one.title, one.share, []) for one in told), *reasons][:most]
        yield sources, reasons


def _follows(model: Recommender, own: Histories, rows: Ints) -> bool:
    """Whether it is known without asking for reasons that the history led to some of ``rows``."""
    return isinstance(model, FusedModel) and bool(len(own.items)) and bool(model.proposed(own, rows).any())


def _traces(ranked: Ranked, names: Sequence[str]) -> list[StageTrace]:
    return [StageTrace(one.stage, one.place, one.lines("en", names), one.lines("zh", names)) for one in ranked.traces]


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


def _fallback(
    history: Histories, wanted: Wanted, items: Sequence[Recommended], people: int, held: str | None
) -> dict[str, str] | None:
    known = bool(len(history.items))
    popular = "popular items" if people else "items as the catalogue has them"
    if wanted.asked is not None and wanted.asked.empty:
        return {"reason": "nothing in the request was understood as a wish: the list without it"}
    if not items and held is not None:
        return {"reason": f"nothing that may come out meets the condition: {held}"}
    if not items:
        return {"reason": "there is nothing left to recommend: all is hidden, excluded, already known or ruled out"}
    if any(WORDS in item.sources for item in items):
        return None
    if any(wish.weight > 0 for wish in wanted.requested):
        return {"reason": "nothing here says what was asked for: items whose texts come nearest to it"}
    if not known:
        allowed = " that the words allow" if wanted.wishes else ""
        if any(NEAR.intersection(item.sources) for item in items):
            return {"reason": "nothing is known of this person yet: what people near them took, and popular items"}
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
