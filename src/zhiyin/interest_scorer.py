"""The interest model among the other models: it scores the catalogue, and says which events led to a score.

    score(u, c)      = s(u, c) / T + prior * log f(c)                the logits of r(c|u)
    common(c)        = s(nobody, c) / T + prior * log f(c)           the same for everybody
    contribution(e)  = what event e adds on the way from nobody, h = 0, to the person, h = h(u)

Contributions are integrated gradients (Sundararajan et al. 2017, arXiv:1703.01365) along the straight line from 0 to
h(u), which is a sum over events: they and ``common`` sum to the score, and an event may speak against an item. Of
somebody without a history it says nothing: popularity is another model's work.
"""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from zhiyin.candidates.base import Params, Recommender
from zhiyin.rank.interests import NAME, InterestModel, InterestParams
from zhiyin.rank.interests.history import event_weights
from zhiyin.rank.interests.learn import softmax
from zhiyin.types import Floats, Histories, Ints, TrainingData

STEPS = 16
"""Places on the line where the slope is taken (Gauss-Legendre)."""


class ScorerParams(InterestParams, Params):
    """The parameters of the interest model."""


class InterestScorer(Recommender):
    """Parameters, arrays and name are those of the interest model, so one fit and one copy in a bundle serve both."""

    name: ClassVar[str] = NAME
    params_type: ClassVar[type[Params]] = ScorerParams
    search_space: ClassVar[dict[str, tuple[Any, ...]]] = {
        "prior": (1.0, 0.75, 0.5, 0.25, 0.0),
        "decay": (0.7, 0.5, 0.85),
    }
    because: ClassVar[tuple[str, str]] = ("it fits your interests", "符合你的兴趣")
    params: ScorerParams

    def __init__(self, params: Params | None = None, **values: Any) -> None:
        super().__init__(params, **values)
        self._model = InterestModel(self.params)
        self._personal = False

    @classmethod
    def of(cls, model: InterestModel) -> Self:
        """``model``, which is fitted, as a scorer; both share what was learned."""
        scorer = cls(ScorerParams(**model.params.model_dump()))
        return scorer._take(model)

    @property
    def model(self) -> InterestModel:
        """The interest model itself, for profiles and names."""
        self.check_fitted()
        return self._model

    def fit_seconds(self, data: TrainingData) -> float:
        n, events = data.interactions.n_items, len(data.interactions.histories.items)
        params = self.params
        meeting = min(n, params.negatives + params.batch)
        each = 7.5e-9 * params.batch * meeting + 2.7e-8 * params.interests * (params.batch + meeting)
        batches = params.passes * (min(events, params.pairs) / params.batch + 1)
        return 0.2 + 1e-5 * events + 1e-4 * n + batches * each

    def fit(self, data: TrainingData) -> Self:
        return self._take(InterestModel(self.params).fit(data))

    def score(self, histories: Histories) -> Floats:
        self.check_asked(histories)
        people = self._model.users(histories)

        if self._personal:
            people = np.asarray((people - self._nobody()) / self._model.temperature, dtype=np.float32)
            scores = np.asarray(people @ self._model.items.T, dtype=np.float32)
        else:
            scores = self._model.meet(people)
        scores[histories.lengths == 0] = 0
        return scores

    def contributions(self, history: Histories, item: int) -> Floats:
        return np.asarray(self.contributions_to(history, np.array([item], dtype=np.int32))[0])

    def contributions_to(self, history: Histories, items: Ints) -> Floats:
        self.check_asked(history)
        parts = self._leanings(history)
        places, shares = np.polynomial.legendre.leggauss(STEPS)
        line = ((places + 1) / 2).astype(np.float32)
        people = softmax(line[:, None] * parts.sum(axis=0) + self._model.weights.user[:, -1])
        q = self._model.items[items]
        slopes = np.zeros_like(q)
        for p, share in zip(people, (shares / 2).astype(np.float32), strict=True):
            slopes += share * p * (q - (q @ p)[:, None])
        return np.asarray(slopes @ parts.T / self._model.temperature, dtype=np.float32)

    def common(self, items: Ints) -> Floats:
        self.check_fitted()
        if self._personal:
            return super().common(items)
        return np.asarray(self._model.meet(self._nobody())[0][items], dtype=np.float32)

    def without_common(self) -> Self:
        self.check_fitted()
        plain = type(self)(self.params)._take(self._model)
        plain._personal = True
        return plain

    def with_newcomers(self, known: Floats, new: Floats) -> Self:
        self.check_fitted()
        grown = self._model.with_newcomers(new)
        if grown is self._model:
            return self
        scorer = type(self)(self.params)._take(grown)
        scorer._personal = self._personal
        return scorer

    def arrays(self) -> dict[str, NDArray[Any]]:
        self.check_fitted()
        return self._model.arrays()

    def restore(self, arrays: dict[str, NDArray[Any]]) -> Self:
        return self._take(InterestModel(self.params).restore(arrays))

    def _take(self, model: InterestModel) -> Self:
        model.check_fitted()
        self._model, self.n_items = model, model.n_items
        return self

    def _leanings(self, history: Histories) -> Floats:
        """W h(u) of one person in parts, one for each event: float32 [events, Z]."""
        weights = event_weights(history, self.params.decay, self.params.half_life_days)
        shares = weights / max(float(weights.sum()), float(np.finfo(np.float32).tiny))
        placed = self._model.representation[history.items] @ self._model.weights.user[:, :-1].T
        return np.asarray(placed * shares[:, None], dtype=np.float32)

    def _nobody(self) -> Floats:
        """p(z|u) of an empty history, float32 [1, Z]."""
        return self._model.users(Histories.of([[]]))
