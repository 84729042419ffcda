"""Simulated people: what they like is hidden from the engine, which sees their clicks alone.

Each has a theme (a few categories) and a taste (a direction among the items' texts), and items have a quality that all
feel. With a, b, c the theme's, taste's and quality's standard deviations in log-odds:

    p(click | looked at) = sigmoid(base + a theme(u, i) + b taste(u, i) + c quality(i)) * tired(u, i) * full(u, i)

``base`` is such that an item drawn evenly is clicked with the chance ``rate``. ``tired`` falls with every time that the
person looked at the item and did not click, ``full`` with the share of the last clicks that were of the same
categories. A person looks at place k with the chance 1 / log2(k + 1).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from zhiyin.feedback.bandits import examined
from zhiyin.types import Floats

Values = NDArray[np.float64]
Flags = NDArray[np.bool_]


class PeopleParams(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, use_attribute_docstrings=True)

    people: int = Field(200, ge=2, le=100_000)
    categories: int = Field(3, ge=1, le=20)
    """Categories that a theme is made of, drawn evenly."""
    rate: float = Field(0.15, gt=0, lt=1)
    """Chance that an item drawn evenly is clicked, if it is looked at."""
    theme: float = Field(1.5, ge=0, le=5)
    taste: float = Field(1.0, ge=0, le=5)
    quality: float = Field(0.5, ge=0, le=5)
    tired: float = Field(0.9, gt=0, le=1)
    """Factor for each time that the person looked at the item and did not click."""
    full: float = Field(0.5, ge=0, le=1)
    """Most that is taken off by what was clicked of late."""
    memory: int = Field(10, ge=1, le=1000)
    """How many clicks are of late."""


@dataclass
class People:
    """``chance`` [U, n] is p(click | looked at) of somebody neither tired nor full; the rest is what happened."""

    params: PeopleParams
    chance: Values
    categories: Floats
    ignored: NDArray[np.int32] = field(init=False)
    late: list[list[int]] = field(init=False)

    def __post_init__(self) -> None:
        self.ignored = np.zeros(self.chance.shape, dtype=np.int32)
        self.late = [[] for _ in self.chance]

    @classmethod
    def make(cls, params: PeopleParams, categories: Floats, vectors: Floats | None, seed: int) -> People:
        """``categories`` [n, C] are unit rows or zeros, ``vectors`` [n, d] likewise (None: nobody has a taste)."""
        random = np.random.default_rng([seed, 21])
        items, kinds = categories.shape
        themes = np.zeros((params.people, kinds))
        for row in themes:
            picks = random.choice(kinds, min(params.categories, kinds), replace=False)
            row[picks] = random.dirichlet(np.ones(len(picks)))
        logit = params.theme * _standard(themes @ categories.T)
        if vectors is not None and vectors.any():
            centred = vectors - vectors.mean(axis=0)
            likes = centred[random.integers(0, items, (params.people, 3))].mean(axis=1)
            logit = logit + params.taste * _standard(likes @ centred.T)
        logit = logit + params.quality * random.normal(size=items)
        return cls(params, _with_rate(logit, params.rate), categories)

    def respond(self, shown: NDArray[np.int32], seed: int) -> Flags:
        """Whether each shown item ([U, k] rows, -1 for none) is clicked, and remembered. ``seed`` tells the round: the
        same people decide alike over the same lists."""
        random = np.random.default_rng([seed, 22])
        looked = random.random(shown.shape) < examined(np.arange(1, shown.shape[1] + 1))
        clicked = random.random(shown.shape) < self.willing(shown)
        clicked &= looked & (shown >= 0)
        owners, places = np.nonzero((shown >= 0) & looked & ~clicked)
        np.add.at(self.ignored, (owners, shown[owners, places]), 1)
        for owner, place in zip(*(one.tolist() for one in np.nonzero(clicked)), strict=True):
            self.late[owner] = [*self.late[owner], int(shown[owner, place])][-self.params.memory :]
        return clicked

    def willing(self, shown: NDArray[np.int32]) -> Values:
        """p(click | looked at) of each shown item now, [U, k]; 0 where there is none."""
        owners = np.arange(len(shown))[:, None]
        rows = np.maximum(shown, 0)
        tired = self.params.tired ** self.ignored[owners, rows]
        full = np.ones(shown.shape)
        for owner, late in enumerate(self.late):
            if late:
                alike = self.categories[rows[owner]] @ self.categories[late].mean(axis=0)
                full[owner] = 1 - self.params.full * np.clip(alike, 0, 1)
        found: Values = self.chance[owners, rows] * tired * full
        return np.where(shown >= 0, found, 0.0)


def _standard(table: Values) -> Values:
    """Rows with mean 0 and standard deviation 1; a row without spread is 0."""
    spread = table.std(axis=1, keepdims=True)
    found: Values = (table - table.mean(axis=1, keepdims=True)) / np.where(spread > 0, spread, 1.0)
    return found


def _with_rate(logit: Values, rate: float) -> Values:
    low, high = -30.0, 30.0
    for _ in range(60):
        base = (low + high) / 2
        chance = 1 / (1 + np.exp(-(logit + base)))
        low, high = (base, high) if chance.mean() < rate else (low, base)
    found: Values = 1 / (1 + np.exp(-(logit + low)))
    return found
