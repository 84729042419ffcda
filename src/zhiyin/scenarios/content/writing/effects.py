"""Which traits of a headline an audience takes more often: learned from lists that it was shown.

For each trait the rate at which titles with it were taken is held against that of titles without, place by place, since
the first of a list is taken most whatever it says (ratio of Mantel and Haenszel 1959 over places). Its spread comes
from drawing people anew (Poisson bootstrap), because what one person does is not many proofs. The logarithm of the
ratio is drawn to 0 by a normal prior. A trait is sure where its interval, widened for the number of traits, leaves
out 1.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from zhiyin.scripts import is_han

if TYPE_CHECKING:
    import polars as pl

Values = NDArray[np.float64]
Rows = NDArray[np.int64]
FEWEST_PEOPLE, FEWEST_SHOWS, FEWEST_TAKEN = 50, 500, 20
"""Below these nothing is learned."""
MOST_PEOPLE = 20_000
"""Of more an even sample is looked at."""
DRAWS = 200
PRIOR = 0.3
"""Standard deviation of the prior of a trait's log ratio: a third more or less is already much."""
PLACES = 20
"""Places of a list that are told apart; later ones count together."""
LEVEL = 2.77
"""Standard deviations that leave out 5 % among nine traits (Bonferroni)."""
_NUMBER = re.compile(r"\d")
_QUOTE = re.compile(r"[“”\"「」『』《》]")
_YOU = re.compile(r"你|您|\byou(?:r|rs)?\b", re.IGNORECASE)
_HOW = re.compile(r"^(?:how|why|what|when|where)\b|怎么|如何|为什么|为何|什么", re.IGNORECASE)


def _units(title: str) -> float:
    """Length in words, a Chinese character counting as half of one."""
    han = sum(map(is_han, title))
    rest = "".join(" " if is_han(one) else one for one in title)
    return han / 2 + len(rest.split())


TRAITS: dict[str, tuple[Callable[[str], bool], str, str]] = {
    "question": (lambda title: title.rstrip()[-1:] in "?？" and bool(title.strip()), "asks a question", "是一个问题"),
    "number": (lambda title: bool(_NUMBER.search(title)), "has a number", "有数字"),
    "colon": (lambda title: ":" in title or "：" in title, "has a colon", "有冒号"),
    "quotation": (lambda title: bool(_QUOTE.search(title)), "quotes", "有引语或书名"),
    "you": (lambda title: bool(_YOU.search(title)), "speaks to the reader", "直接对读者说话"),
    "how": (lambda title: bool(_HOW.search(title)), "says how or why", "讲怎么做或为什么"),
    "exclamation": (lambda title: "!" in title or "！" in title, "exclaims", "有感叹号"),
    "short": (lambda title: _units(title) <= 7, "is short", "简短"),
    "long": (lambda title: _units(title) > 12, "is long", "较长"),
}
"""Whether a title has it, and how a reader is told so in English and Chinese."""


@dataclass(frozen=True)
class Effect:
    """``ratio`` of the rates with and without ``trait``, with an interval that holds for all traits at once, and
    ``weight``, the logarithm as it is used. ``shows`` and ``taken`` are of titles with it."""

    trait: str
    ratio: float
    low: float
    high: float
    weight: float
    sure: bool
    shows: int
    taken: int


@dataclass(frozen=True)
class Learned:
    """``note`` says why nothing was learned, None where something was."""

    effects: tuple[Effect, ...]
    people: int
    shows: int
    taken: int
    note: str | None

    def weight(self, title: str) -> float:
        """Sum of the weights of the traits that ``title`` has."""
        return sum(one.weight for one in self.effects if TRAITS[one.trait][0](title))


def learn(shown: pl.DataFrame, titles: dict[str, str], seed: int = 0) -> Learned:
    """``shown`` has a row for each item of each list, with ``user_id``, ``item_id``, ``position`` (from 1) and
    ``reward`` (above 0: taken), as ``feedback.outcomes`` gives them. Items without a title are left out."""
    import polars as pl

    known = shown.filter(pl.col("item_id").is_in(list(titles)) & (pl.col("user_id") != ""))
    everybody = known["user_id"].unique().sort()
    if len(everybody) > MOST_PEOPLE:
        some = everybody.gather(np.linspace(0, len(everybody) - 1, MOST_PEOPLE).astype(np.int64))
        known = known.filter(pl.col("user_id").is_in(some.implode()))
    people, shows = known["user_id"].n_unique(), len(known)
    taken = int((known["reward"] > 0).sum())
    if people < FEWEST_PEOPLE or shows < FEWEST_SHOWS or taken < FEWEST_TAKEN:
        least = f"{FEWEST_PEOPLE} people, {FEWEST_SHOWS} titles shown and {FEWEST_TAKEN} taken"
        why = f"too few lists to learn from: {people} people, {shows} titles shown, {taken} taken; at least {least}"
        return Learned((), people, shows, taken, why)
    ids, places = known["item_id"].to_list(), np.minimum(known["position"].to_numpy(), PLACES).astype(np.int64) - 1
    person = known["user_id"].rank("dense").to_numpy().astype(np.int64) - 1
    took = (known["reward"] > 0).to_numpy().astype(np.float64)
    draws = np.random.default_rng([seed, 31]).poisson(1.0, (DRAWS, people)).astype(np.float64)
    weights = np.concatenate([np.ones((1, people)), draws])
    found = []
    for trait, (has, _, _) in TRAITS.items():
        kinds = {item: has(titles[item]) for item in set(ids)}
        mark = np.fromiter((kinds[item] for item in ids), dtype=np.bool_, count=len(ids))
        if mark.all() or not mark.any() or not took[mark].any() or not took[~mark].any():
            continue
        logs = np.log(np.maximum(_ratios(mark, places, person, took, weights), 1e-6))
        error = max(float(logs[1:].std()), 1e-6)
        log = float(logs[0])
        low, high = float(np.exp(log - LEVEL * error)), float(np.exp(log + LEVEL * error))
        drawn = log * PRIOR**2 / (PRIOR**2 + error**2)
        sure = low > 1 or high < 1
        found.append(Effect(trait, float(np.exp(log)), low, high, drawn, sure, int(mark.sum()), int(took[mark].sum())))
    return Learned(tuple(found), people, shows, taken, None)


def _ratios(mark: NDArray[np.bool_], places: Rows, person: Rows, took: Values, weights: Values) -> Values:
    """Mantel-Haenszel ratio of rates over places for each row of people's ``weights`` [draws, people]."""
    cells = []
    for own in (mark, ~mark):
        for value in (np.ones(len(took)), took):
            table = np.zeros((int(person.max()) + 1, PLACES))
            np.add.at(table, (person[own], places[own]), value[own])
            cells.append(weights @ table)
    shown_a, taken_a, shown_b, taken_b = cells
    both = np.maximum(shown_a + shown_b, 1e-12)
    above = (taken_a * shown_b / both).sum(axis=1)
    below = (taken_b * shown_a / both).sum(axis=1)
    found: Values = above / np.maximum(below, 1e-12)
    return found
