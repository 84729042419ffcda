"""Variety within the head of a list: fewer of the same, for as little relevance as can be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from zhiyin.rerank.base import Asked, Change, Listed, Stage, StageParams, Values, along
from zhiyin.rerank.greedy import dpp, mmr, swap
from zhiyin.rerank.items import Items
from zhiyin.rerank.similar import By, heads, similarities
from zhiyin.rerank.trace import Why
from zhiyin.types import Floats

Places = NDArray[np.int64]
UNLIKE = Why("unlike those that stand before it", "与排在前面的结果不同")
CHUNK = 256
"""People whose similarities are held at once."""


class DiversityParams(StageParams):
    method: Literal["swap", "dpp", "mmr"] = "swap"
    """``swap`` exchanges a few items for unlike ones further down; ``dpp`` takes the likeliest set of a determinantal
    point process, item by item; ``mmr`` is maximal marginal relevance."""
    strength: float = Field(0.5, ge=0, le=1)
    """How much variety counts beside relevance: 0 leaves the list, 1 looks at variety alone."""
    within: int = Field(10, ge=2, le=100)
    """Places arranged; what follows them keeps its order."""
    pool: int = Field(50, ge=2, le=1000)
    """Candidates that may come into those places."""
    keep: int = Field(0, ge=0, le=100)
    """First places whose items stay, whatever they are like."""
    swaps: int = Field(3, ge=1, le=100)
    """``swap``: items exchanged, at most."""
    sharpness: float = Field(1.0, gt=0, le=4)
    """Power to which worth is taken: above 1 the sure ones are held on to more, and the unsure ones less."""
    taste: float = Field(0.0, ge=0, le=10)
    """How much a candidate counts for being like what the person took, by text and lately most of all: its worth is
    multiplied by exp(taste * likeness), so that variety is sought among the person's own tastes. 0 looks at worth
    alone, and so do people without a history and catalogues without vectors."""
    by: By = "auto"
    """What likeness is: of text ``vectors``, of ``categories``, or ``auto``: vectors where there are any."""


class Diversity(Stage):
    """The set of the first ``within`` is chosen by ``method``; within it the order stays what it was, so the surest
    items stand first still."""

    kind: ClassVar[str] = "diversity"
    params_type: ClassVar[type[StageParams]] = DiversityParams
    params: DiversityParams

    def describe(self) -> str:
        own = self.params
        limits = f", at most {own.swaps} exchanged" if own.method == "swap" else ""
        held = f", the first {own.keep} stay" if own.keep else ""
        return (
            f"variety among the first {own.within} out of {own.pool} by {own.method}, strength {own.strength:g}"
            f"{limits}{held}"
        )

    def arrange(self, given: Listed, asked: Asked, items: Items) -> Change:
        chosen, alike = self._chosen([given], [asked], items)
        whys = self._whys(given, chosen[0], alike[0], items)
        return Change(self._order(given, chosen[0]), whys=whys)

    def arrange_many(self, given: Sequence[Listed], asked: Sequence[Asked], items: Items) -> list[Change]:
        """As ``arrange``, without reasons."""
        changes: list[Change] = []
        for start in range(0, len(given), CHUNK):
            some = given[start : start + CHUNK]
            chosen, _ = self._chosen(some, asked[start : start + CHUNK], items)
            changes += [Change(self._order(one, places)) for one, places in zip(some, chosen, strict=True)]
        return changes

    def _chosen(self, given: Sequence[Listed], asked: Sequence[Asked], items: Items) -> tuple[Places, Floats]:
        """Places [B, within] of the items that stand first, in the order they had, and similarities [B, P, P]. All
        pools are equally wide, so that one person alone gets the same numbers as among others."""
        own = self.params
        width = max(own.pool, own.within)
        pools = heads([one.rows for one in given], width)
        worth = np.full(pools.shape, -np.inf)
        for place, one in enumerate(given):
            worth[place, : len(one.rows[:width])] = self._worth(one, asked[place], items, width)
        alike = similarities(pools, items, own.by)
        if own.method == "swap":
            chosen = swap(worth, alike, own.within, own.strength, own.swaps, own.keep)
        else:
            chosen = (dpp if own.method == "dpp" else mmr)(worth, alike, own.within, own.strength, own.keep)
        return np.sort(chosen, axis=1), alike

    def _worth(self, given: Listed, asked: Asked, items: Items, width: int) -> Values:
        """Float64 [at most ``width``]."""
        own, worth = self.params, given.worth[:width]
        if not len(worth):
            return worth
        worth = worth**own.sharpness
        if own.taste:
            near = liking(given.rows[:width], asked, items)
            worth = worth * np.exp(own.taste * (near - near[: own.within].mean()))
        return worth

    @staticmethod
    def _order(given: Listed, places: Places) -> Places:
        return along(places[places < len(given)], len(given))

    def _whys(self, given: Listed, places: Places, alike: Floats, items: Items) -> dict[int, Why]:
        """For those that come in, and for those that go, with the item that each is most like among those that stand
        first."""
        kept = places[places < len(given)]
        whys = dict.fromkeys(given.rows[kept[kept >= len(kept)]].tolist(), UNLIKE)
        for place in np.setdiff1d(np.arange(len(kept)), kept).tolist():
            near = int(kept[alike[place, kept].argmax()])
            name, much = items.name(int(given.rows[near])), float(alike[place, near])
            whys[int(given.rows[place])] = Why(f"too like '{name}' ({much:.2f})", f"与“{name}”过于相似（{much:.2f}）")
        return whys


DECAY = 0.7
"""In what a person took, an item counts this many times the one after it ..."""
LATEST = 20
"""... of so many latest ones."""


def liking(rows: NDArray[np.int32], asked: Asked, items: Items) -> NDArray[np.float64]:
    """How like each of ``rows`` is to what the person took: the mean cosine of text vectors, later items counting more,
    float64 [len(rows)] in [-1, 1]; zeros where nothing is known."""
    history = asked.history
    if history is None or items.vectors is None or not len(history.items) or not len(rows):
        return np.zeros(len(rows))
    latest = history.items[-LATEST:]
    weights = DECAY ** np.arange(len(latest))[::-1]
    # One product after the other in float64: the same for one person as among others.
    mean = (weights / weights.sum()) @ items.vectors[latest].astype(np.float64)
    found: NDArray[np.float64] = items.vectors[rows] @ mean
    return found
