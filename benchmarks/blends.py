"""Other signals for short histories, each blended with a system by weights chosen on one half of the people and
measured on the other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from benchmarks.tables import figure, markdown
from zhiyin.candidates.als import ImplicitALS
from zhiyin.candidates.base import Recommender
from zhiyin.candidates.content import ContentKNN
from zhiyin.candidates.fill import Filled
from zhiyin.candidates.item_knn import ItemKNN
from zhiyin.candidates.matrix import user_items
from zhiyin.candidates.topn import best_of
from zhiyin.errors import ModelError
from zhiyin.evaluate.intervals import bootstrap_difference
from zhiyin.evaluate.measure import Ranker
from zhiyin.evaluate.metrics import Values, ndcg
from zhiyin.preprocess.splits import Trial
from zhiyin.rank.interests import InterestModel
from zhiyin.search import OBJECTIVE
from zhiyin.short import cut_short, part
from zhiyin.types import Catalogue, Floats, Histories, Ints, TrainingData

WEIGHTS = (0.05, 0.1, 0.2, 0.4, 0.8, 1.6)
BLOCK = 512
Score = Callable[[Histories], Floats]


@dataclass(frozen=True)
class Signal:
    name: str
    score: Score


def tried(best: Ranker, trial: Trial, catalogue: Catalogue, popular: Recommender, seed: int, most: int) -> str:
    """A table: each signal, the weight chosen for it, and what it adds."""
    people = trial.sample(most, seed)
    order = np.random.default_rng([seed, 2]).permutation(len(people.users))
    first = cut_short(part(people, np.sort(order[: len(order) // 2])))
    second = cut_short(part(people, np.sort(order[len(order) // 2 :])))
    assert isinstance(best, Filled)
    data = TrainingData(trial.train, catalogue, seed, trial.now)
    base = [standing(best.model.score, one) for one in (first, second)]
    lines = []
    for signal in signals(data):
        said = [standing(signal.score, one) for one in (first, second)]
        scores = {0.0: blended(base[0], said[0], 0.0, first).mean()}
        scores |= {weight: blended(base[0], said[0], weight, first).mean() for weight in WEIGHTS}
        weight = max(scores, key=lambda one: (scores[one], -one))
        before, after = (blended(base[1], said[1], one, second) for one in (0.0, weight))
        gap = bootstrap_difference(after, before, seed=seed)
        gain = f"{gap.mean / max(before.mean(), 1e-12):+.1%} ({gap.mean:+.4f}, 95 % {gap.low:+.4f} to {gap.high:+.4f})"
        lines.append([signal.name, f"{weight:g}", figure(before.mean()), figure(after.mean()), gain if weight else "-"])
    return markdown(("signal", "weight chosen", f"{OBJECTIVE} without", "with", "gain"), lines)


def signals(data: TrainingData) -> list[Signal]:
    counts = np.bincount(data.interactions.histories.items, minlength=data.interactions.n_items)
    found = [Signal("popular in the same categories", affinity(data.catalogue.categories, counts))]
    for name, model in (
        ("content kNN on text vectors", ContentKNN(decay=0.7)),
        ("item kNN", ItemKNN(decay=0.8)),
        ("matrix factorisation (iALS)", ImplicitALS(alpha=40.0, regularization=3.0)),
    ):
        try:
            found.append(Signal(name, model.fit(data).score))
        except ModelError:
            continue
    if data.catalogue.vectors is not None:
        found.append(Signal("interest model", InterestModel().fit(data).score))
    return found


class Joined:
    """A system with ``weight`` times a signal added, both in standard deviations over the items of each person."""

    def __init__(self, best: Filled, signal: Score, weight: float) -> None:
        self.best = best
        self.signal = signal
        self.weight = weight

    def top_k(
        self,
        histories: Histories,
        k: int,
        *,
        exclude_seen: bool = True,
        allowed: NDArray[np.bool_] | None = None,
    ) -> tuple[Ints, Floats]:
        """As ``Recommender.top_k``; the signal speaks of every item, so no list is short."""
        rows = np.full((len(histories), k), -1, dtype=np.int32)
        scores = np.full((len(histories), k), -np.inf, dtype=np.float32)
        for start in range(0, len(histories), BLOCK):
            asked = histories.slice(start, start + BLOCK)
            block = spread(self.best.model.score(asked)) + np.float32(self.weight) * spread(self.signal(asked))
            if exclude_seen:
                block[asked.owners(), asked.items] = -np.inf
            if allowed is not None:
                block[:, ~allowed] = -np.inf
            rows[start : start + BLOCK], scores[start : start + BLOCK] = best_of(block, k)
        return rows, scores


def spread(block: Floats) -> Floats:
    """Each row in standard deviations from its mean."""
    block = np.array(block, dtype=np.float32)
    block -= block.mean(axis=1, keepdims=True)
    block /= np.maximum(block.std(axis=1, keepdims=True), 1e-12)
    return block


def affinity(categories: list[list[str]], counts: NDArray[np.int64]) -> Score:
    """sqrt(events of c) * cos(categories of the history, categories of c)^2, categories weighted by their rarity."""
    names = {name: column for column, name in enumerate(sorted({one for row in categories for one in row}))}
    pairs = [(row, names[one]) for row, held in enumerate(categories) for one in held]
    rows, columns = (
        (np.array(part, dtype=np.int64) for part in zip(*pairs, strict=True)) if pairs else (np.zeros(0, int),) * 2
    )
    rarity = np.log(len(categories) / np.maximum(np.bincount(columns, minlength=max(1, len(names))), 1))
    shape = (len(categories), max(1, len(names)))
    kinds = sparse.csr_array((rarity[columns].astype(np.float32), (rows, columns)), shape=shape)
    length = np.sqrt(np.maximum(kinds.power(2).sum(axis=1), 1e-12))
    kinds = sparse.csr_array(sparse.diags_array(1 / length) @ kinds).astype(np.float32)
    lift = np.sqrt(counts).astype(np.float32)

    def score(histories: Histories) -> Floats:
        people = user_items(histories, len(categories)) @ kinds
        return np.asarray((people @ kinds.T).toarray() ** 2 * lift, dtype=np.float32)

    return score


def standing(score: Score, trial: Trial) -> list[Floats]:
    """Scores in blocks of people, each person's divided by their standard deviation; what they have is at -inf."""
    blocks = []
    for start in range(0, len(trial.histories), BLOCK):
        asked = trial.histories.slice(start, start + BLOCK)
        block = spread(score(asked))
        block[asked.owners(), asked.items] = -np.inf
        blocks.append(block)
    return blocks


def blended(base: list[Floats], said: list[Floats], weight: float, trial: Trial) -> Values:
    """NDCG@10 of each person, averaged over the lengths they were asked with."""
    values = []
    for place, (one, other) in enumerate(zip(base, said, strict=True)):
        block = one + np.float32(weight) * other if weight else one.copy()
        block[~np.isfinite(block)] = -np.inf
        targets = trial.targets.items[place * BLOCK : place * BLOCK + len(block)]
        reached = block[np.arange(len(block)), targets][:, None]
        tied = (block == reached) & (np.arange(block.shape[1]) < targets[:, None])
        rank = (block > reached).sum(axis=1) + tied.sum(axis=1)
        hit = np.arange(10)[None, :] == rank[:, None]
        values.append(ndcg(hit, np.ones(len(block))))
    people, places = np.unique(trial.users, return_inverse=True)
    means: Values = np.bincount(places, weights=np.concatenate(values), minlength=len(people)) / np.bincount(places)
    return means
