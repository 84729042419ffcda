"""Explaining: for one person and one item, why it is in the list or why not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zhiyin.bundle import Bundle
from zhiyin.candidates.base import Recommender
from zhiyin.candidates.fill import known_to
from zhiyin.candidates.short import ByLength
from zhiyin.config import PreprocessSettings
from zhiyin.crowd import Crowds, crowds_of
from zhiyin.explain.evidence import Evidence, Interested, Own, Wished, gather, meets
from zhiyin.explain.sentences import Sentence
from zhiyin.explain.text import shown
from zhiyin.explain.why_not import Barred, Change, Part, Rule, Standing, WhyNot, barred, best_changes, low
from zhiyin.explain.write import write
from zhiyin.fused import FusedModel
from zhiyin.llm.prompts import render
from zhiyin.newcomers import Shelf
from zhiyin.ordering import Ordered
from zhiyin.ports import LanguageModels, NoLanguageModels, Store
from zhiyin.preprocess.clean import positives
from zhiyin.preprocess.dataset import histories_of
from zhiyin.registry import FILLER
from zhiyin.scripts import Language, language_of
from zhiyin.types import Floats, Histories, Tier

TRIED = 20
"""Items whose choice is tried in answer to "what would change it"."""


@dataclass(frozen=True)
class Explanation:
    """Why ``item_id`` is in the person's list (``shown``, with ``sentences`` and the ``evidence`` that they cite), or
    why it is not (``why_not``). ``note`` says why there is no sentence where there is none."""

    user_id: str
    item_id: str
    title: str | None
    bundle: str
    language: Language
    tier: Tier
    shown: bool
    rank: int | None
    score: float | None
    sentences: list[Sentence]
    evidence: list[Evidence]
    why_not: WhyNot | None
    note: str | None

    def to_dict(self) -> dict[str, Any]:
        told = asdict(self)
        told["evidence"] = [one.to_dict() for one in self.evidence]
        return told


@dataclass(frozen=True)
class Desk:
    """What an engine has open. ``ranker`` says which model, with its filler, is asked about a history."""

    store: Store
    bundle: Bundle
    shelf: Shelf
    ranker: ByLength
    preprocess: PreprocessSettings
    unit: float
    now: int
    models: LanguageModels = field(default_factory=NoLanguageModels)
    seconds: float | None = None
    """What a language model may take over one explanation."""

    @cached_property
    def crowds(self) -> Crowds:
        """Counted once, over the events stored when the first item is explained."""
        days = self.bundle.manifest.models[FILLER].get("days")
        return crowds_of(self.store, self.preprocess, self.shelf.items, days)

    @cached_property
    def spread(self) -> dict[str, float]:
        """Share of the items in each category."""
        kinds = [set(kinds) for kinds in self.shelf.catalogue.categories]
        counts: dict[str, int] = {}
        for named in kinds:
            for kind in named:
                counts[kind] = counts.get(kind, 0) + 1
        return {kind: count / len(kinds) for kind, count in counts.items()}


def explain(
    desk: Desk,
    user_id: str,
    item_id: str,
    language: Language | None = None,
    *,
    k: int = 10,
    shown: int | None = None,
    exclude: Sequence[str] = (),
    wishes: Sequence[Wished] = (),
    interests: Sequence[Interested] = (),
    ordered: Ordered | None = None,
    again: Callable[[Histories], Ordered] | None = None,
    barring: int | None = None,
    named: bool = False,
    moved: Sequence[tuple[str, str]] = (),
    plain: bool = False,
    unmet: str | None = None,
) -> Explanation:
    """Why ``item_id`` is, or is not, among the best ``k`` for ``user_id``, by the same rules as the list itself.

    ``language`` None takes that of the titles the person chose. ``wishes`` are those in force, of the profile and of
    the request; ``barring`` is the place among them of the one that kept the item out, where the caller knows.
    ``interests`` are those the item loads on, the person's strongest first. ``ordered`` is the order the list was made
    in (every item that may be shown, as re-ranked); None lets the model and its filler make it. ``again`` makes such
    an order for another history; without it nothing is said of what would change an order that was given. ``shown``
    is the length of the list itself, where re-ranking left fewer than ``k``, and ``moved`` says in English and Chinese
    what it did with the item. ``plain`` leaves the words to templates. ``unmet`` are conditions of the request that
    do not hold for the item, in words. An unknown item is no error: it has its rule.
    """
    asked = _Asked(desk, user_id, item_id, k, exclude, wishes, ordered, again, k if shown is None else min(k, shown))
    language = language or asked.language
    tier, catalogue = Tier.NONE, desk.shelf.catalogue
    title = catalogue.titles[asked.item] or None if asked.item >= 0 else None
    rule = asked.rule(barring)
    if rule is None and named:
        rule = Barred(Rule.NAMED, item_id)
    if rule is None and unmet is not None:
        rule = Barred(Rule.UNMET, item_id, unmet)
    place = asked.place if rule is None else None
    if rule is None and place is None:
        rule = asked.missing()
    said: list[Sentence] = []
    evidence: list[Evidence] = []
    why, note, rank, score = None, None, None, None
    if rule is not None:
        why = barred(rule, language)
    else:
        assert place is not None
        rank, score = place + 1, round(float(asked.order.scores[place]), 6)
        if place < asked.shown:
            found = asked.evidence(interests)
            said = write(found, language, NoLanguageModels() if plain else desk.models, render, seconds=desk.seconds)
            cited = {key for one in said for key in one.evidence}
            evidence = [one for one in found if one.id in cited]
            tier = max((one.tier for one in said), key=list(Tier).index, default=Tier.NONE)
            note = None if said else _silence(language)
        else:
            why = low(replace(asked.standing(place), moved=tuple(moved)), language)
    name = desk.bundle.manifest.name
    return Explanation(
        user_id, item_id, title, name, language, tier, why is None, rank, score, said, evidence, why, note
    )


def reworded(told: Explanation, models: LanguageModels, seconds: float | None = None) -> Explanation:
    """``told``, which templates worded, in the words of ``models``, on the evidence that it cites; as it was where the
    item is not in the list or nothing can be cited. ``seconds`` is what the model may take."""
    if not told.sentences:
        return told
    said = write(told.evidence, told.language, models, render, seconds=seconds)
    cited = {key for one in said for key in one.evidence}
    tier = max((one.tier for one in said), key=list(Tier).index, default=Tier.NONE)
    return replace(told, sentences=said, evidence=[one for one in told.evidence if one.id in cited], tier=tier)


def _silence(language: Language) -> str:
    if language == "zh":
        return "没有可以引用的依据：您自己的记录没有指向它，选过它的人也太少。"
    return "There is no evidence to cite: nothing of your own leads to it, and too few people chose it."


class _Asked:
    """One question, its parts computed when they are needed."""

    def __init__(
        self,
        desk: Desk,
        user_id: str,
        item_id: str,
        k: int,
        exclude: Sequence[str],
        wishes: Sequence[Wished],
        ordered: Ordered | None,
        again: Callable[[Histories], Ordered] | None,
        shown: int,
    ) -> None:
        self.desk, self.user_id, self.item_id, self.k, self.shown = desk, user_id, item_id, k, shown
        self.exclude, self.wishes, self._ordered, self._again = exclude, wishes, ordered, again
        self.item = desk.shelf.items.row(item_id)
        liked = positives(desk.store.events(user_id), desk.preprocess, unit=desk.unit)
        half_life = desk.preprocess.half_life_days
        items, known = desk.shelf.items, desk.bundle.users
        self.history = histories_of(liked, items, [user_id], known=known, half_life_days=half_life, now=desk.now)
        events = liked.select("item_id", "seq", "event_type").iter_rows()
        self._events = {item: (str(seq), kind) for item, seq, kind in events}

    @cached_property
    def model(self) -> Recommender:
        """The one that is asked about this history."""
        return self.desk.ranker.of(self.history).model

    @property
    def language(self) -> Language:
        titles = self.desk.shelf.catalogue.titles
        own = [titles[row] for row in self.history.items]
        return language_of(own if any(own) else titles[self.item : self.item + 1] if self.item >= 0 else [])

    def rule(self, barring: int | None) -> Barred | None:
        """The first rule that bars the item; None where none does."""
        key, row, shelf = self.item_id, self.item, self.desk.shelf
        if row < 0:
            return Barred(Rule.UNKNOWN, key)
        if not shelf.allowed[row]:
            return Barred(Rule.HIDDEN, key)
        if row in self.history.items and not self._comes_again:
            return Barred(Rule.TAKEN, key, event=f"event:{self._events[key][0]}")
        if key in self.exclude:
            return Barred(Rule.EXCLUDED, key)
        if barring is not None:
            return self._against(self.wishes[barring])
        if self._ordered is None:
            for one in self.wishes:
                if one.wish.hard and meets(one, row, shelf.catalogue) == (one.wish.weight < 0):
                    return self._against(one)
        return None

    @property
    def _comes_again(self) -> bool:
        """Whether a list that lets own items come back has this one."""
        return self._ordered is not None and self.item in self._ordered.rows[: self.shown]

    def _against(self, one: Wished) -> Barred:
        rule = Rule.MUTED if one.wish.weight < 0 else Rule.NOT_ASKED
        return Barred(rule, self.item_id, shown(one.wish.text), one.source)

    def missing(self) -> Barred:
        """Why an item that no plain rule bars is not in the order: a hard wish, the likeliest first, or no place."""
        hard = [one for one in self.wishes if one.wish.hard]
        catalogue = self.desk.shelf.catalogue
        blamed = [one for one in hard if meets(one, self.item, catalogue) == (one.wish.weight < 0)]
        return self._against((blamed or hard)[0]) if hard else Barred(Rule.UNPLACED, self.item_id)

    @cached_property
    def order(self) -> Ordered:
        if self._ordered is not None:
            return self._ordered
        allowed = self._allowed()
        rows, scores = self.desk.ranker.top_k(self.history, len(self.desk.shelf.items), allowed=allowed)
        taken = rows[0] >= 0
        return Ordered(rows[0][taken], scores[0][taken], {})

    def _allowed(self) -> NDArray[np.bool_]:
        allowed = self.desk.shelf.allowed.copy()
        out = self.desk.shelf.items.rows(self.exclude)
        allowed[out[out >= 0]] = False
        return allowed

    @property
    def place(self) -> int | None:
        """Place of the item in the full order, from 0; None where it is not in it."""
        found = np.flatnonzero(self.order.rows == self.item)
        return int(found[0]) if len(found) else None

    @cached_property
    def own(self) -> Histories:
        return known_to(self.history, self.model.n_items)

    def _pulls(self, item: int) -> Floats:
        if item >= self.model.n_items:
            return np.zeros(len(self.own.items), dtype=np.float32)
        return self.model.contributions(self.own, item)

    def _proposed(self, item: int) -> bool:
        """Whether some model of a combination proposed it, be it one that cannot say which events did it."""
        model, asked = self.model, np.array([item], dtype=np.int32)
        return isinstance(model, FusedModel) and bool(model.proposals(self.own, asked)[0])

    def _common(self, item: int) -> float:
        known = item < self.model.n_items
        return float(self.model.common(np.array([item], dtype=np.int32))[0]) if known else 0.0

    def evidence(self, interests: Sequence[Interested]) -> list[Evidence]:
        shelf = self.desk.shelf
        pulls = self._pulls(self.item)
        events = [self._events[shelf.items.ids[row]] for row in self.own.items]
        own = Own(self.own.items, pulls, [key for key, _ in events], [kind for _, kind in events])
        led = [int(row) for row, pull in zip(self.own.items, pulls, strict=True) if pull > 0]
        return gather(
            self.item,
            shelf.items.ids,
            shelf.catalogue,
            own,
            common=self._common(self.item),
            crowd=self.desk.crowds.about(self.item, led, self.user_id),
            wishes=self.wishes,
            interests=interests,
            spread=self.desk.spread,
        )

    def standing(self, place: int) -> Standing:
        order = self.order
        last = max(1, min(self.shown, len(order.rows))) - 1
        item, other = int(order.rows[place]), int(order.rows[last])
        parts = [
            Part("own", float(self._pulls(item).sum()), float(self._pulls(other).sum())),
            Part("popularity", self._common(item), self._common(other)),
            *(Part(name, float(values[item]), float(values[other])) for name, values in order.parts.items()),
        ]
        told = tuple(part for part in parts if part.value or part.last)
        filled = not any(part.value for part in parts) and not self._proposed(item)
        score, end = float(order.scores[place]), float(order.scores[last])
        changes = best_changes(self._changes(), place + 1)
        return Standing(place + 1, len(order.rows), self.k, score, end, told, changes, filled)

    def _changes(self) -> list[Change]:
        """Where the item would stand after one more choice, for the items that go with it most of all."""
        model, ids, titles = self.model, self.desk.shelf.items.ids, self.desk.shelf.catalogue.titles
        n = model.n_items
        if self.item >= n or (self._ordered is not None and self._again is None):
            return []
        allowed = self._allowed()[:n]
        close, _ = model.without_common().top_k(Histories.of([[self.item]]), TRIED, allowed=allowed)
        seen = self.own.items
        tried = [int(row) for row in close[0] if row >= 0 and row not in seen]
        if not tried:
            return []
        weights = [*self.own.weights.tolist(), 1.0]
        then = Histories.of([[*seen.tolist(), row] for row in tried], [weights] * len(tried))
        if self._again is not None:
            orders = [self._again(then.slice(place, place + 1)).rows for place in range(len(tried))]
            found = [np.flatnonzero(rows == self.item) for rows in orders]
            return [
                Change(ids[row], shown(titles[row], ids[row]), int(places[0]) + 1)
                for row, places in zip(tried, found, strict=True)
                if len(places)
            ]
        scores = model.score(then)
        barred_rows = ~allowed
        barred_rows[seen] = True
        scores[:, barred_rows] = -np.inf
        scores[np.arange(len(tried)), tried] = -np.inf
        ranks = (scores > scores[:, [self.item]]).sum(axis=1) + 1
        moved = scores[:, self.item] > 0
        told = zip(tried, ranks, moved, strict=True)
        return [Change(ids[row], shown(titles[row], ids[row]), int(rank)) for row, rank, by in told if by]
