"""What holds for everybody as of a moment: what is popular, what is on the rise, and whose histories are alike.

Counted from the stored events themselves, so that it needs no trained bundle and knows people who came since.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from zhiyin.candidates.matrix import decayed
from zhiyin.candidates.people import profiles, rarities, strongest_people
from zhiyin.candidates.popular import WindowedPopularity
from zhiyin.candidates.trending import Trending
from zhiyin.candidates.user_knn import UserKNNParams
from zhiyin.config import PreprocessSettings
from zhiyin.errors import ModelError
from zhiyin.preprocess.clean import positives
from zhiyin.preprocess.dataset import build_interactions, happened, histories_of
from zhiyin.types import Catalogue, Floats, Histories, TrainingData

if TYPE_CHECKING:
    import polars as pl

UNIT = 1.0
"""Weights only matter against each other here."""


class Crowd:
    """``events`` in the columns of ``Store.events``; those after ``now`` (microseconds) do not count yet. ``models``
    are hyper-parameters by model, as ``[models.*]`` of the settings has them; ``item_ids`` is the whole catalogue."""

    def __init__(
        self,
        events: pl.DataFrame,
        item_ids: Sequence[str],
        preprocess: PreprocessSettings,
        models: dict[str, dict[str, Any]],
        now: int,
    ) -> None:
        self._preprocess, self._models = preprocess, models
        self._interactions = build_interactions(positives(happened(events, now), preprocess, unit=UNIT), item_ids)
        self._likeness = UserKNNParams(**models.get("user_knn", {}))

    def popular(self) -> list[tuple[str, float]]:
        """Items that somebody took, the most taken of late first: summed weight of their people within the window."""
        model = WindowedPopularity(WindowedPopularity.make_params(self._models.get("popular", {})))
        score = model.fit(self._data).popularity
        return self._ranked(np.where(self._takers > 0, score, 0))

    def trending(self) -> list[tuple[str, float]]:
        """Items that are taken more of late than before, the steepest first; none where times do not tell."""
        model = Trending(Trending.make_params(self._models.get("trending", {})))
        try:
            return self._ranked(model.fit(self._data).rise)
        except ModelError:
            return []

    def alike(self, user_id: str, own: pl.DataFrame, k: int, now: int) -> list[tuple[str, float]]:
        """The ``k`` people whose histories are most like that of ``user_id``, with the likeness: the cosine of the
        histories, items weighted by rarity, later events by more, short histories shrunk (as model ``user_knn``).
        ``own`` are the events of ``user_id`` by now, who may be unknown. People who share no item are left out."""
        people, items = self._interactions.users, self._interactions.items
        if not len(people) or k < 1:
            return []
        liked = positives(happened(own, now), self._preprocess, unit=UNIT)
        row, _ = self._profiles(histories_of(liked, items, [user_id]))
        me = np.array([people.row(user_id)], dtype=np.int32)
        found = strongest_people(lambda part: row[part] @ self._people, me, len(people), k)
        order = np.lexsort((found.indices, -found.data))
        return [(people.ids[found.indices[place]], float(found.data[place])) for place in order.tolist()]

    @cached_property
    def _people(self) -> sparse.csr_array:
        """Profiles as columns, float32 CSR [items, people]."""
        return self._profiles(self._interactions.histories)[0].T.tocsr()

    @cached_property
    def _rare(self) -> Floats:
        return rarities(self._takers, self._interactions.n_users, self._likeness.rarity)

    @cached_property
    def _takers(self) -> np.ndarray[Any, np.dtype[np.int64]]:
        return np.bincount(self._interactions.histories.items, minlength=self._interactions.n_items).astype(np.int64)

    @property
    def _data(self) -> TrainingData:
        n = self._interactions.n_items
        nothing: list[str] = [""] * n
        return TrainingData(
            self._interactions, Catalogue(nothing, [[]] * n, nothing, None, np.zeros(n, dtype=np.bool_))
        )

    def _profiles(self, histories: Histories) -> tuple[sparse.csr_array, Floats]:
        return profiles(decayed(histories, self._likeness.decay), histories, self._rare, self._likeness.shrink)

    def _ranked(self, scores: Floats) -> list[tuple[str, float]]:
        order = np.argsort(-scores, kind="stable")
        return [(self._interactions.items.ids[row], float(scores[row])) for row in order.tolist() if scores[row] > 0]
