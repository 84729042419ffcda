"""Recommending: the stages 4-7 in order, from one person's events to a list with reasons."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from zhiyin.bundle import FOLDER, Bundle, active
from zhiyin.candidates.base import Recommender
from zhiyin.candidates.fill import Filled, known_to
from zhiyin.candidates.registry import FILLER, MODELS
from zhiyin.config import PreprocessSettings, Settings, load_settings
from zhiyin.errors import BundleError, ModelError, UnknownItem, UsageError
from zhiyin.explain.reasons import Reason, reasons_for, shared_features
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
    """A store and a trained bundle, ready to answer.

    Events count as soon as they are stored. Items that were added or hidden after the engine was opened are noticed
    by ``refresh``.
    """

    def __init__(self, store: Store, bundle: Bundle, settings: Settings) -> None:
        self.store = store
        self.bundle = bundle
        self.settings = settings
        try:
            self._preprocess = PreprocessSettings(**bundle.manifest.config["preprocess"])
            self._unit, self._now = float(bundle.manifest.config["unit"]), int(bundle.manifest.config["now"])
        except (KeyError, TypeError, ValueError) as other:
            raise BundleError(
                "the bundle was trained with settings this version does not know",
                where=bundle.manifest.name,
                fix="run 'zhiyin train'",
            ) from other
        self._shelf = Shelf(store, bundle, settings)

    @classmethod
    def open(cls, project: Path | str = ".") -> Self:
        """The engine of a project folder, on its served bundle. Raises ConfigError, StoreError, BundleError."""
        from zhiyin.store import open_store

        folder = Path(project)
        settings = load_settings(folder)
        store = open_store(settings.store.url, folder)
        return cls(store, active(store, folder / FOLDER), settings)

    def close(self) -> None:
        self.store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def refresh(self) -> None:
        """Take notice of items that were added or hidden since."""
        self._shelf = Shelf(self.store, self.bundle, self.settings)
        for name in ("_model", "_ranker", "_alike"):
            self.__dict__.pop(name, None)

    def recommend(
        self, user_id: str, k: int = 10, *, exclude: Sequence[str] = (), include_seen: bool = False
    ) -> Recommendation:
        """The best ``k`` items for ``user_id``, who may be unknown; fewer where the catalogue has no more.

        Items of ``exclude``, hidden items and (unless ``include_seen``) the person's own never come out.
        """
        if k < 1:
            raise UsageError(f"asked for the best {k} items", fix="ask for 1 or more")
        history = self._history(user_id)
        rows, scores = self._ranker.top_k(history, k, exclude_seen=not include_seen, allowed=self._allowed(exclude))
        return self._explained(user_id, history, rows[0], scores[0])

    def recommend_all(self, k: int = 10, *, exclude: Sequence[str] = ()) -> Iterator[pl.DataFrame]:
        """Every stored user's list, in batches: columns ``user_id``, ``item_id``, ``score``, ``rank`` (from 1)."""
        import polars as pl

        if k < 1:
            raise UsageError(f"asked for the best {k} items", fix="ask for 1 or more")

        users = self.store.users()["user_id"].to_list()
        shelf = self._shelf
        histories = self._histories(self.store.events(), users)
        allowed = self._allowed(exclude)
        ids = np.array(shelf.items.ids, dtype=object)
        names = np.array(users, dtype=object)
        for start in range(0, len(users), BATCH):
            rows, scores = self._ranker.top_k(histories.slice(start, start + BATCH), k, allowed=allowed)
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
        """The ``k`` items that go with ``item_id`` most of all, whoever asks; fewer where the model knows no more.

        Raises UnknownItem for an id nobody has heard of, ModelError for an item that came after training and whose
        text the model cannot place.
        """
        row = self._shelf.items.row(item_id)
        if row < 0:
            raise UnknownItem(f"no item '{item_id}'", fix="check the id, or import the item first")
        if k < 1:
            raise UsageError(f"asked for the best {k} items", fix="ask for 1 or more")
        if row >= self._alike.n_items:
            raise ModelError(
                f"item '{item_id}' came after training and its text says nothing", fix="run 'zhiyin train'"
            )
        rows, scores = self._alike.top_k(Histories.of([[row]]), k, allowed=self._shelf.allowed[: self._alike.n_items])
        catalogue, ids, served = self._shelf.catalogue, self._shelf.items.ids, self.bundle.manifest.served
        found = []
        for place, (other, score) in enumerate(zip(rows[0].tolist(), scores[0].tolist(), strict=True)):
            if other < 0 or score <= 0:
                break
            title = catalogue.titles[row] or None
            reason = Reason("similar", item_id, title, None, shared_features(catalogue, row, other))
            name = catalogue.titles[other] or None
            found.append(Recommended(ids[other], name, place + 1, round(score, 6), None, [served], [reason]))
        return found

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

    @cached_property
    def _alike(self) -> Recommender:
        """The served model without what is popular with everybody."""
        return self._model.without_common()

    def _history(self, user_id: str) -> Histories:
        return self._histories(self.store.events(user_id), [user_id])

    def _histories(self, events: pl.DataFrame, users: Sequence[str]) -> Histories:
        liked = positives(events, self._preprocess, unit=self._unit)
        half_life = self._preprocess.half_life_days
        return histories_of(liked, self._shelf.items, users, half_life_days=half_life, now=self._now)

    def _allowed(self, exclude: Sequence[str]) -> NDArray[np.bool_]:
        allowed = self._shelf.allowed.copy()
        barred = self._shelf.items.rows(exclude)
        allowed[barred[barred >= 0]] = False
        return allowed

    def _explained(self, user_id: str, history: Histories, rows: Ints, scores: Floats) -> Recommendation:
        shelf, manifest = self._shelf, self.bundle.manifest
        chance = manifest.metrics["rank_probability"]
        most = self.settings.recommend.reasons
        rows = rows[rows >= 0]
        own = known_to(history, self._model.n_items)
        placed = rows < self._model.n_items
        pulls = np.zeros((len(rows), len(own.items)), dtype=np.float32)
        common = np.zeros(len(rows), dtype=np.float32)
        pulls[placed] = self._model.contributions_to(own, rows[placed])
        common[placed] = self._model.common(rows[placed])
        items = []
        for place, (row, score) in enumerate(zip(rows.tolist(), scores[: len(rows)].tolist(), strict=True)):
            led = bool((pulls[place] > 0).any())
            items.append(
                Recommended(
                    shelf.items.ids[row],
                    shelf.catalogue.titles[row] or None,
                    place + 1,
                    round(score, 6),
                    chance[place] if place < len(chance) else None,
                    [manifest.served if led else FILLER],
                    reasons_for(pulls[place], float(common[place]), own, row, shelf.items.ids, shelf.catalogue, most),
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
    if not items:
        return {"reason": "there is nothing left to recommend: every item is hidden, excluded or already known"}
    if all(item.sources == [FILLER] for item in items):
        return {"reason": "nothing follows from this person's history: popular items"}
    return None
