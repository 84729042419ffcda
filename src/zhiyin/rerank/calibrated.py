"""A list that holds a person's interests in the shares in which they have them."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from zhiyin.rerank.base import Asked, Change, Listed, Stage, StageParams, Values, along
from zhiyin.rerank.items import CATEGORY, Items
from zhiyin.rerank.trace import Why

SMOOTH = 0.01
"""Share of the person's own mix blended into the list's, so that an interest the list lacks costs much but not all."""

LITTLE = Why("of an interest that the list held too little of", "补充列表中占比不足的兴趣")
MUCH = Why("of an interest that the list held too much of", "该兴趣在列表中占比过高")


class CalibrationParams(StageParams):
    strength: float = Field(0.3, ge=0, le=1)
    """How much the mix counts beside relevance: 0 leaves the list, 1 looks at the mix alone."""
    within: int = Field(10, ge=2, le=100)
    """Places arranged; what follows them keeps its order."""
    pool: int = Field(50, ge=2, le=1000)
    """Candidates that may come into those places."""
    by: Literal["auto", "interests", "categories"] = "auto"
    """Mix of what: the learned ``interests``, the ``categories`` of the person's history, or ``auto``: interests where
    there are any."""


class Calibration(Stage):
    """Each step takes the item that adds most to

        (1 - strength) * mean worth - strength * KL(p, q)      q = 0.99 * mean mix of those chosen + 0.01 p

    with p the person's mix. The set so chosen keeps the order it had. Steck, Calibrated recommendations, RecSys 2018,
    equations 3 and 6; the greedy choice is within 1 - 1/e of the best.
    """

    kind: ClassVar[str] = "calibration"
    params_type: ClassVar[type[StageParams]] = CalibrationParams
    params: CalibrationParams

    def describe(self) -> str:
        own = self.params
        return f"the first {own.within} out of {own.pool} hold the person's {own.by} mix, strength {own.strength:g}"

    def arrange(self, given: Listed, asked: Asked, items: Items) -> Change:
        own = self.params
        pool = given.rows[: own.pool]
        mixes = mix_of(asked, items, pool, own.by)
        if mixes is None or len(pool) <= own.within:
            return Change(np.arange(len(given)))
        chosen = calibrated(given.worth[: own.pool], *mixes, own.within, own.strength)
        came = chosen[chosen >= own.within]
        went = np.setdiff1d(np.arange(own.within), chosen)
        whys = dict.fromkeys(given.rows[came].tolist(), LITTLE) | dict.fromkeys(given.rows[went].tolist(), MUCH)
        return Change(along(np.sort(chosen), len(given)), whys=whys)


def mix_of(
    asked: Asked, items: Items, rows: NDArray[np.int32], by: Literal["auto", "interests", "categories"]
) -> tuple[Values, Values] | None:
    """The person's mix p float64 [Z] and the items' float64 [len(rows), Z]; None where the person's is not known.

    By categories an item belongs to each of its own alike, and p is the mean over the history by weight; only the
    categories of the history are columns, for KL asks of no others.
    """
    if by != "categories" and asked.mix is not None and items.interests is not None:
        return np.asarray(asked.mix, dtype=np.float64), items.interests[rows].astype(np.float64)
    if by == "interests" or asked.history is None or not len(asked.history.items):
        return None
    groups = items.groups(CATEGORY)
    shares: dict[int, float] = {}
    for row, weight in zip(asked.history.items.tolist(), asked.history.weights.tolist(), strict=True):
        own = items.codes_of(groups, row)
        for code in own:
            shares[code] = shares.get(code, 0.0) + weight / len(own)
    if not shares:
        return None
    column = {code: place for place, code in enumerate(shares)}
    found = np.zeros((len(rows), len(column)))
    for place, row in enumerate(rows.tolist()):
        own = items.codes_of(groups, row)
        for code in own:
            if code in column:
                found[place, column[code]] = 1 / len(own)
    mine = np.array(list(shares.values()))
    return mine / mine.sum(), found


def calibrated(worth: Values, mine: Values, theirs: Values, k: int, strength: float) -> NDArray[np.int64]:
    """Places int64 [k] in the order of choice, of candidates with ``worth`` [P] and mixes ``theirs`` [P, Z]."""
    chosen = np.empty(min(k, len(worth)), dtype=np.int64)
    total, gained = np.zeros(len(mine)), 0.0
    open_ = np.ones(len(worth), dtype=np.bool_)
    for step in range(len(chosen)):
        lists = (total + theirs) / (step + 1)
        aim = (1 - strength) * (gained + worth) / (step + 1) - strength * divergence(mine, lists)
        best = int(np.where(open_, aim, -np.inf).argmax())
        chosen[step] = best
        open_[best] = False
        total, gained = total + theirs[best], gained + float(worth[best])
    return chosen


def divergence(mine: Values, lists: Values) -> Values:
    """KL(p, q) in nats of each list's mix, ``lists`` [..., Z], from ``mine`` [Z]: float64 [...], 0 for the same mix."""
    held = mine > 0
    p = mine[held]
    q = (1 - SMOOTH) * lists[..., held] + SMOOTH * p
    found: Values = (p * np.log(p / q)).sum(axis=-1)
    return found
