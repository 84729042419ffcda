"""How likely a click is: what its creative was clicked so far, moved by what the models know of the person.

    p = sigmoid(logit(rate of the creative) + w . (x - mean x))

The rate is the mean of a Beta distribution whose prior is the rate of all creatives (``feedback.bandits.Thompson``). x
are ``FEATURES`` of person and creative; w is learned from shows and clicks by penalised logistic regression with the
rate as offset, and drawn towards ``GUESS``, which holds until something is learned.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from zhiyin.feedback.bandits import LinUcb, Thompson
from zhiyin.scenarios.shop.ads.market import Market
from zhiyin.store.spending import Tried

if TYPE_CHECKING:
    import polars as pl

Values = NDArray[np.float64]

FEATURES = ("interest", "rank", "likely")
"""interest: log of s(u, c) over what it is for nobody, from the interest model; rank: where the item stands in the
ranking model's order of the catalogue, as a normal score; likely: log of the calibrated chance that the person takes
the item next, over that of the last place for which one is known. 0 where nothing is known."""
GUESS = (0.3, 0.1, 0.1)
PENALTY = 20.0
"""Clicks' worth of trust in ``GUESS``: w is drawn to it as if by so many."""
STEPS = 50
FARTHEST = 2.0
"""Of one step, in log odds."""
FEWEST = 20
"""Clicks below which w stays what it was."""
MOST = 200_000
"""Shows that are learned from, the latest."""


@dataclass(frozen=True)
class Slopes:
    """``weights`` and ``means`` are of ``FEATURES``; ``shows`` and ``clicks`` what they were learned from."""

    weights: tuple[float, ...] = GUESS
    means: tuple[float, ...] = (0.0,) * len(FEATURES)
    shows: int = 0
    clicks: int = 0

    def to_dict(self) -> dict[str, Any]:
        return {"weights": self.weights, "means": self.means, "shows": self.shows, "clicks": self.clicks}

    @classmethod
    def from_dict(cls, told: Mapping[str, Any]) -> Slopes:
        """What ``to_dict`` gave; the guess where it is something else."""
        try:
            weights, means = tuple(map(float, told["weights"])), tuple(map(float, told["means"]))
            if len(weights) == len(means) == len(FEATURES) and np.isfinite([weights, means]).all():
                return cls(weights, means, int(told["shows"]), int(told["clicks"]))
        except (KeyError, TypeError, ValueError):
            pass
        return cls()


@dataclass
class Rates:
    """Click rates of the creatives of a market. ``rate`` is what is expected before anything is known, ``strength`` how
    many shows that counts for."""

    market: Market
    tried: Mapping[tuple[str, str], Tried]
    rate: float
    strength: float
    thompson: Thompson = field(init=False)
    ids: list[str] = field(init=False)

    def __post_init__(self) -> None:
        self.ids = [json.dumps([campaign, one.id], ensure_ascii=False) for campaign, one in self.market.creatives]
        own = [self.tried.get((campaign, one.id), Tried(0, 0)) for campaign, one in self.market.creatives]
        trials = {"": self.strength} | {key: float(one.shows) for key, one in zip(self.ids, own, strict=True)}
        # ``Thompson`` adds half a success to one trial more.
        wins = {"": max(0.0, self.rate * (self.strength + 1) - 0.5)}
        wins |= {key: float(one.clicks) for key, one in zip(self.ids, own, strict=True)}
        self.thompson = Thompson(self.strength, trials=trials, successes=wins)

    def means(self) -> Values:
        """Rate of each creative, float64 [A] in (0, 1)."""
        a, b = self.thompson.posterior(self.ids)
        found: Values = a / (a + b)
        return found

    def draws(self, explore: str, bandit: LinUcb | None = None, told: Values | None = None) -> Values:
        """The chance [A] that each creative stands for its campaign. ``bandit`` and ``told`` [A, F] for "linucb"."""
        found = np.zeros(len(self.ids))
        means = self.means()
        for start, end in zip(self.market.first[:-1].tolist(), self.market.first[1:].tolist(), strict=True):
            if end - start == 1:
                found[start] = 1.0
            elif explore == "thompson":
                found[start:end] = self.thompson.chances(self.ids[start:end])
            elif explore == "linucb" and bandit is not None and told is not None:
                found[start:end] = bandit.chances(self.ids[start:end], table(means[start:end], told[start:end]))
            else:
                found[start + int(means[start:end].argmax())] = 1.0
        return found


def chances(rates: Values, told: Values, slopes: Slopes) -> Values:
    """p of each cell: ``rates`` [A], ``told`` [..., A, F]."""
    weights = np.array(slopes.weights)
    moved = told @ weights - float(np.array(slopes.means) @ weights)
    # Nothing known of somebody is not the same as the mean of those who were shown something.
    moved[~told.any(axis=-1)] = 0.0
    moved += np.log(rates / (1 - rates))
    found: Values = 1 / (1 + np.exp(-moved))
    return found


def fitted(told: Values, clicked: NDArray[np.bool_], rates: Values, before: Slopes, trust: float = PENALTY) -> Slopes:
    """Learn from shows: ``told`` [n, F], ``rates`` [n] of their creatives. With fewer than ``FEWEST`` clicks ``before``
    stays. ``trust`` is in ``GUESS``, in clicks."""
    from scipy.special import expit

    clicks = int(clicked.sum())
    if clicks < FEWEST:
        return before
    means = told.mean(axis=0)
    x = np.column_stack((np.ones(len(told)), told - means))
    offset = np.log(rates / (1 - rates))
    base = float(clicked.mean())
    penalty = trust * (1 - base) * np.concatenate(([0.0], np.ones(len(FEATURES))))
    guess = np.concatenate(([0.0], GUESS))
    w = guess.copy()
    # From where the mean is right, and never far at once: rates may be off by a lot where they are read early.
    w[0] = np.log((base + 1e-9) / (1 - base + 1e-9)) - offset.mean()
    for _ in range(STEPS):
        p = expit(offset + x @ w)
        slope = x.T @ (clicked - p) - penalty * (w - guess)
        bend = (x * (p * (1 - p))[:, None]).T @ x + np.diag(penalty + 1e-9)
        step = np.linalg.solve(bend, slope)
        w = w + np.clip(step, -FARTHEST, FARTHEST)
        if np.abs(step).max() < 1e-8:
            break
    if not np.isfinite(w).all():
        return before
    return Slopes(tuple(w[1:].tolist()), tuple(means.tolist()), len(told), clicks)


def rows_of(frame: pl.DataFrame) -> tuple[Values, NDArray[np.bool_], list[tuple[str, str]]]:
    """What was told of the shows of ``SqlStore.ads.frame``, whether they were clicked, and whose they were; without
    withheld ones and those of which nothing was kept."""
    own = frame.filter(~frame["withheld"] & frame["told"].is_not_null())
    read = [json.loads(text) for text in own["told"].to_list()]
    fits = [at for at, one in enumerate(read) if isinstance(one, list) and len(one) == len(FEATURES)]
    own = own[fits]
    told = np.array([read[at] for at in fits], dtype=np.float64).reshape(-1, len(FEATURES))
    return told, own["clicked"].is_not_null().to_numpy(), list(own.select("campaign", "creative").iter_rows())


def table(rates: Values, told: Values) -> Values:
    """What LinUCB is told of creatives: 1, their rate, and the features, [m, F + 2]."""
    return np.column_stack((np.ones(len(rates)), rates, told))


def linucb(told: Values, clicked: NDArray[np.bool_], rates: Values) -> LinUcb:
    """Learned from shows; bounds and temperature are on the scale of click rates."""
    model = LinUcb(len(FEATURES) + 2, alpha=0.05, temperature=0.003)
    if len(told):
        rows, times = table(rates, told), np.zeros(len(told), dtype=np.int64)
        model.learn(rows, np.ones(len(told), dtype=np.int64), times)
        model.credit(rows, clicked.astype(np.float64), times)
    return model
