"""What is typical of a circle: items that its people take and others do not, and interests they have more of."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from zhiyin.rank.interests.terms import Said, read
from zhiyin.rank.interests.words import describe
from zhiyin.scenarios.community.circles.people import People
from zhiyin.types import Floats

ITEMS = 10
"""Typical items of a circle."""
INTERESTS = 3
AGREED = 2
"""People of the circle who took an item, at least, for it to be typical: nobody alone speaks for all, and what one
person took is not to be read out of a circle."""
MORE = 1.2
"""Times the share of everybody from which an interest is typical."""

Values = NDArray[np.float64]


@dataclass(frozen=True)
class TypicalItem:
    """``share`` of the circle's people took it, ``lift`` times that of everybody."""

    item_id: str
    title: str | None
    share: float
    lift: float


@dataclass(frozen=True)
class TypicalInterest:
    """``share`` is the mean weight of the interest with the circle's people, ``lift`` times that with everybody."""

    id: str
    name: str
    share: float
    lift: float


@dataclass(frozen=True)
class Typical:
    """Best first. ``words`` and ``kinds`` (categories) set the items of the circle apart from those of others; ``rows``
    are those of ``items``."""

    items: list[TypicalItem]
    interests: list[TypicalInterest]
    words: list[str]
    kinds: list[str]
    rows: list[int]

    def to_dict(self) -> dict[str, Any]:
        return {"items": [asdict(one) for one in self.items], "interests": [asdict(one) for one in self.interests]}


def typical_of(people: People, shares: sparse.csr_array) -> list[Typical]:
    """What is typical of each circle (column of ``shares`` [n, circles], weights of members)."""
    histories, catalogue, n = people.histories, people.catalogue, len(people.items)
    once = sparse.csr_array(
        (np.ones(len(histories.items)), (histories.owners(), histories.items)), shape=(len(histories), n)
    )
    once.sum_duplicates()
    once.data = np.ones_like(once.data)
    active = np.asarray(np.diff(once.indptr) > 0, dtype=np.float64)
    takers = np.asarray(once.sum(axis=0)).ravel()
    usual = takers / max(1.0, float(active.sum()))
    members = sparse.csr_array(shares.T)
    ones = members.copy()
    ones.data = np.ones_like(ones.data)
    size = np.maximum(members @ active, 1e-9)
    said = read(catalogue.titles, catalogue.categories)
    loads = sparse.csr_array(members @ once)
    counts = sparse.csr_array(ones @ once)
    words = _spoken(loads, takers, said, catalogue.hidden)
    found = []
    for circle in range(shares.shape[1]):
        rate = loads[[circle]].toarray().ravel() / size[circle]
        many = counts[[circle]].toarray().ravel() >= AGREED
        gain = np.where(many & ~catalogue.hidden, rate * np.log((rate + 1e-3) / (usual + 1e-3)), 0.0)
        rows = [int(row) for row in np.argsort(-gain, kind="stable")[:ITEMS] if gain[row] > 0]
        items = [
            TypicalItem(
                people.items.ids[row],
                catalogue.titles[row] or None,
                round(float(min(rate[row], 1.0)), 4),
                round(float(rate[row] / usual[row]), 2),
            )
            for row in rows
        ]
        found.append(Typical(items, _interests(people, shares, circle), *words[circle], rows))
    return found


def _spoken(
    loads: sparse.csr_array, takers: Values, said: Said, hidden: NDArray[np.bool_]
) -> list[tuple[list[str], list[str]]]:
    """Words and categories of each circle, by the share of each item's takers who are of it."""
    q = np.asarray(loads.toarray().T / np.maximum(takers, 1.0)[:, None], dtype=np.float32)
    spoken = describe(q, takers.astype(np.int64), said, hidden) if q.size else []
    return [(one.words, one.kinds) for one in spoken] if q.size else [([], []) for _ in range(loads.shape[0])]


def _interests(people: People, shares: sparse.csr_array, circle: int) -> list[TypicalInterest]:
    told: Floats | None = people.interests
    if told is None:
        return []
    known = told.any(axis=1)
    weight = shares[:, [circle]].toarray().ravel() * known
    if not weight.sum() or not known.any():
        return []
    own, usual = (weight @ told) / weight.sum(), told[known].mean(axis=0)
    lift = own / np.maximum(usual, 1e-9)
    order = np.argsort(-(own * np.log(np.maximum(lift, 1e-9))), kind="stable")
    found = [
        TypicalInterest(one.id, one.name, round(float(own[row]), 4), round(float(lift[row]), 2))
        for row in order.tolist()
        if lift[row] >= MORE and not (one := people.named[row]).general
    ]
    return found[:INTERESTS]
