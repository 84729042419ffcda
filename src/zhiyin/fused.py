"""4-5: several models as one. Their proposals are merged, and a learned combination orders them.

    score(user, c) = f(standardised scores and places of c by every model, facts of c and of the pair)

f is a weighted sum or boosted trees, learned by ``fusing``. What no model proposed follows in the order of the core.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from zhiyin.candidates.base import Params, Recommender
from zhiyin.candidates.fill import known_to
from zhiyin.candidates.remembering import keys_of
from zhiyin.candidates.topn import best_of
from zhiyin.errors import ModelError
from zhiyin.pooling import Pool, chunks, joined, pool_of, scores_of
from zhiyin.rank.fusion import Combiner, Facts, Table, owners, score_columns, score_table
from zhiyin.registry import CORE
from zhiyin.types import Catalogue, Floats, Histories, Ints, Longs, TrainingData

BELOW = 1e-3
KEPT_CELLS = 8_000_000
"""It is kept what was said last, of at most so many cells of people and items."""


class FusionParams(Params):
    """As learned: see ``fusing.FusingParams`` for what can be set."""

    members: tuple[str, ...] = Field((CORE,), min_length=1)
    """Models by name."""
    candidates: int = Field(120, ge=2, le=5000)
    """Items that the core proposes for each person; every other model proposes half as many."""
    columns: tuple[str, ...] = ()
    """Columns that the combination was learned on."""
    kind: Literal["linear", "trees"] = "linear"
    """A weighted sum, or boosted trees beside it."""

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
        self._latest: dict[bytes, tuple[Said, int]] = {}
        """What was said last, by history: a list, its sources and its reasons ask for the same."""

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
        self.facts, self._latest = Facts.of(data), {}
        self.n_items = data.interactions.n_items
        return self

    def score(self, histories: Histories) -> Floats:
        """What nobody proposed is scored below 0. Whatever may come out, an item's score is the same."""
        self.check_asked(histories)
        found = np.zeros((len(histories), self.n_items), dtype=np.float32)
        for start, stop in chunks(histories, self.n_items * (len(self.members) + 2)):
            found[start:stop] = self._said(histories.slice(start, stop)).block()
        return found

    def top_k(
        self,
        histories: Histories,
        k: int,
        *,
        exclude_seen: bool = True,
        allowed: NDArray[np.bool_] | None = None,
    ) -> tuple[Ints, Floats]:
        self.check_request(histories, k)
        rows = np.full((len(histories), k), -1, dtype=np.int32)
        scores = np.full((len(histories), k), -np.inf, dtype=np.float32)
        for start, stop in chunks(histories, self.n_items * (len(self.members) + 2)):
            said = self._said(histories.slice(start, stop))
            rows[start:stop], scores[start:stop] = said.best(k, exclude_seen, allowed)
        return rows, scores

    def proposals(self, history: Histories, items: Ints) -> list[list[tuple[str, int]]]:
        """Who proposed each of ``items`` to the one person, and at which place (from 1) of the candidates, best place
        first; empty for an item that nobody proposed."""
        self.check_asked(history)
        pool = self._pool(history)
        found: list[list[tuple[str, int]]] = [[] for _ in range(len(items))]
        rows = np.minimum(np.searchsorted(pool.items, items), max(0, len(pool.items) - 1))
        asked = np.flatnonzero(pool.items[rows] == items) if len(pool.items) else np.empty(0, dtype=np.int64)
        rows = rows[asked]
        scores = np.ascontiguousarray(pool.scores.T)[:, None]
        own = scores[:, 0, rows][:, :, None]
        # Of equal scores the one in front stands higher, as ``places`` has it.
        before = np.arange(len(pool.items)) < rows[:, None]
        ahead = np.count_nonzero((scores > own) | ((scores == own) & before), axis=2).T
        by = pool.proposed[rows].tolist()
        for place, own_by, places in zip(asked.tolist(), by, ahead.tolist(), strict=True):
            told = [(name, at + 1) for name, at, does in zip(pool.models, places, own_by, strict=True) if does]
            found[place] = sorted(told, key=lambda pair: pair[1])
        return found

    def proposed(self, history: Histories, items: Ints) -> NDArray[np.bool_]:
        """Whether any member proposed each of ``items`` to the one person."""
        self.check_asked(history)
        known = self._pool(history).items
        if not len(known):
            return np.zeros(len(items), dtype=np.bool_)
        return np.asarray(known[np.minimum(np.searchsorted(known, items), len(known) - 1)] == items)

    def contributions_to(self, history: Histories, items: Ints) -> Floats:
        """The pulls of events by the members whose scores are sums of them, each over the spread of its scores, times
        its weight in the weighted sum. They order the evidence; they do not add up to the score."""
        self.check_asked(history)
        found = np.zeros((len(items), len(history.items)), dtype=np.float32)
        for name, share in self._spreads(history).items():
            member = self.members[name]
            known = np.flatnonzero(items < member.n_items)
            if member.n_items == self.n_items:
                found += np.float32(share) * member.contributions_to(history, items)
            elif len(known):
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
        self.facts, self._latest = Facts.restore(arrays["facts"], self._catalogue), {}
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

    def _said(self, histories: Histories) -> Said:
        """Of people who were asked about last it is known already."""
        if len(histories) * self.n_items > KEPT_CELLS:
            return self._scored(histories)
        keys = keys_of(histories)
        latest = self._latest
        kept = [latest[key] for key in keys if key in latest]
        if len(kept) == len(keys) and len({id(said) for said, _ in kept}) == 1:
            said, people = kept[0][0], [person for _, person in kept]
            return said if people == list(range(len(said.core))) else said.of(people)
        said = self._scored(histories)
        self._latest = {key: (said, person) for person, key in enumerate(keys)}
        return said

    def _pool(self, history: Histories) -> Pool:
        """The candidates of one person."""
        kept = self._latest.get(keys_of(history)[0])
        return self._said(history).pool if kept is None else kept[0].pool.of(kept[1])

    def _scored(self, histories: Histories) -> Said:
        blocks = blocks_of(self.members, histories, self.n_items)
        barred = np.zeros((len(histories), self.n_items), dtype=np.bool_)
        barred[histories.owners(), histories.items] = True
        pool = pool_of(blocks, self.params.depths, barred)
        core = blocks[CORE] if CORE in blocks else next(iter(blocks.values()))
        values = self._combiner.score(self.table(pool, histories))
        if len(values):
            values = values - least_of(values, pool.indptr)[owners(pool.indptr)] + np.float32(BELOW)
        fresh = self._facts.fresh[pool.items]
        for person in np.unique(owners(pool.indptr)[fresh]).tolist():
            low, high = pool.indptr[person], pool.indptr[person + 1]
            new = fresh[low:high]
            if not new.all():
                own, told = core[person, pool.items[low:high]], values[low:high]
                told[new] = like_core(own[~new], told[~new])(own[new])
        return Said(histories, pool, values, core, self._facts.fresh)

    def table(self, pool: Pool, histories: Histories) -> Table:
        return table_of(pool, self._facts, histories, self._combiner.needed)

    def _spreads(self, history: Histories) -> dict[str, float]:
        """Weight of each member's score as it is, for the one person: over the spread of what it proposed."""
        found = {}
        columns, pool = self._combiner.columns, self._pool(history)
        own, scores = pool.proposed.T.astype(np.float64), pool.scores.T.astype(np.float64)
        counts = np.maximum(own.sum(axis=1), 1)
        apart = (scores - ((own * scores).sum(axis=1) / counts)[:, None]) * own
        spreads = np.sqrt((apart**2).sum(axis=1) / counts).tolist()
        for name, spread in zip(pool.models, spreads, strict=True):
            weight = float(self._combiner.weights[columns.index(f"score:{name}")])
            if weight > 0 and spread > 0 and self.members[name].additive:
                found[name] = weight / spread
        return found


@dataclass(frozen=True)
class Said:
    """What a combination says of some people: their candidates, ``values`` float32 [rows of the pool] > 0, and the
    scores of the core, float32 [people, n], which order the rest. ``fresh`` bool [n] are items nobody has taken."""

    histories: Histories
    pool: Pool
    values: Floats
    core: Floats
    fresh: NDArray[np.bool_]

    def of(self, people: Sequence[int]) -> Said:
        """The same of some of the people."""
        pools = [self.pool.of(person) for person in people]
        bounds = [(self.pool.indptr[person], self.pool.indptr[person + 1]) for person in people]
        values = np.concatenate([self.values[low:high] for low, high in bounds])
        rows = np.array(people, dtype=np.int64)
        return Said(self.histories.take(rows), joined(pools), values, self.core[rows], self.fresh)

    def block(self) -> Floats:
        """Scores float32 [people, n]."""
        found = below(self.core)
        for person in np.flatnonzero(np.diff(self.pool.indptr)).tolist():
            low, high = self.pool.indptr[person], self.pool.indptr[person + 1]
            rows, core, values = self.pool.items[low:high], self.core[person], self.values[low:high]
            old = ~self.fresh[rows]
            if old.any():
                # The person's own are no candidates.
                own = self.histories.items[self.histories.indptr[person] : self.histories.indptr[person + 1]]
                own = own[core[own] > 0]
                found[person, own] = like_core(core[rows[old]], values[old])(core[own])
            found[person, rows] = values
        return found

    def best(self, k: int, exclude_seen: bool, allowed: NDArray[np.bool_] | None) -> tuple[Ints, Floats]:
        """As ``best_of(block(), k)`` for what may come out. Candidates stand first, so where they are ``k`` the others
        are not looked at."""
        people = owners(self.pool.indptr)
        kept = np.ones(len(people), dtype=np.bool_) if allowed is None else allowed[self.pool.items]
        counts = np.bincount(people[kept], minlength=len(self.core))
        full = exclude_seen & (counts >= k)
        rows = np.full((len(self.core), k), -1, dtype=np.int32)
        scores = np.full((len(self.core), k), -np.inf, dtype=np.float32)
        if full.any():
            place = np.arange(len(people)) - self.pool.indptr[:-1][people]
            table = np.full((len(self.core), int(np.diff(self.pool.indptr).max())), -np.inf, dtype=np.float32)
            table[people[kept], place[kept]] = self.values[kept]
            found, scores[full] = best_of(table[full], k)
            rows[full] = self.pool.items[self.pool.indptr[:-1][full][:, None] + found]
        short = np.flatnonzero(~full)
        if len(short):
            some = self if len(short) == len(self.core) else self.of(short.tolist())
            block = some.block()
            if exclude_seen:
                block[some.histories.owners(), some.histories.items] = -np.inf
            if allowed is not None:
                block[:, ~allowed] = -np.inf
            rows[short], scores[short] = best_of(block, k)
        return rows, scores


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


def like_core(core: Floats, values: Floats) -> Callable[[Floats], Floats]:
    """What the combination learned is about items that people took and did not have yet. Others (nobody took them, or
    the person did) stand as high among the candidates as by the core: with as many of them above, whichever these are.
    """
    centres, heights = np.sort(core), np.sort(values)
    # Of those above all candidates, or between the same two, the order stays.
    step = np.float32(BELOW / max(float(np.abs(core).max()), float(np.finfo(np.float32).tiny)))
    return lambda asked: (np.interp(asked, centres, heights) + step * asked).astype(np.float32)


def least_of(values: Floats, indptr: Longs) -> Floats:
    """Least of each person's ``values``, float32 [people]; 0 for somebody without any."""
    found = np.zeros(len(indptr) - 1, dtype=np.float32)
    some = np.diff(indptr) > 0
    if some.any():
        found[some] = np.minimum.reduceat(values, indptr[:-1][some])
    return found


def table_of(pool: Pool, facts: Facts, histories: Histories, needed: Collection[str] | None = None) -> Table:
    """All columns, or those that are ``needed``."""
    scored, known = score_columns(pool.models), facts.columns
    wanted = set(scored + known if needed is None else needed)
    of_scores, of_facts = [name in wanted for name in scored], [name in wanted for name in known]
    told = facts.table(histories, pool.indptr, pool.items, of_facts)
    values = np.concatenate((score_table(pool.scores, pool.indptr, of_scores), told), axis=1)
    return Table(pool.indptr, pool.items, tuple(name for name in scored + known if name in wanted), values)
