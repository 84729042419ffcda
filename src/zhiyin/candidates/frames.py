"""Recommendations as a data frame, in the habit of RecTools and scikit-learn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np

from zhiyin.candidates.base import Recommender
from zhiyin.errors import ModelError
from zhiyin.types import Interactions

if TYPE_CHECKING:
    import polars as pl


def recommend(
    model: Recommender,
    users: Sequence[str],
    interactions: Interactions,
    k: int = 10,
    *,
    filter_viewed: bool = True,
    items_to_recommend: Sequence[str] | None = None,
    on_unsupported: Literal["raise", "ignore"] = "raise",
) -> pl.DataFrame:
    """Columns ``user_id``, ``item_id``, ``score`` (float32, higher is better), ``rank`` (from 1), users as given.

    ``interactions`` holds the histories that are asked with. ``items_to_recommend`` limits what comes out.
    ``on_unsupported`` says what happens to users and items that ``interactions`` does not know: ModelError, or they
    are left out. A user may get fewer than ``k`` rows, where the model has nothing more to say.
    """
    import polars as pl

    rows = interactions.users.rows(users)
    allowed = None
    unknown = [user for user, row in zip(users, rows, strict=True) if row < 0]
    if items_to_recommend is not None:
        wanted = interactions.items.rows(items_to_recommend)
        unknown += [item for item, row in zip(items_to_recommend, wanted, strict=True) if row < 0]
        allowed = np.zeros(interactions.n_items, dtype=np.bool_)
        allowed[wanted[wanted >= 0]] = True
    if unknown and on_unsupported == "raise":
        raise ModelError(
            f"{len(unknown)} users or items are not in the interactions, the first is '{unknown[0]}'",
            fix="leave them out or pass on_unsupported='ignore'",
        )
    known = rows[rows >= 0]
    lists, scores = model.top_k(interactions.histories.take(known), k, exclude_seen=filter_viewed, allowed=allowed)
    taken = lists >= 0
    ids = np.array(interactions.items.ids, dtype=object)
    return pl.DataFrame(
        {
            "user_id": np.repeat([interactions.users.ids[row] for row in known], taken.sum(axis=1)).tolist(),
            "item_id": ids[lists[taken]].tolist(),
            "score": scores[taken],
            "rank": (np.cumsum(taken, axis=1)[taken]).astype(np.int32),
        },
        schema={"user_id": pl.String, "item_id": pl.String, "score": pl.Float32, "rank": pl.Int32},
    )
