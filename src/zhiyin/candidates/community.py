"""What the people one is linked with took: friends, and friends of friends."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy import sparse

from zhiyin.candidates.base import Params, Recommender
from zhiyin.candidates.matrix import user_items
from zhiyin.candidates.people import PARTS, profiles, rarities, strongest_people
from zhiyin.errors import ModelError
from zhiyin.types import Floats, Histories, TrainingData


class CommunityParams(Params):
    damping: float = Field(3.0, ge=0, le=100)
    """What a friend's friends weigh beside the friend; 0 listens to friends only. Above 1 the many, each heard faintly,
    say more together than the few."""
    taste: float = Field(100.0, ge=0, le=10_000)
    """A person's voice is multiplied by 1 + taste x likeness of the two histories."""
    people: int = Field(200, ge=1, le=10_000)
    """Most people who are listened to."""
    rarity: float = Field(1.0, ge=0, le=8)
    """Exponent on the rarity of a shared item in the likeness: 0 counts all alike."""
    shrink: float = Field(50.0, ge=0, le=10_000)
    """Added to the squared length of a history, so that people with few events are like nobody."""


class CommunityNeighbours(Recommender):
    """s(u, c) = sum over people v of w_uv (1 + taste cos(u, v)) x_vc with w = A + damping A^2 without u, where A holds
    the links, its rows summing to 1: a walk of one or two steps. The ``people`` largest w count.

    People who were not in training, or who are linked with nobody, get no scores. Likeness is that of ``UserKNN``.
    """

    name: ClassVar[str] = "community"
    params_type: ClassVar[type[Params]] = CommunityParams
    search_space: ClassVar[dict[str, tuple[Any, ...]]] = {
        "taste": (100.0, 0.0, 10.0, 1000.0),
        "damping": (3.0, 0.0, 1.0, 10.0),
    }
    because: ClassVar[tuple[str, str]] = ("people you are linked with took it", "你关注的人或好友选了它")
    params: CommunityParams

    def fit(self, data: TrainingData) -> Self:
        """Raises ModelError where nobody is linked with anybody."""
        histories, n, links = data.interactions.histories, data.interactions.n_items, data.interactions.links
        if links is None or not links.nnz:
            raise ModelError(
                f"model '{self.name}' needs links between people and there are none",
                fix="import some with 'zhiyin import --links FILE', or leave this model out",
            )
        walk = sparse.csr_array(links, dtype=np.float32, copy=True)
        strength = np.asarray(walk.sum(axis=1))
        walk.data /= np.repeat(strength, np.diff(walk.indptr))
        taken = user_items(histories, n)
        rare = rarities(np.bincount(taken.indices, minlength=n), len(histories), self.params.rarity)
        rows, _ = profiles(histories.weights, histories, rare, self.params.shrink)
        return self._keep(walk, taken, rows.T.tocsr(), rare)

    def _keep(self, walk: sparse.csr_array, taken: sparse.csr_array, alike: sparse.csr_array, rare: Floats) -> Self:
        self._walk, self._taken, self._alike, self._rare = walk, taken, alike, rare
        self._steps = sparse.vstack([walk, sparse.csr_array((1, walk.shape[1]), dtype=np.float32)], format="csr")
        self.n_items = len(rare)
        return self

    def score(self, histories: Histories) -> Floats:
        self.check_asked(histories)
        voices = self.voices(histories)
        scores: Floats = (voices @ self._taken).toarray()
        return scores

    def voices(self, histories: Histories) -> sparse.csr_array:
        """Who is listened to how much: float32 CSR [len(histories), people of training]."""
        count = self._walk.shape[0]
        # Whoever is unknown gets the empty row behind the others.
        own = np.where((histories.users >= 0) & (histories.users < count), histories.users, count)
        onward = np.float32(self.params.damping)

        def walk(part: slice) -> sparse.csr_array:
            first = self._steps[own[part]]
            return first + (first @ self._walk) * onward if onward else first

        found = strongest_people(walk, np.where(own < count, own, -1).astype(np.int32), count, self.params.people)
        if self.params.taste and found.nnz:
            rows, _ = profiles(histories.weights, histories, self._rare, self.params.shrink)
            found = found + (rows @ self._alike).multiply(found * np.float32(self.params.taste))
        return sparse.csr_array(found)

    def arrays(self) -> dict[str, NDArray[Any]]:
        self.check_fitted()
        parts = {"walk": self._walk, "taken": self._taken, "alike": self._alike}
        return {f"{name}_{part}": getattr(one, part) for name, one in parts.items() for part in PARTS} | {
            "rare": self._rare
        }

    def restore(self, arrays: dict[str, NDArray[Any]]) -> Self:
        n, users = len(arrays["rare"]), len(arrays["walk_indptr"]) - 1
        shapes = {"walk": (users, users), "taken": (users, n), "alike": (n, users)}
        walk, taken, alike = (
            sparse.csr_array(tuple(arrays[f"{name}_{part}"] for part in PARTS), shape=shape)
            for name, shape in shapes.items()
        )
        return self._keep(walk, taken, alike, arrays["rare"])
