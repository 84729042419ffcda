"""What people with a history like yours took."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy import sparse

from zhiyin.candidates.base import Params, Recommender
from zhiyin.candidates.matrix import DENSE_CELLS, decayed, user_items
from zhiyin.candidates.people import PARTS, profiles, rarities, strongest_people
from zhiyin.candidates.remembering import keys_of
from zhiyin.types import Floats, Histories, Ints, TrainingData

KEPT = 128
"""People of whom it is kept who is listened to."""


class UserKNNParams(Params):
    neighbours: int = Field(50, ge=1, le=10_000)
    """People who are listened to."""
    power: float = Field(1.0, gt=0, le=8)
    """Exponent on the likeness: higher values listen to the closest people only."""
    shrink: float = Field(50.0, ge=0, le=10_000)
    """Added to the squared length of a history, so that people with few events are nobody's closest."""
    rarity: float = Field(1.0, ge=0, le=8)
    """Exponent on the rarity of a shared item: 0 counts all alike."""
    decay: float = Field(0.8, gt=0, le=1)
    """When asked, an event counts this many times the one after it; 1 counts all alike."""


class UserKNN(Recommender):
    """s(u, c) = sum over the ``neighbours`` v most alike u of likeness(u, v)^power x_vc, where likeness is the cosine
    of the histories with items weighted by rarity and lengths shrunk (Herlocker et al. 1999; TF-IDF weights).

    Works for any history, of people that training knows and of others. Nobody is their own neighbour.
    """

    name: ClassVar[str] = "user_knn"
    params_type: ClassVar[type[Params]] = UserKNNParams
    search_space: ClassVar[dict[str, tuple[Any, ...]]] = {
        "neighbours": (50, 30, 100, 300),
        "decay": (0.8, 0.6, 0.9, 1.0),
        "power": (1.0, 2.0),
        "shrink": (50.0, 10.0, 200.0),
    }
    additive: ClassVar[bool] = True
    because: ClassVar[tuple[str, str]] = ("people with a history like yours took it", "历史与你相近的人选了它")
    params: UserKNNParams

    def fit(self, data: TrainingData) -> Self:
        histories, n = data.interactions.histories, data.interactions.n_items
        taken = user_items(histories, n)
        rare = rarities(np.bincount(taken.indices, minlength=n), len(histories), self.params.rarity)
        rows, _ = profiles(histories.weights, histories, rare, self.params.shrink)
        return self._keep(taken, rows.T.tocsr(), rare)

    def _keep(self, taken: sparse.csr_array, alike: sparse.csr_array, rare: Floats) -> Self:
        self._taken, self._alike, self._rare = taken, alike, rare
        self._held: tuple[Floats, Floats] | None = None
        self._latest: dict[bytes, tuple[Ints, Floats, Floats]] = {}
        self.n_items = len(rare)
        return self

    def score(self, histories: Histories) -> Floats:
        self.check_asked(histories)
        people, _ = self._listened(histories)
        dense = self._dense()
        scores: Floats = people @ dense[1] if dense is not None else (people @ self._taken).toarray()
        return scores

    def contributions(self, history: Histories, item: int) -> Floats:
        """An event's share of each neighbour's likeness, times what the neighbour says."""
        parts: Floats = self.contributions_to(history, np.array([item], dtype=np.int32))[0]
        return parts

    def contributions_to(self, history: Histories, items: Ints) -> Floats:
        self.check_asked(history)
        kept = self._latest.get(keys_of(history)[0])
        if kept is None:
            people, factors = self._listened(history)
            kept = people.indices, people.data, factors
        near, strength, factors = kept
        dense = self._dense()
        if dense is not None:
            alike, taken = dense
            shared = alike.reshape(-1).take(history.items[:, None].astype(np.int64) * alike.shape[1] + near)
            said = taken.reshape(-1).take(near[:, None].astype(np.int64) * taken.shape[1] + items)
        else:
            shared, said = self._alike[history.items][:, near].toarray(), self._taken[near][:, items].toarray()
        shared = shared * factors[:, None]
        # likeness = sum over the events of shared, so likeness^power splits by these shares
        likeness = np.maximum(shared.sum(axis=0), np.finfo(np.float32).tiny)
        return np.asarray((shared @ (said * (strength / likeness)[:, None])).T, dtype=np.float32)

    def _listened(self, histories: Histories) -> tuple[sparse.csr_array, Floats]:
        """Likeness^power of the people who are listened to, float32 CSR [len(histories), people], and the factor of
        each event in it. Of a few people it is kept until others are asked about."""
        rows, factors = profiles(decayed(histories, self.params.decay), histories, self._rare, self.params.shrink)
        dense = self._dense()
        alike = self._alike if dense is None else dense[0]
        users = self._alike.shape[1]
        people = strongest_people(lambda part: rows[part] @ alike, histories.users, users, self.params.neighbours)
        if self.params.power != 1.0:
            people.data **= np.float32(self.params.power)
        if len(histories) <= KEPT:
            own, near = histories.indptr, people.indptr
            self._latest = {
                key: (people.indices[low:high], people.data[low:high], factors[first:last])
                for key, low, high, first, last in zip(
                    keys_of(histories), near[:-1], near[1:], own[:-1], own[1:], strict=True
                )
            }
        return people, factors

    def _dense(self) -> tuple[Floats, Floats] | None:
        """``_alike`` and ``_taken`` with every cell, from which a few people are answered sooner; None where that would
        be large."""
        if self._alike.shape[0] * self._alike.shape[1] > DENSE_CELLS:
            return None
        if self._held is None:
            self._held = self._alike.toarray(), self._taken.toarray()
        return self._held

    def arrays(self) -> dict[str, NDArray[Any]]:
        self.check_fitted()
        parts = {"taken": self._taken, "alike": self._alike}
        kept = {f"{name}_{part}": getattr(one, part) for name, one in parts.items() for part in PARTS}
        return {**kept, "rare": self._rare}

    def restore(self, arrays: dict[str, NDArray[Any]]) -> Self:
        n = len(arrays["rare"])
        users = len(arrays["taken_indptr"]) - 1
        taken, alike = (tuple(arrays[f"{name}_{part}"] for part in PARTS) for name in ("taken", "alike"))
        return self._keep(
            sparse.csr_array(taken, shape=(users, n)), sparse.csr_array(alike, shape=(n, users)), arrays["rare"]
        )
