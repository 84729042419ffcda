"""The sequence model: learned with torch, asked with numpy."""

from __future__ import annotations

from types import ModuleType
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

from zhiyin.candidates.base import Params, Recommender
from zhiyin.candidates.sequence.forward import states
from zhiyin.candidates.sequence.params import FEWEST_STEPS, SequenceParams
from zhiyin.candidates.sequence.parts import direction
from zhiyin.candidates.sequence.text import closest, placed, whitened
from zhiyin.errors import ModelError
from zhiyin.types import Floats, Histories, Ints, Longs, TrainingData

START = 0.02
"""Standard deviation of the part of item vectors that is not made of text, when learning begins."""

BETWEEN_SEEDS = 7919
TAKEN_OUT = 40
"""Events of a history of which it is asked what they pull: each costs an answer without it."""


class SequenceModel(Recommender):
    """A causal transformer over the latest events (SASRec, Kang and McAuley 2018, arXiv:1808.09781) with item vectors
    that begin as text vectors, learned by sampled softmax.

        score(c) = sharpness * h . (e_c - mean of e)

    h is the state after the latest event and e_c the vector of item c, both of length 1; the mean changes no order.

    With n events of an item, e_c is (n * what was learned of it + trust * what its text says) / (n + trust); a text
    says the mean of what was learned of the items with the closest texts. Items with neither events nor text score 0.
    An empty history scores 0 everywhere. What an event weighs and when it was plays no part, its place in the history
    does.
    """

    name: ClassVar[str] = "sequence"
    params_type: ClassVar[type[Params]] = SequenceParams
    search_space: ClassVar[dict[str, tuple[Any, ...]]] = {
        "dropout": (0.2, 0.1, 0.35, 0.5),
        "fame": (0.0, 0.25, 0.5),
        "factors": (64, 128),
    }
    because: ClassVar[tuple[str, str]] = (
        "people who took the same things in this order often go on to it",
        "按相似顺序选过这些的人，接下来常选它",
    )
    params: SequenceParams

    def __init__(self, params: Params | None = None, **values: Any) -> None:
        super().__init__(params, **values)
        self._members: list[dict[str, NDArray[Any]]] = []
        self.progress: list[Any] = []
        """What learning went through, one ``training.Progress`` for each member; empty where it was restored."""

    def fit_seconds(self, data: TrainingData) -> float:
        params, n = self.params, data.interactions.n_items
        events = len(data.interactions.histories.items)
        width = params.factors / 64
        # Per event: the blocks and the negatives; per step: the optimiser, over all item vectors.
        event = 6e-6 + width * (9e-6 * width * params.blocks + 1.4e-5 * params.negatives / 512)
        step = 2e-3 + 1.2e-9 * n * params.factors
        passes = max(params.epochs, FEWEST_STEPS * params.batch / max(params.batch, events))
        steps = max(1.0, events / params.batch)
        texts = 0.0 if data.catalogue.vectors is None else 3e-8 * n**2
        return 1.0 + texts + params.members * passes * (events * event + steps * step)

    def lighter(self) -> Params | None:
        return self.params.model_copy(update={"members": self.params.members // 2}) if self.params.members > 1 else None

    def fit(self, data: TrainingData) -> Self:
        """Raises ModelError where torch is not installed, or ``heads`` does not divide ``factors``."""
        if self.params.factors % self.params.heads:
            raise ModelError(
                f"model '{self.name}' cannot part {self.params.factors} factors among {self.params.heads} heads",
                fix="give a number of heads that divides factors",
            )
        histories, n = data.interactions.histories, data.interactions.n_items
        if not len(histories.items):
            raise ModelError(f"model '{self.name}' needs events and there are none", fix="import events first")
        training = _training()
        self._members, self.progress = [], []
        # One thread everywhere, or the last digits would depend on the number of processors.
        with ThreadpoolController().limit(limits=1, user_api="blas"):
            for member in range(self.params.members):
                seed = data.seed + BETWEEN_SEEDS * member
                with training.quietly(seed, self.params.threads):
                    learner = training.Learner(self._beginning(data, seed), histories, self.params, seed)
                    self._members.append(learner.run())
                if not learner.steps:
                    self._members[-1]["items"][:] = 0  # nobody took one item after another: nothing to say
                self.progress.append(learner.progress)
            counts = np.bincount(histories.items, minlength=n)
            _heed_texts(self._members, counts, data.catalogue.vectors, self.params.trust)
        return self.restore(self._named())

    def _beginning(self, data: TrainingData, seed: int) -> Floats:
        """Item vectors [n, factors] with which learning begins: text and a little noise, or noise alone."""
        n, width = data.interactions.n_items, self.params.factors
        items = np.random.default_rng(seed).normal(0, START, (n, width)).astype(np.float32)
        if data.catalogue.vectors is not None and self.params.text:
            items += np.float32(self.params.text) * whitened(data.catalogue.vectors, width)
        return items

    def score(self, histories: Histories) -> Floats:
        self.check_asked(histories)
        scores: Floats = self._states(histories) @ self._out.T
        return scores

    def _states(self, histories: Histories) -> Floats:
        """Float32 [len(histories), members * factors], the mean over the members taken care of."""
        heads = self.params.heads
        found = [states(weights, weights["items"], histories, heads) for weights in self._members]
        together: Floats = np.concatenate(found, axis=1) / np.float32(len(found))
        return together

    def contributions(self, history: Histories, item: int) -> Floats:
        lost: Floats = self.contributions_to(history, np.array([item], dtype=np.int32))[0]
        return lost

    def contributions_to(self, history: Histories, items: Ints) -> Floats:
        """What the score of each item loses when one event is taken out of the history and the others stay: float32
        [len(items), events]. Zeros for events before the latest ``TAKEN_OUT``. They need not sum to the score."""
        self.check_asked(history)
        latest = history.items[-self._members[0]["places"].shape[0] :]
        count = min(len(latest), TAKEN_OUT)
        lost = np.zeros((len(items), len(history.items)), dtype=np.float32)
        if not count:
            return lost
        without = [np.delete(latest, place) for place in range(len(latest) - count, len(latest))]
        found = self._states(Histories.of([latest.tolist(), *(rest.tolist() for rest in without)]))
        lost[:, -count:] = self._out[items] @ (found[0] - found[1:]).T
        return lost

    def with_newcomers(self, known: Floats, new: Floats) -> Self:
        """New items are placed by their texts alone, as items without events were; without a text they score 0."""
        self.check_fitted()
        told = known.any(axis=1)
        if not len(new) or not told.any():
            return self
        grown = type(self)(self.params)
        for weights in self._members:
            used = told & weights["items"].any(axis=1)
            more = placed(closest(new, known[used]), weights["items"][used])
            grown._members.append({**weights, "items": np.concatenate((weights["items"], more))})
        return grown.restore(grown._named())

    def _named(self) -> dict[str, NDArray[Any]]:
        return {
            f"{place}.{name}": array for place, weights in enumerate(self._members) for name, array in weights.items()
        }

    def arrays(self) -> dict[str, NDArray[Any]]:
        """By member and name, float32: "0.items" [n, factors], "0.level" the mean of the directions of items with
        events, "0.places", "0.blocks.0.mix.weight" and so on as ``network`` names them."""
        self.check_fitted()
        return self._named()

    def restore(self, arrays: dict[str, NDArray[Any]]) -> Self:
        count = sum(name.endswith(".items") for name in arrays)
        self._members = [
            {name.split(".", 1)[1]: array for name, array in arrays.items() if name.startswith(f"{place}.")}
            for place in range(count)
        ]
        self._out = np.concatenate([_compared(weights) for weights in self._members], axis=1)
        self.n_items = len(self._out)
        return self


def _heed_texts(members: list[dict[str, NDArray[Any]]], counts: Longs, vectors: Floats | None, trust: float) -> None:
    """Complete what was learned: items without events get the vectors of their texts, zeros where there is no text;
    those of few events come to lie between what was learned and that."""
    known = counts > 0
    told = np.flatnonzero(vectors.any(axis=1)) if vectors is not None else np.empty(0, dtype=np.int64)
    used = told[known[told]]
    if vectors is not None:
        neighbours = closest(vectors[told], vectors[used], np.where(known[told], np.cumsum(known[told]) - 1, -1))
        share = (counts[told] / np.maximum(counts[told] + trust, 1e-9)).astype(np.float32)
        share[known[told] & ~neighbours[1].any(axis=1)] = 1
    for weights in members:
        items = weights["items"]
        items[~known] = 0
        if vectors is not None:
            texts = placed(neighbours, items[used])
            items[told] = share[:, None] * items[told] + (1 - share[:, None]) * texts
        weights["level"] = direction(items[known]).mean(axis=0)


def _compared(weights: dict[str, NDArray[Any]]) -> Floats:
    """What states are compared with, [n, factors]: directions of the items around their mean, which changes no order
    and makes 0 the score of an item like all others; zeros for items of which nothing is known."""
    items = weights["items"]
    around: Floats = np.where(items.any(axis=1, keepdims=True), direction(items) - weights["level"], np.float32(0))
    return around


def _training() -> ModuleType:
    """The module that learns. Raises ModelError where torch is not installed."""
    try:
        from zhiyin.candidates.sequence import training
    except ModuleNotFoundError as missing:
        if (missing.name or "").split(".")[0] != "torch":
            raise
        raise ModelError(
            "model 'sequence' is learned with torch, which is not installed",
            fix="run 'make install-llm', or leave this model out",
        ) from missing
    return training
