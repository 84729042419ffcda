"""Runs inside RecTools' own environment: fit its EASE on what a file holds, rank, write the lists.

    python rectools_child.py QUESTION.npz ANSWER.npz

QUESTION: ``train`` and ``asked`` as pairs of rows ``*_users``, ``*_items``, ``*_weights``; ``n_items``, ``n_asked``,
``regularization``, ``k``, ``exclude_seen``, ``allowed`` (item rows). ANSWER: ``rows`` [n_asked, k] (-1 for none),
``scores``, ``fit_seconds``. Items without an event in ``train`` are unknown to the model.
"""

from __future__ import annotations

import sys
import time
from typing import Any

import numpy as np
import pandas as pd  # type: ignore[import-untyped]
from rectools.dataset import Dataset, IdMap, Interactions  # type: ignore[import-not-found]
from rectools.models import EASEModel  # type: ignore[import-not-found]

Array = Any


def dataset(users: Array, items: Array, weights: Array, n_users: int, n_items: int) -> Any:
    """A last, extra user holds the last item, so that the matrix has all columns."""
    frame = pd.DataFrame(
        {
            "user_id": np.append(users, n_users),
            "item_id": np.append(items, n_items - 1),
            "weight": np.append(weights, 1.0),
            "datetime": pd.Timestamp("2000-01-01"),
        }
    )
    return Dataset(
        IdMap.from_values(np.arange(n_users + 1)), IdMap.from_values(np.arange(n_items)), Interactions(frame)
    )


def main(question: str, answer: str) -> None:
    given = np.load(question)
    known = np.unique(given["train_items"])
    place = np.full(int(given["n_items"]), -1)
    place[known] = np.arange(len(known))
    users, n_asked, k = given["train_users"], int(given["n_asked"]), int(given["k"])
    matrix = pd.DataFrame(
        {
            "user_id": users,
            "item_id": place[given["train_items"]],
            "weight": given["train_weights"],
            "datetime": pd.Timestamp("2000-01-01"),
        }
    )
    n_users = int(users.max()) + 1
    train = Dataset(
        IdMap.from_values(np.arange(n_users)), IdMap.from_values(np.arange(len(known))), Interactions(matrix)
    )
    model = EASEModel(regularization=float(given["regularization"]), recommend_use_gpu_ranking=False)
    began = time.perf_counter()
    model.fit(train)
    seconds = time.perf_counter() - began

    met = place[given["asked_items"]] >= 0
    asked_users = given["asked_users"][met]
    asked = dataset(asked_users, place[given["asked_items"][met]], given["asked_weights"][met], n_asked, len(known))
    allowed = place[given["allowed"]]
    lists = model.recommend(
        users=np.unique(asked_users),
        dataset=asked,
        k=min(k, len(known)),
        filter_viewed=bool(given["exclude_seen"]),
        items_to_recommend=np.sort(allowed[allowed >= 0]),
    )
    rows = np.full((n_asked, k), -1, dtype=np.int32)
    scores = np.full((n_asked, k), -np.inf, dtype=np.float32)
    at = lists["user_id"].to_numpy(), lists["rank"].to_numpy() - 1
    rows[at], scores[at] = known[lists["item_id"].to_numpy()], lists["score"].to_numpy()
    np.savez(answer, rows=rows, scores=scores, fit_seconds=seconds)


if __name__ == "__main__":
    main(*sys.argv[1:])
