"""Recommending: the stages 4-7 in order, from one person's events to a list with reasons."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from zhiyin.bundle import FOLDER, Bundle, active
from zhiyin.candidates.base import Recommender
from zhiyin.candidates.fill import Filled
from zhiyin.candidates.registry import FILLER, MODELS
from zhiyin.config import PreprocessSettings, Settings, load_settings
from zhiyin.errors import BundleError, UnknownItem, UsageError
from zhiyin.explain.reasons import Reason, history_reasons, popular_reason, shared_features
from zhiyin.newcomers import Shelf
from zhiyin.ports import Store
from zhiyin.preprocess.clean import positives
from zhiyin.preprocess.dataset import histories_of
from zhiyin.types import Floats, Histories, Ints, Temperature

if TYPE_CHECKING:
    import polars as pl

TIER = "none"
"""Which language model took part in a list."""
BATCH = 4096


@dataclass(frozen=True)
class Recommended:
    """One item of a list. ``probability`` is the share of validation users whose next item stood at this rank of their
    list (None where nothing was measured); ``sources`` are the models that proposed the item."""

    item_id: str
    title: str | None
    rank: int
    score: float
    probability: float | None
    sources: list[str]
    reasons: list[Reason]


@dataclass(frozen=True)
class Recommendation:
    """A person's list. ``fallback`` is None, or says why the person's own history did not make it."""

    user_id: str
    bundle: str
    tier: str
    temperature: Temperature
    fallback: dict[str, str] | None
    items: list[Recommended]

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


class Engine:
    """A store and a trained bundle, ready to answer."""

    def __init__(self, store: Store, bundle: Bundle, settings: Settings) -> None:
        self.store = store
        self.bundle = bundle
        self.settings = settings
        self._preprocess = PreprocessSettings(**bundle.manifest.config["preprocess"])
        self._shelf = Shelf(store, bundle, settings)

    @classmethod
    def open(cls, project: Path | str = ".") -> Self:
        """The engine of a project folder, on its served bundle. Raises ConfigError, StoreError, BundleError."""
        from zhiyin.store import open_store

        folder = Path(project)
        settings = load_settings(folder)
        store = open_store(settings.store.url, folder)
        return cls(store, active(store, folder / FOLDER), settings)

    def recommend(
        self, user_id: str, k: int = 10, *, exclude: Sequence[str] = (), include_seen: bool = False
    ) -> Recommendation:
        """The best ``k`` items for ``user_id``, who may be unknown; fewer where the catalogue has no more.

        Items of ``exclude``, hidden items and (unless ``include_seen``) the person's own never come out.
        """
        if k < 1:
            raise UsageError(f"asked for the best {k} items", fix="ask for 1 or more")
        history = self._history(user_id)
        rows, scores = self._rank(history, k, exclude, include_seen)
        return self._explained(user_id, history, rows[0], scores[0])

    def recommend_all(self, k: int = 10) -> Iterator[pl.DataFrame]:
        """Every stored user's list, in batches: columns ``user_id``, ``item_id``, ``score``, ``rank`` (from 1)."""
        import polars as pl

        users = self.store.users()["user_id"].to_list()
        events = positives(self.store.events(), self._preprocess, unit=self.bundle.manifest.config["unit"])
        shelf = self._shelf
        histories = histories_of(events, shelf.items, users)
        ids = np.array(shelf.items.ids, dtype=object)
        names = np.array(users, dtype=object)
        for start in range(0, len(users), BATCH):
            rows, scores = self._ranker.top_k(histories.slice(start, start + BATCH), k, allowed=shelf.allowed)
            taken = rows >= 0
            yield pl.DataFrame(
                {
                    "user_id": np.repeat(names[start : start + BATCH], taken.sum(axis=1)).tolist(),
                    "item_id": ids[rows[taken]].tolist(),
                    "score": scores[taken],
                    "rank": np.cumsum(taken, axis=1)[taken].astype(np.int32),
                },
                schema={"user_id": pl.String, "item_id": pl.String, "score": pl.Float32, "rank": pl.Int32},
            )

    def similar(self, item_id: str, k: int = 10) -> list[Recommended]:
        """The ``k`` items that somebody who took just ``item_id`` would be given. Raises UnknownItem."""
        row = self._shelf.items.row(item_id)
        if row < 0:
            raise UnknownItem(f"no item '{item_id}'", fix="check the id, or import the item first")
        if k < 1:
            raise UsageError(f"asked for the best {k} items", fix="ask for 1 or more")
        history = Histories.of([[row]])
        rows, scores = self._ranker.top_k(history, k, allowed=self._shelf.allowed)
        answer = self._explained("", history, rows[0], scores[0])
        catalogue = self._shelf.catalogue
        shared = {
            one.item_id: shared_features(catalogue, row, self._shelf.items.row(one.item_id)) for one in answer.items
        }
        return [
            Recommended(one.item_id, one.title, one.rank, one.score, None, one.sources,
                        [Reason("similar", item_id, catalogue.titles[row] or None, None, shared[one.item_id])]
                        if any(reason.kind == "history" for reason in one.reasons) else one.reasons)
            for one in answer.items
        ]  # fmt: skip

    def history(self, user_id: str) -> list[tuple[str, str]]:
        """Ids and titles of what the person took, latest first."""
        history = self._history(user_id)
        return [(self._shelf.items.ids[row], self._shelf.catalogue.titles[row]) for row in history.items[::-1]]

    @cached_property
    def _model(self) -> Recommender:
        name = self.bundle.manifest.served
        model = self._restored(name)
        return self._shelf.with_newcomers(model)

    @cached_property
    def _ranker(self) -> Filled:
        return Filled(self._model, self._restored(FILLER))

    def _restored(self, name: str) -> Recommender:
        if name not in MODELS:
            raise BundleError(
                f"the bundle's model '{name}' is not known here", where=self.bundle.manifest.name, fix="train again"
            )
        kind = MODELS[name]
        return kind(kind.make_params(self.bundle.manifest.models[name])).restore(self.bundle.arrays(name))

    def _history(self, user_id: str) -> Histories:
        events = positives(self.store.events(user_id), self._preprocess, unit=self.bundle.manifest.config["unit"])
        return histories_of(events, self._shelf.items, [user_id], half_life_days=self._preprocess.half_life_days)

    def _rank(self, history: Histories, k: int, exclude: Sequence[str], include_seen: bool) -> tuple[Ints, Floats]:
        allowed = self._shelf.allowed.copy()
        barred = self._shelf.items.rows(exclude)
        allowed[barred[barred >= 0]] = False
        return self._ranker.top_k(history, k, exclude_seen=not include_seen, allowed=allowed)

    def _explained(self, user_id: str, history: Histories, rows: Ints, scores: Floats) -> Recommendation:
        shelf, manifest = self._shelf, self.bundle.manifest
        chance = manifest.metrics["rank_probability"]
        items = []
        for place, (row, score) in enumerate(zip(rows.tolist(), scores.tolist(), strict=True)):
            if row < 0:
                break
            pulls = self._model.contributions(history, row) if row < self._model.n_items else np.zeros(0, np.float32)
            most = self.settings.recommend.reasons
            reasons = history_reasons(pulls, history, row, shelf.items.ids, shelf.catalogue, most) if len(pulls) else []
            own = bool(pulls.any())
            items.append(
                Recommended(
                    shelf.items.ids[row],
                    shelf.catalogue.titles[row] or None,
                    place + 1,
                    round(score, 6),
                    chance[place] if place < len(chance) else None,
                    [manifest.served if own else FILLER],
                    reasons if own else [popular_reason()],
                )
            )
        temperature = self._temperature(user_id, history)
        return Recommendation(user_id, manifest.name, TIER, temperature, _fallback(history, items), items)

    def _temperature(self, user_id: str, history: Histories) -> Temperature:
        if not len(history.items):
            return Temperature.COLD
        return Temperature.HOT if user_id in self.bundle.users else Temperature.WARM


def _fallback(history: Histories, items: list[Recommended]) -> dict[str, str] | None:
    if not len(history.items):
        return {"reason": "nothing is known of this person yet: popular items"}
    if items and all(item.sources == [FILLER] for item in items):
        return {"reason": "nothing follows from this person's history: popular items"}
    return None
