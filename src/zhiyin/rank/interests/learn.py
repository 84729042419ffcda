"""W, V and T by maximum likelihood of the next item, with Adam on sampled candidates."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zhiyin.types import Floats, Ints

SHARPNESS = 5.0
"""Length of the rows of W and V at the start, whose directions are the centres of clusters of items."""
TEMPERATURE = 0.1
"""T at the start."""
CENTRE_ROUNDS = 12
CENTRE_ITEMS = 20_000
BETAS = (0.9, 0.99)
TINY = 1e-8
HELD_CELLS = 60_000_000
"""Held-out pairs times candidates looked at after each pass."""
CHUNK_CELLS = 8_000_000


@dataclass(frozen=True)
class Weights:
    """``user`` (W) and ``item`` (V) float32 [Z, d + 1]: the last column meets a constant 1. ``heat`` is log T."""

    user: Floats
    item: Floats
    heat: float


@dataclass(frozen=True)
class Pairs:
    """``states`` float32 [N, d]: h(u) as each pair stood; ``targets`` int32 [N]: the item taken next."""

    states: Floats
    targets: Ints

    def __len__(self) -> int:
        return len(self.targets)

    def take(self, rows: NDArray[np.integer[Any]]) -> Pairs:
        return Pairs(self.states[rows], self.targets[rows])


@dataclass(frozen=True)
class Plan:
    """How to learn: see ``InterestParams``, where each of these is documented."""

    interests: int
    batch: int
    negatives: int
    rate: float
    penalty: float
    passes: int
    seed: int


def softmax(rows: Floats) -> Floats:
    """Softmax of each row; rows are changed in place."""
    rows -= rows.max(axis=1, keepdims=True)
    np.exp(rows, out=rows)
    rows /= rows.sum(axis=1, keepdims=True)
    return rows


def shares(weights: Floats, rows: Floats) -> Floats:
    """softmax(weights [h, 1]) for each row h: float32 [len(rows), Z]."""
    return softmax(rows @ weights[:, :-1].T + weights[:, -1])


def start(items: Floats, counts: NDArray[np.integer[Any]], plan: Plan) -> Weights:
    """Rows of W and V along the centres of clusters of items (spherical k-means, seeded)."""
    random = np.random.default_rng(plan.seed)
    taken = np.flatnonzero(counts > 0)
    if len(taken) > CENTRE_ITEMS:
        taken = np.sort(random.choice(taken, CENTRE_ITEMS, replace=False))
    rows, mass = items[taken], np.log1p(counts[taken]).astype(np.float32)
    centres = _spread(rows, mass, plan.interests, random)
    for _ in range(CENTRE_ROUNDS):
        nearest = (rows @ centres.T).argmax(axis=1)
        sums = np.zeros_like(centres)
        np.add.at(sums, nearest, rows * mass[:, None])
        lengths = np.linalg.norm(sums, axis=1, keepdims=True)
        centres = np.where(lengths > TINY, sums / np.maximum(lengths, TINY), centres)
    first = np.concatenate((SHARPNESS * centres, np.zeros((plan.interests, 1), dtype=np.float32)), axis=1)
    first = first.astype(np.float32)
    return Weights(first, first.copy(), float(np.log(TEMPERATURE)))


def _spread(rows: Floats, mass: Floats, wanted: int, random: np.random.Generator) -> Floats:
    """``wanted`` starting centres, each far from those before (k-means++); random ones where rows run out."""
    width = rows.shape[1]
    centres = random.standard_normal((wanted, width), dtype=np.float32)
    centres /= np.maximum(np.linalg.norm(centres, axis=1, keepdims=True), TINY)
    lengths = np.linalg.norm(rows, axis=1)
    far = np.where(lengths > TINY, mass, 0).astype(np.float64)
    closest = np.full(len(rows), -np.inf)
    for place in range(wanted):
        if far.sum() <= TINY:
            break
        pick = int(random.choice(len(rows), p=far / far.sum()))
        centres[place] = rows[pick] / lengths[pick]
        closest = np.maximum(closest, rows @ centres[place] / np.maximum(lengths, TINY))
        far = np.where(lengths > TINY, mass * np.maximum(1 - closest, 0) ** 2, 0)
    return centres


def learn(
    pairs: Pairs, held: Pairs, items: Floats, prior: Floats, proposal: Floats, first: Weights, plan: Plan
) -> Weights:
    """Weights of the pass after which the likelihood of ``held`` was highest; learning ends when it falls.

    ``prior`` float32 [n] is added to every logit. Candidates are drawn from ``proposal`` (float32 [n], sums to 1) and
    shared by a batch together with its targets; a candidate's logit is lowered by the log of the chance of its being
    there (Bengio and Senecal 2008). Where there are no more items than candidates all of them compete.
    """
    random = np.random.default_rng(plan.seed + 1)
    best, weights = first, first
    reached = mean_log_likelihood(held, items, prior, first) if len(held) else -np.inf
    optimiser = Adam(plan.rate, plan.penalty)
    cumulated = np.cumsum(proposal.astype(np.float64))
    for _ in range(plan.passes):
        for rows in _batches(len(pairs), plan.batch, random):
            batch = pairs.take(rows)
            chosen, places, correction = candidates(batch.targets, proposal, cumulated, plan.negatives, random)
            logit = prior[chosen] - correction
            weights = optimiser.step(weights, gradients(weights, batch.states, places, items[chosen], logit))
        if not len(held):
            best = weights
            continue
        now = mean_log_likelihood(held, items, prior, weights)
        if now <= reached:
            break
        best, reached = weights, now
    return best


def candidates(
    targets: Ints, proposal: Floats, cumulated: NDArray[np.float64], negatives: int, random: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats]:
    """Item rows that compete (unique, ascending), each target's place among them, and log chance of being there."""
    n = len(proposal)
    if negatives + len(targets) >= n:
        return np.arange(n), targets.astype(np.int64), np.zeros(n, dtype=np.float32)
    drawn = np.searchsorted(cumulated, random.random(negatives) * cumulated[-1], side="right")
    chosen = np.unique(np.concatenate((np.minimum(drawn, n - 1), targets)))
    expected = proposal[chosen].astype(np.float64) * (negatives + len(targets))
    return chosen, np.searchsorted(chosen, targets), np.log(-np.expm1(-expected)).astype(np.float32)


def gradients(weights: Weights, states: Floats, places: NDArray[np.int64], items: Floats, logit: Floats) -> Weights:
    """Gradient of the mean negative log-likelihood of a batch, in the shape of the weights."""
    p, q = shares(weights.user, states), shares(weights.item, items)
    cool = np.float32(np.exp(-weights.heat))
    scores = p @ q.T
    chance = scores * cool
    chance += logit
    softmax(chance)
    chance[np.arange(len(places)), places] -= 1
    chance *= cool / np.float32(len(places))
    heat = -float(np.vdot(chance, scores))
    return Weights(_back(chance @ q, p, states), _back(chance.T @ p, q, items), heat)


def _back(slope: NDArray[Any], share: Floats, rows: Floats) -> Floats:
    """From the slope at a softmax [B, Z] to the slope of its weights [Z, d + 1]."""
    slope -= (slope * share).sum(axis=1, keepdims=True)
    slope *= share
    back: Floats = np.concatenate((slope.T @ rows, slope.sum(axis=0)[:, None]), axis=1)
    return back


def mean_log_likelihood(pairs: Pairs, items: Floats, prior: Floats, weights: Weights) -> float:
    """Mean over pairs of log r(target | u), all items competing."""
    return float(log_likelihoods(pairs, shares(weights.item, items), prior, weights).mean())


def log_likelihoods(pairs: Pairs, q: Floats, prior: Floats, weights: Weights) -> NDArray[np.float64]:
    """log r(target | u) of each pair, all items competing; ``q`` float32 [n, Z]."""
    cool = np.float32(np.exp(-weights.heat))
    parts = [np.zeros(0)]
    step = max(1, CHUNK_CELLS // max(1, len(q)))
    for low in range(0, len(pairs), step):
        logits = (shares(weights.user, pairs.states[low : low + step]) * cool) @ q.T + prior
        aimed = logits[np.arange(len(logits)), pairs.targets[low : low + step]].astype(np.float64)
        peak = logits.max(axis=1, keepdims=True)
        logits -= peak
        total = np.exp(logits, out=logits).sum(axis=1, dtype=np.float64)
        parts.append(aimed - peak[:, 0] - np.log(total))
    return np.concatenate(parts)


def _batches(count: int, size: int, random: np.random.Generator) -> Iterator[NDArray[np.int64]]:
    order = random.permutation(count)
    for low in range(0, count, size):
        yield order[low : low + size]


class Adam:
    """Kingma and Ba 2015, with decoupled weight decay on W and V (Loshchilov and Hutter 2019)."""

    def __init__(self, rate: float, penalty: float) -> None:
        self._rate, self._penalty, self._steps = rate, penalty, 0
        self._means: list[Any] = [0.0, 0.0, 0.0]
        self._squares: list[Any] = [0.0, 0.0, 0.0]

    def step(self, weights: Weights, slope: Weights) -> Weights:
        self._steps += 1
        user = weights.user - self._move(0, slope.user) - np.float32(self._rate * self._penalty) * weights.user
        item = weights.item - self._move(1, slope.item) - np.float32(self._rate * self._penalty) * weights.item
        return Weights(user, item, float(weights.heat - self._move(2, slope.heat)))

    def _move(self, place: int, slope: Floats | float) -> Any:
        first, second = BETAS
        self._means[place] = first * self._means[place] + (1 - first) * slope
        self._squares[place] = second * self._squares[place] + (1 - second) * slope**2
        mean = self._means[place] / (1 - first**self._steps)
        square = self._squares[place] / (1 - second**self._steps)
        return self._rate * mean / (np.sqrt(square) + TINY)
