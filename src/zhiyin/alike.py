"""Items that go with an item, whoever asks."""

from __future__ import annotations

from zhiyin.answers import Recommended
from zhiyin.candidates.base import Recommender
from zhiyin.errors import ModelError, UnknownItem, UsageError
from zhiyin.explain.reasons import Reason, shared_features
from zhiyin.newcomers import Shelf
from zhiyin.types import Histories


def alike(model: Recommender, shelf: Shelf, item_id: str, k: int) -> list[Recommended]:
    """The ``k`` items that ``model`` puts highest for somebody who took ``item_id`` alone; see ``Engine.similar``."""
    row = shelf.items.row(item_id)
    if row < 0:
        raise UnknownItem(f"no item '{item_id}'", fix="check the id, or import the item first")
    if k < 1:
        raise UsageError(f"asked for the best {k} items", fix="ask for 1 or more")
    if row >= model.n_items:
        raise ModelError(f"item '{item_id}' came after training and its text says nothing", fix="run 'zhiyin train'")
    rows, scores = model.top_k(Histories.of([[row]]), k, allowed=shelf.allowed[: model.n_items])
    catalogue, ids = shelf.catalogue, shelf.items.ids
    found = []
    for place, (other, score) in enumerate(zip(rows[0].tolist(), scores[0].tolist(), strict=True)):
        if other < 0 or score <= 0:
            break
        title = catalogue.titles[row] or None
        reason = Reason("similar", item_id, title, None, shared_features(catalogue, row, other))
        name = catalogue.titles[other] or None
        found.append(Recommended(ids[other], name, place + 1, round(score, 6), None, [model.name], [reason]))
    return found
