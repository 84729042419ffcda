"""The interest model: what a person is interested in, what an item is about, and how the two meet.

    p(z|u) = softmax_z(W [h(u), 1])                     interests of a person
    q(z|c) = softmax_z(V [h(c), 1])                     interests an item belongs to
    s(u,c) = sum_z p(z|u) q(z|c)
    r(c|u) = softmax_c(s(u,c) / T + prior * log f(c))   f(c) = (events of c + smoothing), as a share of all items
    h(c)   = [text, reduced and whitened; place among the people who took it]
    h(u)   = decayed mean of h(c) over the history

W, V and T maximise the likelihood of each next item given the history before it. With ``prior`` 0 r is the formula
without popularity.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field
from threadpoolctl import threadpool_limits

from zhiyin.errors import ModelError
from zhiyin.rank.interests.history import before_each, event_weights, mean_of
from zhiyin.rank.interests.learn import HELD_CELLS, Pairs, Plan, Weights, learn, log_likelihoods, shares, start
from zhiyin.rank.interests.represent import Representation, represent
from zhiyin.types import Floats, Histories, Ints, TrainingData

NAME = "interests"
"""Its folder in a bundle."""
ITEMS_EACH = 10
"""Items taken for each interest, at least."""
FEWEST = 3
"""Events of a person whose last one may be kept out."""


class InterestParams(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, use_attribute_docstrings=True)

    interests: int = Field(32, ge=2, le=512)
    """Number of interests, Z; of a small catalogue at most one for ten items that somebody took, but two."""
    text: int = Field(64, ge=0, le=512)
    """Numbers that stand for an item's text; fewer where the vectors have no more to say."""
    together: int = Field(48, ge=0, le=512)
    """Numbers that stand for who took the item."""
    trust: float = Field(5.0, ge=0, le=1000)
    """Events at which an item's place among people counts as much as the place its text suggests."""
    decay: float = Field(0.7, gt=0, le=1)
    """In h(u) an event counts this many times the one after it; 1 counts all alike."""
    half_life_days: float | None = Field(None, gt=0, le=36_500)
    """Besides, days after which an event counts half; None does not look at times."""
    prior: float = Field(1.0, ge=0, le=2)
    """Power of popularity in r; 0 leaves it out."""
    smoothing: float = Field(1.0, gt=0, le=1000)
    """Events added to every item where popularity is counted."""
    batch: int = Field(1024, ge=1, le=65_536)
    """Pairs of history and next item learned from at once."""
    negatives: int = Field(2048, ge=1, le=65_536)
    """Items drawn to compete with the targets of a batch."""
    pairs: int = Field(400_000, ge=1, le=100_000_000)
    """At most so many pairs are learned from, drawn by seed."""
    rate: float = Field(0.03, gt=0, le=1)
    """Step size of Adam."""
    penalty: float = Field(0.01, ge=0, le=1)
    """Share of W and V, times the step size, taken off at each step."""
    passes: int = Field(8, ge=0, le=1000)
    """At most so many passes over the pairs."""
    held: float = Field(0.02, ge=0, le=0.5)
    """Share of the events kept out, at most the last one of a person; learning ends when their likelihood falls."""


class InterestModel:
    """Z interests learned from what people took. Items and histories are rows of the training data."""

    params: InterestParams

    def __init__(self, params: InterestParams | None = None) -> None:
        self.params = params or InterestParams()
        self.n_items = -1
        self._shares: Floats | None = None

    def fit(self, data: TrainingData) -> Self:
        """Learn from ``data``; fitting again replaces what was learned. Without any pair (nobody took two items) the
        interests stay clusters of items: of all of them, alike, in a catalogue without a single event."""
        params, n = self.params, data.interactions.n_items
        if not n:
            raise ModelError(f"model '{NAME}' needs items", fix="import items first")
        histories, last = self._without_last(data.interactions.histories, n, data.seed)
        placed = represent(histories, data.catalogue, params.text, params.together, params.trust, data.seed)
        counts = np.bincount(histories.items, minlength=n)
        share = (counts + params.smoothing) / (counts.sum() + params.smoothing * n)
        self._take(placed, np.log(share).astype(np.float32))
        pairs = self._pairs(histories, data.seed)
        held = Pairs(self.states(histories.take(last.users)), last.items)
        mass = counts if counts.any() else np.ones_like(counts)
        plan = self._plan(int((mass > 0).sum()), data.seed)
        first = start(placed.items, mass, plan)
        proposal = np.asarray(share, dtype=np.float32)
        logit = np.float32(params.prior) * self.log_prior
        # The products are small: a second thread costs more than it brings, and waits loudly on a busy machine.
        with threadpool_limits(limits=1, user_api="blas"):
            self.weights = learn(pairs, held, placed.items, logit, proposal, first, plan)
        return self

    def users(self, histories: Histories) -> Floats:
        """p(z|u), float32 [B, Z], rows sum to 1. An empty history gives what is known of nobody in particular."""
        return self.people(self.states(histories))

    def people(self, states: Floats) -> Floats:
        """p(z|u) of given h(u), float32 [B, d]: for a history that is kept as a sum."""
        return shares(self.weights.user, np.asarray(states, dtype=np.float32))

    def pulls(self, rows: Ints) -> Floats:
        """How much each item of ``rows``, once in a history, speaks for each interest: float32 [len(rows), Z], >= 0.

        W h(c), less its mean over the interests, where that is above 0. h(u) is a mean of h(c), so the logits of
        p(z|u) are the same mean of these parts and of the negative ones.
        """
        logits = self.representation[rows] @ self.weights.user[:, :-1].T
        return np.asarray(np.maximum(logits - logits.mean(axis=1, keepdims=True), 0), dtype=np.float32)

    @property
    def items(self) -> Floats:
        """q(z|c), float32 [n, Z], rows sum to 1."""
        self.check_fitted()
        if self._shares is None:
            self._shares = shares(self.weights.item, self.representation)
        return self._shares

    @property
    def representation(self) -> Floats:
        """h(c), float32 [n, d]; a row of zeros where nothing is known of the item."""
        self.check_fitted()
        return self._placed.items

    @property
    def temperature(self) -> float:
        """T."""
        return float(np.exp(self.weights.heat))

    def states(self, histories: Histories) -> Floats:
        """h(u), float32 [B, d]; zeros for an empty history."""
        self.check_asked(histories)
        weights = event_weights(histories, self.params.decay, self.params.half_life_days)
        return mean_of(histories, weights, self.representation)

    def score(self, histories: Histories) -> Floats:
        """The logits of r(c|u), float32 [B, n]: s(u,c) / T + prior * log f(c)."""
        return self.meet(self.users(histories))

    def meet(self, people: Floats) -> Floats:
        """The same for given p(z|u), float32 [B, Z]."""
        scores = np.asarray(people / self.temperature, dtype=np.float32) @ self.items.T
        scores += np.float32(self.params.prior) * self.log_prior
        return scores

    def log_likelihood(self, histories: Histories, targets: Histories) -> NDArray[np.float64]:
        """log r(c|u) of each event of ``targets`` (rows aligned with ``histories``), every item competing: float64
        [events of targets]."""
        self.check_asked(targets)
        pairs = Pairs(self.states(histories)[targets.owners()], targets.items)
        return log_likelihoods(pairs, self.items, np.float32(self.params.prior) * self.log_prior, self.weights)

    def with_newcomers(self, vectors: Floats) -> Self:
        """A copy that also knows items that came after training, as rows ``n_items`` onwards, by text vectors [m, e].

        Their popularity is that of an item without events. Without text vectors in training, returns itself.
        """
        self.check_fitted()
        if not self._placed.directions.size:
            return self
        grown = type(self)(self.params)
        placed = self._placed
        items = np.concatenate((placed.items, placed.place(np.asarray(vectors, dtype=np.float32))))
        fresh = np.full(len(vectors), self._unseen, dtype=np.float32)
        grown._take(
            Representation(items, placed.mean, placed.directions, placed.imputed),
            np.concatenate((self.log_prior, fresh)),
        )
        grown._unseen = self._unseen
        grown.weights = self.weights
        return grown

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Everything learned, as named arrays that ``restore`` takes back."""
        self.check_fitted()
        placed = self._placed
        return {
            "user_weights": self.weights.user,
            "item_weights": self.weights.item,
            "heat": np.array([self.weights.heat], dtype=np.float64),
            "items": placed.items,
            "log_prior": self.log_prior,
            "text_mean": placed.mean,
            "text_directions": placed.directions,
            "imputed": placed.imputed,
            "unseen": np.array([self._unseen], dtype=np.float32),
        }

    def restore(self, arrays: dict[str, NDArray[Any]]) -> Self:
        """Take back what ``arrays`` gave; arrays may be read-only and memory-mapped."""
        names = ("items", "text_mean", "text_directions", "imputed")
        self._take(Representation(*(arrays[name] for name in names)), arrays["log_prior"])
        self.weights = Weights(arrays["user_weights"], arrays["item_weights"], float(arrays["heat"][0]))
        self._unseen = float(arrays["unseen"][0])
        return self

    def check_fitted(self) -> None:
        if self.n_items < 0:
            raise ModelError(f"model '{NAME}' is not fitted", fix="call fit() first")

    def check_asked(self, histories: Histories) -> None:
        """Raise ModelError where the model is not fitted or a history names a row outside its items."""
        self.check_fitted()
        items = histories.items
        if len(items) and (items.min() < 0 or items.max() >= self.n_items):
            raise ModelError(
                f"model '{NAME}' was asked about an item outside its {self.n_items} items",
                fix="map items with the ids the model was fitted on and leave out those it does not know",
            )

    def _take(self, placed: Representation, log_prior: Floats) -> None:
        self._placed, self.log_prior, self.n_items = placed, log_prior, len(placed.items)
        self._shares = None
        self._unseen = float(log_prior.min(initial=0))

    def _plan(self, taken: int, seed: int) -> Plan:
        params = self.params
        size = min(params.interests, max(2, taken // ITEMS_EACH))
        return Plan(size, params.batch, params.negatives, params.rate, params.penalty, params.passes, seed)

    def _without_last(self, histories: Histories, n: int, seed: int) -> tuple[Histories, Histories]:
        """``histories`` without the last event of some people drawn by seed, and those events, one a row.

        They are taken out before anything is learned: what stands for an item holds who took it, so a pair that was
        only kept from the gradient would still be known.
        """
        able = np.flatnonzero(histories.lengths >= FEWEST)
        most = min(int(self.params.held * len(histories.items)), max(1, HELD_CELLS // n))
        if len(able) > most:
            able = np.sort(np.random.default_rng(seed + 3).choice(able, most, replace=False))
        places = histories.indptr[able + 1] - 1
        kept = np.ones(len(histories.items), dtype=np.bool_)
        kept[places] = False
        lengths = histories.lengths.copy()
        lengths[able] -= 1
        indptr = np.concatenate(([0], np.cumsum(lengths))).astype(np.int64)
        last = Histories.of([[int(item)] for item in histories.items[places]], users=[int(user) for user in able])
        left = Histories(indptr, histories.items[kept], histories.weights[kept], histories.times[kept], histories.users)
        return left, last

    def _pairs(self, histories: Histories, seed: int) -> Pairs:
        """Pairs to learn from, drawn by seed from every event that has one before it."""
        random = np.random.default_rng(seed + 2)
        later = np.ones(len(histories.items), dtype=np.bool_)
        later[histories.indptr[:-1][histories.lengths > 0]] = False
        places = np.flatnonzero(later)
        if len(places) > self.params.pairs:
            places = np.sort(random.choice(places, self.params.pairs, replace=False))
        states = before_each(histories, places, self.representation, self.params.decay, self.params.half_life_days)
        return Pairs(states, histories.items[places])
