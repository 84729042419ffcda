"""Items reached by short walks from item to person to item, held back where everybody ends up anyway."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
from pydantic import Field
from scipy import sparse

from zhiyin.candidates.base import Params
from zhiyin.candidates.matrix import ItemMatrixModel, decayed, from_neighbours, user_items
from zhiyin.candidates.topn import top_of_product
from zhiyin.types import Floats, Histories, TrainingData


class RandomWalksParams(Params):
    neighbours: int = Field(200, ge=1, le=10_000)
    """Neighbours kept of each item."""
    alpha: float = Field(0.5, gt=0, le=4)
    """Exponent on the probability of each step: above 1 the likely steps become likelier still."""
    beta: float = Field(0.35, ge=0, le=4)
    """Exponent on an item's summed weight, by which what the walk says of it is divided; 0 is P3alpha."""
    decay: float = Field(0.8, gt=0, le=1)
    """When asked, an event counts this many times the one after it; 1 counts all alike."""


class RandomWalks(ItemMatrixModel):
    """M[i, j] = sum over people u of p(i -> u)^alpha p(u -> j)^alpha / d_j^beta for the ``neighbours`` largest j of
    each i, with p(i -> u) = x_ui / d_i, p(u -> j) = x_uj / d_u, d the sums of a row or column of x. RP3beta
    (Paudel, Christoffel, Newell, Bernstein 2017)."""

    name: ClassVar[str] = "walks"
    params_type: ClassVar[type[Params]] = RandomWalksParams
    search_space: ClassVar[dict[str, tuple[Any, ...]]] = {
        "decay": (0.8, 0.6, 0.9, 1.0),
        "beta": (0.35, 0.2, 0.5, 0.65),
        "alpha": (0.5, 0.3, 0.8, 1.0),
        "neighbours": (200, 50, 500),
    }
    because: ClassVar[tuple[str, str]] = (
        "it is often reached from what you took by way of other people's choices",
        "从你选过的东西出发，顺着其他人的选择常会走到它",
    )
    params: RandomWalksParams

    def fit_seconds(self, data: TrainingData) -> float:
        lengths = data.interactions.histories.lengths.astype(np.float64)
        return 0.2 + 1e-8 * float((lengths**2).sum()) + 5e-5 * data.interactions.n_items

    def fit(self, data: TrainingData) -> Self:
        n = data.interactions.n_items
        taken = user_items(data.interactions.histories, n)
        users = taken.shape[0]
        owners = np.repeat(np.arange(users), np.diff(taken.indptr))
        of_item = np.bincount(taken.indices, weights=taken.data, minlength=n)
        of_user = np.bincount(owners, weights=taken.data, minlength=users)
        there = (taken.data / of_item[taken.indices]) ** self.params.alpha
        onward = (taken.data / of_user[owners]) ** self.params.alpha / of_item[taken.indices] ** self.params.beta
        shape = taken.shape
        first = sparse.csr_array((there.astype(np.float32), taken.indices, taken.indptr), shape=shape)
        second = sparse.csr_array((onward.astype(np.float32), taken.indices, taken.indptr), shape=shape)
        # The extra rows put -inf on the diagonal: a walk that comes back says nothing.
        own = sparse.eye_array(n, dtype=np.float32, format="csr")
        left = sparse.hstack([first.T.tocsr(), own], format="csr")
        right = sparse.vstack([second, own * np.float32(-np.inf)], format="csr")
        self.matrix = from_neighbours(*top_of_product(left, right, self.params.neighbours))
        self.n_items = n
        return self

    def event_weights(self, histories: Histories) -> Floats:
        return decayed(histories, self.params.decay)
