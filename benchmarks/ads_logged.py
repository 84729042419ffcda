"""Would the click rates of ``zhiyin.scenarios.shop.ads`` have been clicked more often than random? Open Bandit Dataset.

Three policies, each evaluated on shows that it did not learn from: learned on nine tenths of the random log and asked
about the last tenth (ten times), learned on the log of the shop's own bandit (``bts``), and on both. A policy is
Thompson sampling over the 34 items, as the service draws creatives: each item's rate with its Beta distribution, moved
by the logistic slopes of what is known of person and item, here how often the person clicked the item, and any item,
before. How many shows the common rate counts for in an item's, and how many clicks the guess of the slopes, is chosen
by the log loss of clicks within the training rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from benchmarks.off_policy import FOLDER as FOLDER
from benchmarks.off_policy import campaign
from benchmarks.tables import markdown
from zhiyin.feedback.bandits import best_of
from zhiyin.feedback.logged import Logged, effective_size
from zhiyin.feedback.offpolicy import RESAMPLES, terms
from zhiyin.feedback.rewards import cross_fitted
from zhiyin.scenarios.shop.ads import clicks

Values = NDArray[np.float64]
Rows = NDArray[np.int64]
ITEMS, FOLDS, SEED = 34, 10, 0
Choice = tuple[float, float]
"""Shows that the common rate counts for, clicks that the guess of the slope does."""
CHOICES: tuple[Choice, ...] = tuple(
    (shows, trust) for shows in (100.0, 300.0, 1000.0, 3000.0) for trust in (0.1, 1.0, 20.0)
)
METHODS = ("ips", "snips", "dr")


@dataclass(frozen=True)
class Log:
    """``told`` [n, 34, F]: what is known of person and item, in the place of the service's features."""

    log: Logged
    told: Values

    @classmethod
    def read(cls, policy: str) -> Log:
        rows = pl.read_csv(FOLDER / policy / "men.csv.gz")
        affinity = rows.select(f"user-item_affinity_{item}" for item in range(ITEMS)).to_numpy()
        told = np.zeros((len(rows), ITEMS, len(clicks.FEATURES)))
        told[:, :, 0] = np.log1p(affinity)
        # The same for all items: whoever clicked before clicks more often, whatever is shown.
        told[:, :, 1] = np.log1p(affinity.sum(axis=1))[:, None]
        return cls(campaign(policy).log, told)


@dataclass(frozen=True)
class Learned:
    rates: Values
    tried: Values
    slopes: clicks.Slopes
    strength: float

    @classmethod
    def of(cls, parts: list[tuple[Log, Rows]], choice: Choice) -> Learned:
        """From rows of logs, whoever drew them."""
        strength, trust = choice
        action = np.concatenate([one.log.action[rows] for one, rows in parts])
        reward = np.concatenate([one.log.reward[rows] for one, rows in parts])
        told = np.concatenate([one.told[rows, one.log.action[rows]] for one, rows in parts])
        tried = np.bincount(action, minlength=ITEMS).astype(np.float64)
        wins = np.bincount(action, reward, minlength=ITEMS)
        common = (wins.sum() + 0.5) / (tried.sum() + 1)
        rates = (wins + strength * common) / (tried + strength)
        return cls(rates, tried, clicks.fitted(told, reward > 0, rates[action], clicks.Slopes(), trust), strength)

    def chance(self, told: Values) -> Values:
        """Of a click, [n, 34]."""
        return clicks.chances(self.rates, told, self.slopes)

    def target(self, told: Values) -> Values:
        """With which chance each item would be shown, [n, 34]."""
        chance, weight = self.chance(told), self.tried + self.strength
        rows, same = np.unique(chance, axis=0, return_inverse=True)
        each = np.array([best_of(row * weight, (1 - row) * weight) for row in rows])
        found: Values = each[same.reshape(-1)]
        found /= found.sum(axis=1, keepdims=True)
        return found


def chosen(parts: list[tuple[Log, Rows]]) -> Choice:
    """The choice of least log loss, every row asked of what others teach."""
    losses = dict.fromkeys(CHOICES, 0.0)
    folds = [np.random.default_rng([SEED, at]).integers(0, 5, len(rows)) for at, (_, rows) in enumerate(parts)]
    for fold in range(5):
        known = [(one, rows[own != fold]) for (one, rows), own in zip(parts, folds, strict=True)]
        for choice in CHOICES:
            learned = Learned.of(known, choice)
            for (one, rows), own in zip(parts, folds, strict=True):
                asked = rows[own == fold]
                chance = learned.chance(one.told[asked])[np.arange(len(asked)), one.log.action[asked]]
                losses[choice] -= float(np.where(one.log.reward[asked] > 0, np.log(chance), np.log1p(-chance)).sum())
    return min(losses, key=lambda choice: losses[choice])


def crossed(random: Log, other: Log | None) -> tuple[Values, list[Choice]]:
    """Targets for all rows of the random log, each from a policy that learned on other rows (and on ``other``)."""
    fold = np.random.default_rng([SEED, 9]).permutation(len(random.log)) % FOLDS
    target, choices = np.zeros((len(random.log), ITEMS)), []
    more = [] if other is None else [(other, np.arange(len(other.log)))]
    for number in range(FOLDS):
        parts = [(random, np.flatnonzero(fold != number)), *more]
        choices.append(chosen(parts))
        inside = np.flatnonzero(fold == number)
        target[inside] = Learned.of(parts, choices[-1]).target(random.told[inside])
    return target, choices


def rows_for(name: str, target: Values, log: Logged, expected: Values, resamples: int, told: str) -> list[list[str]]:
    """A row for each estimate: the click rate, and how much it is above that of the log, with bootstrap intervals over
    the same draws."""
    weights = target[np.arange(len(log)), log.action] / log.propensity
    picks = np.random.default_rng([SEED, 3]).multinomial(len(log), np.full(len(log), 1 / len(log)), size=resamples)
    base, drawn = float(log.reward.mean()), picks @ log.reward / len(log)
    found = []
    for method in METHODS:
        above, below = terms(method, log, target, weights, expected)
        value = float(above.sum() / below.sum())
        samples = (picks @ above) / (picks @ below)
        gains = samples - drawn
        low, high = np.quantile(samples, [0.025, 0.975])
        gain_low, gain_high = np.quantile(gains, [0.025, 0.975])
        found.append(
            [
                name,
                told,
                method.upper(),
                f"{value:.5f} ({low:.5f}-{high:.5f})",
                f"{value - base:+.5f} ({gain_low:+.5f} to {gain_high:+.5f})",
                f"{(gains > 0).mean():.1%}",
                f"{effective_size(weights):,.0f}",
            ]
        )
    return found


def logged_tables(quick: bool) -> list[str]:
    """Texts and tables, ready to print; with ``quick`` only what takes one fit."""
    resamples = 200 if quick else RESAMPLES
    random, bts = Log.read("random"), Log.read("bts")
    expected = cross_fitted(Logged(random.log.reward, random.log.action, random.log.propensity), ITEMS, seed=SEED)
    table: list[list[str]] = []

    def add(name: str, target: Values, choices: list[Choice]) -> None:
        told = "; ".join(f"{shows:g}, {trust:g}" for shows, trust in sorted(set(choices))) or "-"
        table.extend(rows_for(name, target, random.log, expected, resamples, told))

    if not quick:
        add("random, nine tenths", *crossed(random, None))
    whole: list[tuple[Log, Any]] = [(bts, np.arange(len(bts.log)))]
    choice = chosen(whole)
    add("bts", Learned.of(whole, choice).target(random.told), [choice])
    if not quick:
        add("bts, and random, nine tenths", *crossed(random, bts))
    shop = campaign("bts")
    assert random.log.position is not None
    add("(the shop's bandit itself)", shop.chances[random.log.position], [])
    head = (
        f"The random log: {int(random.log.reward.sum())} clicks in {len(random.log):,} shows, "
        f"{random.log.reward.mean():.5f}. Intervals: percentile bootstrap over rows, {resamples:,} draws, seed {SEED}."
    )
    header = [
        "learned on",
        "chosen",
        "estimate",
        "click rate (95 %)",
        "above random (95 %)",
        "draws above",
        "effective rows",
    ]
    return [head, markdown(header, table)]
