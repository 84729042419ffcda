"""Learning with torch: sampled softmax over shared negatives, averaged weights, early stopping.

For an event with state h that item i followed, and negatives N drawn in proportion to (events of an item)^fame, the
loss is

    -log( exp(s(i)) / (exp(s(i)) + sum over j in N, j != i, of exp(s(j))) ),   s(i) = sharpness * cos(h, e_i)

with a sharpness that is learned. It is not corrected for how often items are drawn: with uniform negatives scores come
to contain the logarithm of popularity, with others less of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from zhiyin.candidates.sequence.batches import Batch, batches, kept_aside, stretches
from zhiyin.candidates.sequence.forward import states
from zhiyin.candidates.sequence.network import Network, direction
from zhiyin.candidates.sequence.params import FEWEST_STEPS, SequenceParams
from zhiyin.candidates.sequence.parts import direction as directions
from zhiyin.types import Floats, Histories, Longs

ASKED_AT_ONCE = 256
NEVER = -1e9


@dataclass
class Progress:
    """What learning went through: mean loss of each pass, and the score on the events kept aside after it."""

    losses: list[float] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    best: int = 0
    """Passes after which the weights kept were reached."""


@contextmanager
def quietly(seed: int, threads: int) -> Iterator[None]:
    """Random numbers from ``seed`` and so many threads, and both as they were afterwards."""
    before = torch.get_num_threads()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        torch.set_num_threads(threads)
        try:
            yield
        finally:
            torch.set_num_threads(before)


class Learner:
    """One network on its way. ``items`` [n, factors] is where the item vectors begin."""

    def __init__(self, items: Floats, histories: Histories, params: SequenceParams, seed: int) -> None:
        self.params = params
        self.rng = np.random.default_rng(seed)
        self.histories = histories
        self.indptr = histories.indptr
        self.items: Longs = histories.items.astype(np.int64)
        self.aside = kept_aside(histories, self.rng)
        self.ends = self.indptr[1:].copy()
        self.ends[self.aside] -= 1
        counts = np.bincount(self.items)
        self.known = np.flatnonzero(counts)
        self.drawn = np.cumsum(counts[self.known] ** params.fame)
        self.network = Network(items, params)
        self.average = [weight.detach().clone() for weight in self.network.parameters()]
        weights = list(self.network.parameters())
        groups = [
            {"params": [weight for weight in weights if weight.dim() > 1], "weight_decay": params.weight_decay},
            {"params": [weight for weight in weights if weight.dim() == 1], "weight_decay": 0.0},
        ]
        self.optimiser = torch.optim.AdamW(groups, lr=params.learning_rate, betas=(0.9, 0.98), fused=True)
        self.steps = 0
        self.progress = Progress()

    def run(self) -> dict[str, Floats]:
        """The weights kept, by name: those of the best pass where events are kept aside, else of the last."""
        kept, waited, passes = self.averaged(), 0, 0
        while passes < self.params.epochs or self.steps < FEWEST_STEPS:
            before = self.steps
            self.one_pass()
            passes += 1
            if self.steps == before:
                break  # nobody took one item after another
            if not len(self.aside):
                continue
            weights = self.averaged()
            score = self.judged(weights)
            self.progress.scores.append(score)
            if score > max(self.progress.scores[:-1], default=-1.0):
                kept, waited, self.progress.best = weights, 0, passes
            else:
                waited += 1
            if waited >= self.params.patience:
                break
        if not len(self.aside):
            kept, self.progress.best = self.averaged(), passes
        return kept

    def one_pass(self) -> None:
        self.network.train()
        chosen = stretches(self.indptr, self.ends, self.items, self.params.length, self.rng)
        total, count = 0.0, 0
        for batch in batches(chosen, self.params.batch, self.rng):
            loss = self.loss(batch)
            self.optimiser.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            self.optimiser.step()
            self._average()
            total, count = total + loss.item() * len(batch.taken), count + len(batch.taken)
        self.progress.losses.append(total / max(1, count))

    def loss(self, batch: Batch) -> Tensor:
        """Mean over the events of the batch."""
        points = self.rng.random(self.params.negatives) * self.drawn[-1]
        drawn = self.known[np.searchsorted(self.drawn, points, side="right")]
        # Each item of the batch is looked up once: its gradient is then added up over few rows.
        rows, places = np.unique(np.concatenate((batch.seen.ravel(), batch.taken, drawn)), return_inverse=True)
        vectors = functional.embedding(torch.from_numpy(rows), self.network.items)
        seen, taken, rest = torch.split(torch.from_numpy(places), [batch.seen.size, len(batch.taken), len(drawn)])
        inputs = functional.embedding(seen.view(batch.seen.shape), vectors)
        after = self.network(inputs, torch.from_numpy(batch.lengths))[torch.from_numpy(batch.real)]
        ways = direction(vectors)
        right = (after * functional.embedding(taken, ways)).sum(dim=1, keepdim=True)
        wrong = after @ functional.embedding(rest, ways).T
        wrong = wrong.masked_fill(taken[:, None] == rest, NEVER)
        every = torch.logsumexp(torch.cat((right, wrong), dim=1), dim=1)
        mean: Tensor = (every - right[:, 0]).mean()
        return mean

    def _average(self) -> None:
        """The plain mean of the first steps, then an exponential one: the start weighs nothing."""
        self.steps += 1
        share = max(1 - self.params.averaging, 1 / self.steps)
        with torch.no_grad():
            torch._foreach_lerp_(self.average, list(self.network.parameters()), share)

    def averaged(self) -> dict[str, Floats]:
        names = [name for name, _ in self.network.named_parameters()]
        return {name: weight.numpy().copy() for name, weight in zip(names, self.average, strict=True)}

    def judged(self, weights: Mapping[str, Floats]) -> float:
        """Mean of 1 / rank of the events kept aside, among the items with events that are new to the user."""
        items = weights["items"]
        ways = directions(items[self.known])
        gains = []
        for start in range(0, len(self.aside), ASKED_AT_ONCE):
            users = self.aside[start : start + ASKED_AT_ONCE]
            asked = self._without_last(users)
            scores = states(weights, items, asked, self.params.heads) @ ways.T
            scores[asked.owners(), np.searchsorted(self.known, asked.items)] = -np.inf
            right = scores[np.arange(len(users)), np.searchsorted(self.known, self.items[self.ends[users]])]
            gains.append(1 / ((scores > right[:, None]).sum(axis=1) + 1))
        return float(np.concatenate(gains).mean())

    def _without_last(self, users: Longs) -> Histories:
        lengths = self.histories.lengths.copy()
        lengths[users] -= 1
        whole = self.histories.take(users)
        kept = whole.steps_ago() > 0
        indptr = np.concatenate(([0], np.cumsum(lengths[users])))
        return Histories(indptr, whole.items[kept], whole.weights[kept], whole.times[kept], whole.users)
