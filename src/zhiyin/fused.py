"""4-5: several models as one. Their proposals are merged, and a learned combination orders them.

    score(user, c) = f(standardised scores and places of c by every model, facts of c and of the pair)

f is a weighted sum or boosted trees, learned by ``fusing``. What no model proposed follows in the order of the core.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from zhiyin.candidates.base import Params, Recommender
from zhiyin.candidates.fill import known_to
from zhiyin.errors import ModelError
from zhiyin.pooling import Pool, chunks, pool_of, scores_of
from zhiyin.rank.fusion import Combiner, Facts, Table, places, score_columns, score_table
from zhiyin.registry import CORE
from zhiyin.types import Catalogue, Floats, Histories, Ints, TrainingData

NEAR = 5
"""Candidates next to an item without events, by the core, whose fused scores it shares."""
BELOW = 1e-3


class FusionParams(Params):
    """As learned: see ``fusing.FusingParams`` for what can be set."""

    members: tuple[str, ...] = Field((CORE,), min_length=1)
    """Models by name."""
    candidates: int = Field(120, ge=2, le=5000)
    """Items that the core proposes for each person; every other model proposes half as many."""
    columns: tuple[str, ...] = ()
    """Columns that the combination was learned on."""
    kind: Literal["linear", "trees"] = "linear"
    """A weighted sum or boosted trees."""

    @property
    def depths(self) -> dict[str, int]:
        """Candidates of each member."""
        return {name: self.candidates if name == CORE else self.candidates // 2 for name in self.members}


class FusedModel(Recommender):
    """``members`` by name, fitted or still to be fitted; ``combiner`` as learned on validation. One that is to be
    restored needs the ``catalogue`` instead."""

    name: ClassVar[str] = "fusion"
    params_type: ClassVar[type[Params]] = FusionParams
    params: FusionParams

    def __init__(
        self,
        params: FusionParams,
        members: Mapping[str, Recommender],
        combiner: Combiner | None = None,
        catalogue: Catalogue | None = None,
    ) -> None:
        super().__init__(params)
        self.members = dict(members)
        self.combiner = combiner
        self.facts: Facts | None = None
        self._catalogue = catalogue
        self._latest: tuple[bytes, Floats, Pool] | None = None
        """What was said last of one person: a list, its sources and its reasons ask for the same."""

    @property
    def core(self) -> Recommender:
        """Orders what no member proposed, and items that nobody has taken."""
        return self.members.get(CORE) or next(iter(self.members.values()))

    def fit_seconds(self, data: TrainingData) -> float:
        return sum(member.fit_seconds(data) for member in self.members.values())

    def fit(self, data: TrainingData) -> Self:
        """Fit every member on ``data``; the combination stays as learned."""
        for member in self.members.values():
            member.fit(data)
        return self.over(data)

    def over(self, data: TrainingData) -> Self:
        """Take members that were fitted on ``data`` already."""
        self.facts, self._latest = Facts.of(data), None
        self.n_items = data.interactions.n_items
        return self

    def score(self, histories: Histories) -> Floats:
        """What nobody proposed is scored below 0. Whatever may come out, an item's score is the same."""
        self.check_asked(histories)
        found = np.zeros((len(histories), self.n_items), dtype=np.float32)
        for start, stop in chunks(histories, self.n_items * (len(self.members) + 2)):
            found[start:stop] = self._block(histories.slice(start, stop))[0]
        return found

    def proposals(self, history: Histories, items: Ints) -> list[list[tuple[str, int]]]:
        """Who proposed each of ``items`` to the one person, and at which place (from 1) of the candidates, best place
        first; empty for an item that nobody proposed."""
        self.check_asked(history)
        pool = self._block(history)[1]
        own = np.stack([places(pool.scores[:, column], pool.indptr) for column in range(len(pool.models))], axis=1)
        at = {int(item): row for row, item in enumerate(pool.items)}
        found = []
        for item in items.tolist():
            row = at.get(item)
            told = [] if row is None else np.flatnonzero(pool.proposed[row]).tolist()
            found.append(sorted(((pool.models[one], int(own[row, one]) + 1) for one in told), key=lambda pair: pair[1]))
        return found

    def contributions_to(self, history: Histories, items: Ints) -> Floats:
        """The pulls of events by the members whose scores are sums of them, each over the spread of its scores, times
        its weight in the weighted sum. They order the evidence; they do not add up to the score."""
        self.check_asked(history)
        found = np.zeros((len(items), len(history.items)), dtype=np.float32)
        for name, share in self._spreads(history).items():
            member = self.members[name]
            known = np.flatnonzero(items < member.n_items)
            if member.additive and len(known):
                # Not every member knows what came after training.
                own = np.flatnonzero(history.items < member.n_items)
                told = member.contributions_to(known_to(history, member.n_items), items[known])
                found[np.ix_(known, own)] += np.float32(share) * told
        return found

    def contributions(self, history: Histories, item: int) -> Floats:
        found: Floats = self.contributions_to(history, np.array([item], dtype=np.int32))[0]
        return found

    def common(self, items: Ints) -> Floats:
        return self.core.common(items)

    def without_common(self) -> Recommender:
        """The core: an order for items alone, of whoever asks."""
        return self.core.without_common()

    def with_newcomers(self, known: Floats, new: Floats) -> Self:
        facts = self._facts
        members = {name: member.with_newcomers(known, new) for name, member in self.members.items()}
        grown = type(self)(self.params, members, self.combiner)
        if grown.core.n_items == self.n_items:
            return self
        grown.facts, grown.n_items = facts.with_newcomers(new), self.n_items + len(new)
        return grown

    def arrays(self) -> dict[str, NDArray[Any]]:
        """What was learned beside the members, whose arrays are kept by their own names."""
        return self._facts.arrays() | self._combiner.arrays()

    def restore(self, arrays: dict[str, NDArray[Any]]) -> Self:
        if self._catalogue is None:
            raise ModelError("a combination is restored over a catalogue", fix="give it one")
        self.combiner = Combiner.restore(self.params.columns, self.params.kind, arrays)
        self.facts, self._latest = Facts.restore(arrays["facts"], self._catalogue), None
        self.n_items = len(self.facts.items)
        return self

    @property
    def _facts(self) -> Facts:
        self.check_fitted()
        assert self.facts is not None
        return self.facts

    @property
    def _combiner(self) -> Combiner:
        if self.combiner is None:
            raise ModelError("nothing was learned of combining models", fix="learn it on validation first")
        return self.combiner

    def _block(self, histories: Histories) -> tuple[Floats, Pool]:
        """Scores float32 [people, n], and the candidates behind them: never a person's own items."""
        if len(histories) != 1:
            return self._scored(histories)
        told = (histories.items, histories.weights, histories.times, histories.users)
        key = b"".join(part.tobytes() for part in told)
        kept = self._latest
        if kept is None or kept[0] != key:
            kept = (key, *self._scored(histories))
            self._latest = kept
        # Whoever asked may bar items in it.
        return kept[1].copy(), kept[2]

    def _scored(self, histories: Histories) -> tuple[Floats, Pool]:
        blocks = blocks_of(self.members, histories, self.n_items)
        barred = np.zeros((len(histories), self.n_items), dtype=np.bool_)
        barred[histories.owners(), histories.items] = True
        pool = pool_of(blocks, self.params.depths, barred)
        by_core = blocks[CORE] if CORE in blocks else next(iter(blocks.values()))
        found = below(by_core)
        fused = self._combiner.score(self.table(pool, histories))
        fresh = self._facts.fresh[pool.items]
        for person in range(len(histories)):
            low, high = pool.indptr[person], pool.indptr[person + 1]
            if low == high:
                continue
            rows, core = pool.items[low:high], by_core[person]
            values = fused[low:high] - fused[low:high].min() + np.float32(BELOW)
            new = fresh[low:high]
            own = histories.items[histories.indptr[person] : histories.indptr[person + 1]]
            if not new.all():
                scale = like_neighbours(core[rows[~new]], values[~new])
                values[new] = scale(core[rows[new]])
                own = own[core[own] > 0]
                found[person, own] = scale(core[own])
            found[person, rows] = values
        return found, pool

    def table(self, pool: Pool, histories: Histories) -> Table:
        return table_of(pool, self._facts, histories)

    def _spreads(self, history: Histories) -> dict[str, float]:
        """Weight of each member's score as it is, for the one person."""
        found = {}
        columns = self._combiner.columns
        for name, member in self.members.items():
            weight = float(self._combiner.weights[columns.index(f"score:{name}")])
            if weight > 0 and member.additive:
                _, best = member.top_k(known_to(history, member.n_items), self.params.depths[name])
                spread = float(best[np.isfinite(best)].std()) if np.isfinite(best).any() else 0.0
                if spread > 0:
                    found[name] = weight / spread
        return found


def blocks_of(members: Mapping[str, Recommender], histories: Histories, n: int) -> dict[str, Floats]:
    """Scores of every member over ``n`` items. Of somebody without a history they say nothing of their own, so they are
    not asked: such people get what is popular, and are told so."""
    blocks = scores_of(members, histories, n)
    empty = histories.lengths == 0
    if empty.any():
        for block in blocks.values():
            block[empty] = 0
    return blocks


def below(block: Floats) -> Floats:
    """The same order, below 0, where a score is above 0; 0 elsewhere."""
    highest = np.maximum(block.max(axis=1, keepdims=True, initial=0), np.finfo(np.float32).tiny)
    found: Floats = np.where(block > 0, block / highest - np.float32(1 + BELOW), np.float32(0))
    return found


def like_neighbours(core: Floats, values: Floats) -> Callable[[Floats], Floats]:
    """What the combination learned is about items that people took and did not have yet. Others (nobody took them, or
    the person did) get the average of the candidates next to them in the order of the core: never falling in its score.
    """
    order = np.argsort(core, kind="stable")
    even = np.full(min(NEAR, len(order)), 1 / min(NEAR, len(order)), dtype=np.float32)
    centres = np.convolve(core[order], even, mode="valid")
    heights = np.maximum.accumulate(np.convolve(values[order], even, mode="valid"))
    return lambda asked: np.interp(asked, centres, heights).astype(np.float32)


def table_of(pool: Pool, facts: Facts, histories: Histories) -> Table:
    columns = score_columns(pool.models) + facts.columns
    values = np.concatenate(
        (score_table(pool.scores, pool.indptr), facts.table(histories, pool.indptr, pool.items)), axis=1
    )
    return Table(pool.indptr, pool.items, columns, values)
