"""What re-ranking needs of a catalogue, a store and a ranker: read when a stage first asks for it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from zhiyin.rerank import Facts, Items, Seen, Shown
from zhiyin.types import NO_TIME, Catalogue, Floats, IdMap

if TYPE_CHECKING:
    from zhiyin.ports import Store
    from zhiyin.rerank.arms import Chooser
    from zhiyin.rerank.social.actions import Acting, Actions
    from zhiyin.store.sql import SqlStore


def level_of(scores: Floats) -> float | None:
    """The score of a typical first place: the median over lists [U, c] of their first; None where it is not above 0."""
    found = float(np.median(scores[:, 0])) if len(scores) and scores.shape[1] else 0.0
    return found if np.isfinite(found) and found > 0 else None


def items_of(
    ids: IdMap,
    catalogue: Catalogue,
    store: Store,
    *,
    popularity: NDArray[np.floating[Any]] | None = None,
    interests: Callable[[], Floats] | None = None,
    choosers: Callable[[str], Chooser] | None = None,
    acting: Callable[[Actions, str | None], Acting | None] | None = None,
) -> Items:
    """The items of a catalogue as stages see them. ``store`` is read when a stage first asks for attributes or times,
    or for ``popularity`` [n] where None is given; ``interests`` is called when a stage first asks for q(z|c),
    ``choosers`` when one explores by what it learned, ``acting`` when one asks how people act."""
    return Items(
        ids,
        catalogue.categories,
        titles=catalogue.titles,
        vectors=catalogue.vectors,
        popularity=popularity if popularity is not None else lambda: counts_of(store, ids),
        facts=lambda: facts_of(store, ids),
        interests=interests,
        choosers=choosers,
        acting=acting,
    )


def counts_of(store: Store, ids: IdMap) -> NDArray[np.float64]:
    """People who had an event of any type with each item, float64 [n], as stored."""
    taken = store.events().select("user_id", "item_id").unique().group_by("item_id").len()
    rows, counts = ids.rows(taken["item_id"].to_list()), taken["len"].to_numpy()
    found = np.zeros(len(ids))
    found[rows[rows >= 0]] = counts[rows >= 0]
    return found


def facts_of(store: Store, ids: IdMap) -> Facts:
    """Attributes and times of the items of ``ids``, as stored."""
    frame = store.items().select("item_id", "attributes", "time")
    attributes: list[dict[str, Any]] = [{} for _ in ids]
    times = np.full(len(ids), NO_TIME, dtype=np.int64)
    for row, told, time in zip(
        ids.rows(frame["item_id"].to_list()).tolist(), frame["attributes"], frame["time"], strict=True
    ):
        if row >= 0:
            attributes[row] = json.loads(told)
            times[row] = NO_TIME if time is None else time
    return Facts(attributes, times)


def seen_of(store: Store, ids: IdMap, user_id: str) -> Seen:
    """What the person has had an event with, whatever its type, as stored; what ``ids`` lacks is among the others."""
    events = store.events(user_id)
    rows = ids.rows(events["item_id"].to_list())
    times = events["time"].fill_null(NO_TIME).to_numpy().astype(np.int64)
    kinds = events["event_type"].to_list()
    known = np.flatnonzero(rows >= 0)
    others = [
        (item, kinds[place], int(times[place]))
        for place, item in enumerate(events["item_id"].to_list())
        if rows[place] < 0
    ]
    return Seen(rows[known], times[known], [kinds[place] for place in known.tolist()], others)


def shown_of(store: SqlStore, ids: IdMap, user_id: str, lists: int = 50) -> Shown:
    """What the person was shown in their latest ``lists`` lists, whatever the surface, as stored."""
    told = [
        (item, place, one.time) for one in store.impressions.of_user(user_id, lists) for item, place, _ in one.items
    ]
    return Shown(
        ids.rows([item for item, _, _ in told]),
        np.array([max(1, place) for _, place, _ in told], dtype=np.int64),
        np.array([time for _, _, time in told], dtype=np.int64),
    )
