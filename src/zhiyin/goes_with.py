"""What goes with one item, or with all in a cart: bought together, and not looked at in each other's place."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from zhiyin.answers import Recommended
from zhiyin.behaviour import Behaviour, Counted
from zhiyin.candidates.base import Recommender
from zhiyin.candidates.together import complements
from zhiyin.config import ShopSettings
from zhiyin.errors import ModelError, UnknownItem, UsageError
from zhiyin.explain.evidence import ANONYMOUS
from zhiyin.explain.reasons import Reason, shared_features
from zhiyin.newcomers import Shelf
from zhiyin.types import Floats, Histories, Ints

POOL = 1000
"""Items that the model proposes before those of the same kind are taken out."""
MOST = 100
"""Items of a cart that are looked at, the last ones."""
BOUGHT = "bought"
"""The source of what events say; others are named by their model."""


class GoesWith:
    """What ``behaviour`` says of the items on ``shelf``; made anew with the engine.

    Where purchases and looks are told apart by their type, what is bought together counts, less what is looked at
    together. Where there are no looks, an item's last category says what stands in its place: nothing of the same kind
    comes out, and the order is that of ``model``, which learned from what the same people took. What the events leave
    open is filled up so, too.
    """

    def __init__(self, behaviour: Behaviour, shelf: Shelf, model: Recommender, settings: ShopSettings) -> None:
        self._behaviour, self._shelf, self._model, self._settings = behaviour, shelf, model, settings

    def candidates(self, item_ids: Sequence[str], k: int, allowed: NDArray[np.bool_]) -> tuple[Ints, Floats, list[str]]:
        """Up to ``k`` rows, their scores, falling, and where each comes from. Raises UnknownItem, UsageError, and
        ModelError where nothing at all is known of the items."""
        rows = self.rows(item_ids)
        bought, viewed, _ = self._pairs
        barred = ~allowed
        score = np.zeros(len(allowed), dtype=np.float32)
        if viewed.counts.nnz:
            score = complements(bought, viewed, rows, self._settings.view_penalty)
        score[barred] = 0
        first = np.flatnonzero(score)
        first = first[np.lexsort((first, -score[first]))][:k]
        found, scores, sources = first.astype(np.int32), score[first], [BOUGHT] * len(first)
        if len(found) < k:
            more, weights = self._filled(rows, allowed, set(found.tolist()), k - len(found))
            # Behind what the events say, in the model's own order.
            scale = float(scores[-1]) if len(scores) else 1.0
            top = float(weights[0]) if len(weights) else 1.0
            found, scores = np.r_[found, more], np.r_[scores, (weights / top * scale).astype(np.float32)]
            sources += [self._model.name] * len(more)
        return found, scores, sources

    def rows(self, item_ids: Sequence[str]) -> list[int]:
        """Raises UnknownItem for an id nobody has heard of, UsageError for none."""
        if not item_ids:
            raise UsageError("no item is named", fix="name one or more")
        rows = [self._shelf.items.row(item) for item in item_ids]
        if -1 in rows:
            raise UnknownItem(f"no item '{item_ids[rows.index(-1)]}'", fix="check the id, or import the item first")
        return list(dict.fromkeys(rows))[-MOST:]

    def answers(
        self, item_ids: Sequence[str], rows: Ints, scores: Floats, sources: dict[int, str]
    ) -> list[Recommended]:
        """Each with what it is bought with most, and by how many. Where nobody bought both it is told of the item for
        which the model has it there: how many took both, or that the two are alike where nobody did."""
        own, catalogue, ids = self.rows(item_ids), self._shelf.catalogue, self._shelf.items.ids
        likest = self._likest(own, rows)
        told = []
        for place, (row, score) in enumerate(zip(rows.tolist(), scores.tolist(), strict=True), 1):
            title = catalogue.titles[row] or None
            source = sources.get(row, self._model.name)
            reasons = self._reasons(own, row, likest[place - 1])
            told.append(Recommended(ids[row], title, place, round(score, 6), None, [source], reasons))
        return told

    def _reasons(self, own: Sequence[int], row: int, likest: int) -> list[Reason]:
        catalogue, ids = self._shelf.catalogue, self._shelf.items.ids
        bought, takers = self._pairs.bought, self._pairs.takers
        share, item = max((bought.share(item, row), -item) for item in own)
        if share > 0:
            said = round(share, 4) if bought.people[-item] >= ANONYMOUS else None
            return [Reason("bought", ids[-item], catalogue.titles[-item] or None, said, [])]
        item = own[-1] if likest < 0 else likest
        share = takers.share(item, row)
        if share > 0:
            said = round(share, 4) if takers.count(item) >= ANONYMOUS else None
            return [Reason("together", ids[item], catalogue.titles[item] or None, said, [])]
        if likest < 0:
            return []
        shared = shared_features(catalogue, likest, row)
        return [Reason("similar", ids[likest], catalogue.titles[likest] or None, None, shared)]

    def _likest(self, own: Sequence[int], rows: Ints) -> list[int]:
        """Which of ``own`` pulls each of ``rows`` most, by the model; -1 where none does."""
        known = [item for item in own if item < self._model.n_items]
        placed = np.flatnonzero(rows < self._model.n_items)
        found = np.full(len(rows), -1, dtype=np.int32)
        if known and len(placed):
            pulls = self._model.contributions_to(Histories.of([known]), rows[placed])
            best = pulls.argmax(axis=1)
            pulled = pulls[np.arange(len(placed)), best] > 0
            found[placed[pulled]] = np.array(known, dtype=np.int32)[best[pulled]]
        return [int(one) for one in found]

    def _filled(
        self, rows: Sequence[int], allowed: NDArray[np.bool_], without: set[int], k: int
    ) -> tuple[Ints, Floats]:
        known = [row for row in rows if row < self._model.n_items]
        if not known:
            if without:
                return np.zeros(0, dtype=np.int32), np.zeros(0, dtype=np.float32)
            what = (
                "nothing is known yet of what goes with it" if len(rows) == 1 else "nothing is known yet of the items"
            )
            raise ModelError(what, fix="run 'zhiyin train'")
        fine = allowed[: self._model.n_items] & ~self._same_kind(rows)[: self._model.n_items]
        fine[[row for row in without if row < len(fine)]] = False
        most = min(POOL, self._model.n_items)
        found, scores = self._model.top_k(Histories.of([known]), most, allowed=fine)
        good = (found[0] >= 0) & (scores[0] > 0)
        return found[0][good][:k], scores[0][good][:k]

    def _same_kind(self, rows: Sequence[int]) -> NDArray[np.bool_]:
        """Bool [n]: what stands in the place of one of ``rows``: by looks where there are any of it, else by its last
        category."""
        viewed = self._pairs.viewed
        barred = np.zeros(len(self._shelf.items), dtype=np.bool_)
        kinds = self._kinds
        for row in rows:
            others, _ = viewed.likeness(row)
            barred[others] = True
            if kinds[row] >= 0:
                barred |= kinds == kinds[row]
        barred[list(rows)] = True
        return barred

    @cached_property
    def _kinds(self) -> Ints:
        """Number of the last category of each item, int32 [n]; -1 without any."""
        names: dict[str, int] = {}
        last = [own[-1] if own else None for own in self._shelf.catalogue.categories]
        return np.array([-1 if name is None else names.setdefault(name, len(names)) for name in last], dtype=np.int32)

    @cached_property
    def _pairs(self) -> Counted:
        return self._behaviour.pairs(self._shelf.items)
