"""What people do with items beside taking them, learned from stored events by type.

A pair of a person and an item with any event that is no turning away is one that was taken; it is an example of every
action, positive where an event of its types is among the pair's. The chance of an action is a logistic regression on
four numbers: how often the item, its author and the person have it, each as the logit of a smoothed rate without the
pair itself, and whether the person did it with the author before.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from zhiyin.preprocess.weights import KNOWN_WEIGHTS
from zhiyin.rerank.items import Items, Seen
from zhiyin.rerank.social.actions import Actions
from zhiyin.types import IdMap, Ints

if TYPE_CHECKING:
    from zhiyin.store.sql import SqlStore

PRIOR = 10.0
"""Pairs at the usual rate that every rate begins with."""
LEAST = 20
"""Pairs with an action, and pairs without, below which its chance is the usual rate for all."""
MOST = 200_000
"""Pairs learned from, drawn by seed."""
RIDGE, STEPS = 1.0, 25
FEATURES = 5

Values = NDArray[np.float64]
AWAY = frozenset(kind for kind, weight in KNOWN_WEIGHTS.items() if weight <= 0) | {"report", "mute", "block"}
"""Types of events that are no taking of an item."""


@dataclass(frozen=True)
class Rates:
    """Counts of pairs: ``taken`` [n] and ``acted`` [n, actions]."""

    taken: Values
    acted: Values

    def over(self, rows: Ints) -> Rates:
        """Of ``rows``, none where that is -1."""
        known = rows >= 0
        return Rates(np.where(known, self.taken[rows], 0.0), np.where(known[:, None], self.acted[rows], 0.0))


@dataclass(frozen=True)
class LearnedActing:
    """See ``Acting``. ``authors`` [n] is the number of each item's author, -1 for none; ``usual`` [actions] the rate
    over all pairs; ``weights`` [actions, features], a row of NaN for an action of which too little is known."""

    actions: Actions
    usual: Values
    items: Rates
    by_author: Rates
    authors: Ints
    weights: Values

    def chances(self, rows: Ints, seen: Seen | None) -> Values:
        own_rows = np.empty(0, dtype=np.int32) if seen is None else seen.rows
        kinds: list[str] = [] if seen is None else [_plain(kind) for kind in seen.types]
        pairs: dict[int, set[str]] = {}
        for row, kind in zip(own_rows.tolist(), kinds, strict=True):
            if kind not in AWAY:
                pairs.setdefault(row, set()).add(kind)
        authors = self.authors[rows]
        found = np.empty((len(rows), len(self.actions)))
        for place, (_, types) in enumerate(self.actions):
            wanted = {_plain(one) for one in types}
            did = {row for row, some in pairs.items() if some & wanted}
            usual = self.usual[place]
            mine = _logit(np.array([float(len(did))]), np.array([float(len(pairs))]), usual)[0]
            liked = {int(self.authors[row]) for row in did} - {-1}
            known = np.isin(authors, sorted(liked)) if liked else np.zeros(len(rows), dtype=np.bool_)
            at = np.maximum(authors, 0)
            told = np.stack(
                (
                    np.ones(len(rows)),
                    _logit(self.items.acted[rows, place], self.items.taken[rows], usual),
                    np.where(
                        authors >= 0,
                        _logit(self.by_author.acted[at, place], self.by_author.taken[at], usual),
                        _logit(np.zeros(1), np.zeros(1), usual)[0],
                    ),
                    np.full(len(rows), mine),
                    known.astype(np.float64),
                ),
                axis=1,
            )
            weights = self.weights[place]
            found[:, place] = usual if np.isnan(weights).any() else _sigmoid(told @ weights)
        return found


@dataclass(frozen=True)
class Learned:
    """What events said of ``actions`` with the items ``ids`` of the authors ``names``: see ``LearnedActing``."""

    actions: Actions
    author: str | None
    usual: Values
    ids: IdMap
    items: Rates
    names: list[str]
    by_author: Rates
    weights: Values

    def over(self, items: Items) -> LearnedActing:
        """For the rows of ``items``; one that it was not learned from, and an author without any other, have no counts
        yet."""
        authors, names = _authors(items, self.author)
        known = IdMap(self.names).rows(names)
        return LearnedActing(
            self.actions,
            self.usual,
            self.items.over(self.ids.rows(items.ids.ids)),
            # One row more: there is one to read where no item has an author.
            self.by_author.over(np.append(known, -1).astype(np.int32)),
            authors,
            self.weights,
        )


def learned(store: SqlStore, items: Items, actions: Actions, author: str | None, seed: int = 0) -> Learned | None:
    """From every event in ``store`` with one of ``items``; None where no pair has any of ``actions``."""
    import polars as pl

    events = store.events().select(
        "user_id", "item_id", pl.col("event_type").str.strip_chars().str.to_lowercase().alias("kind")
    )
    events = events.filter(~pl.col("kind").is_in(sorted(AWAY)))
    flags = [
        pl.col("kind").is_in([_plain(one) for one in types]).any().alias(f"a{place}")
        for place, (_, types) in enumerate(actions)
    ]
    pairs = events.group_by("user_id", "item_id").agg(flags).sort("user_id", "item_id")
    row = items.ids.rows(pairs["item_id"].to_list())
    pairs, row = pairs.filter(pl.Series(row >= 0)), row[row >= 0]
    did = np.stack([pairs[f"a{place}"].to_numpy() for place in range(len(actions))], axis=1).astype(np.float64)
    if not len(row) or not did.any():
        return None
    user = pairs["user_id"].rank("dense").to_numpy().astype(np.int64) - 1
    authors, names = _authors(items, author)
    by_item, by_user = _count(row, did, len(items)), _count(user, did, int(user.max()) + 1)
    own = authors[row]
    by_author = _count(own[own >= 0], did[own >= 0], max(1, len(names)))
    usual = np.clip(did.mean(axis=0), 1e-6, 1 - 1e-6)
    drawn = np.arange(len(row))
    if len(drawn) > MOST:
        drawn = np.sort(np.random.default_rng(seed).permutation(len(row))[:MOST])
    weights = np.full((len(actions), FEATURES), np.nan)
    _, pair_of = np.unique(user * (len(items) + 1) + own, return_inverse=True)
    for place in range(len(actions)):
        y = did[:, place]
        if min(y.sum(), len(y) - y.sum()) < LEAST:
            continue
        together = np.bincount(pair_of, weights=y)[pair_of] - y
        told = np.stack(
            (
                np.ones(len(row)),
                _logit(by_item.acted[row, place] - y, by_item.taken[row] - 1, usual[place]),
                np.where(
                    own >= 0,
                    _logit(
                        by_author.acted[np.maximum(own, 0), place] - y,
                        by_author.taken[np.maximum(own, 0)] - 1,
                        usual[place],
                    ),
                    _logit(np.zeros(1), np.zeros(1), usual[place])[0],
                ),
                _logit(by_user.acted[user, place] - y, by_user.taken[user] - 1, usual[place]),
                ((together > 0) & (own >= 0)).astype(np.float64),
            ),
            axis=1,
        )
        weights[place] = _fit(told[drawn], y[drawn])
    return Learned(actions, author, usual, items.ids, by_item, names, by_author, weights)


def _authors(items: Items, author: str | None) -> tuple[Ints, list[str]]:
    """The number of each item's first author, int32 [n], -1 for none; and names by number."""
    found = np.full(len(items), -1, dtype=np.int32)
    if author is None:
        return found, []
    indptr, codes, names = items.groups(author)
    has = np.diff(indptr) > 0
    found[has] = codes[indptr[:-1][has]]
    return found, names


def _count(rows: NDArray[np.integer], did: Values, n: int) -> Rates:
    acted = [np.bincount(rows, weights=did[:, place], minlength=n) for place in range(did.shape[1])]
    return Rates(np.bincount(rows, minlength=n).astype(np.float64), np.stack(acted, axis=1).astype(np.float64))


def _logit(acted: Values, taken: Values, usual: float) -> Values:
    rate = (np.maximum(acted, 0) + PRIOR * usual) / (np.maximum(taken, 0) + PRIOR)
    rate = np.clip(rate, 1e-6, 1 - 1e-6)
    found: Values = np.log(rate / (1 - rate))
    return found


def _fit(told: Values, y: Values) -> Values:
    """Weights of a logistic regression with a ridge on all but the first, by Newton's method."""
    weights = np.zeros(told.shape[1])
    ridge = np.full(told.shape[1], RIDGE)
    ridge[0] = 1e-6
    for _ in range(STEPS):
        chance = _sigmoid(told @ weights)
        slope = told.T @ (y - chance) - ridge * weights
        curve = (told * (chance * (1 - chance))[:, None]).T @ told + np.diag(ridge)
        step = np.linalg.solve(curve, slope)
        weights = weights + step
        if np.abs(step).max() < 1e-8:
            break
    return weights


def _sigmoid(value: Values) -> Values:
    found: Values = 1 / (1 + np.exp(-np.clip(value, -30, 30)))
    return found


def _plain(kind: str) -> str:
    return kind.strip().lower()
