"""Runs inside LensKit's own environment: fit a neighbourhood model on what a file holds, rank, write the lists.

    python -m benchmarks.lenskit_child QUESTION.npz ANSWER.npz

QUESTION and ANSWER: see ``peer_child``. ``model`` is "item_knn" or "user_knn", both for events without ratings;
parameters are those of the library.
"""

from __future__ import annotations

import logging
import sys
import time
import warnings
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd  # type: ignore[import-untyped]
import structlog
from lenskit.data import ItemList, RecQuery, from_interactions_df  # type: ignore[import-not-found]
from lenskit.knn import ItemKNNScorer, UserKNNScorer  # type: ignore[import-not-found]

from benchmarks.peer_child import Array, Lists, Question, best_of
from benchmarks.peer_cost import Cost, watched

MODELS = {"item_knn": ItemKNNScorer, "user_knn": UserKNNScorer}
RETRAIN = {"item_knn": {"min_sim", "save_nbrs"}, "user_knn": {"min_sim"}}
"""Parameters that what is learned depends on; the others are looked at when a list is asked for."""


def ranked(model: Any, question: Question, histories: list[Array]) -> tuple[Array, Array]:
    """Rows and scores [n_asked, k]. Of a history the library is told what training held: it fails over other items."""
    everything = ItemList(item_ids=np.arange(question.n_items))
    trained = np.isin(np.arange(question.n_items), question.train[1])
    rows = np.full((question.n_asked, question.k), -1, dtype=np.int32)
    scores = np.full((question.n_asked, question.k), -np.inf, dtype=np.float32)
    for place, history in enumerate(histories):
        known = history[trained[history]]
        if not len(known):
            continue
        row = int(question.rows_in_training[place])
        own = ItemList(item_ids=known)
        query = RecQuery(user_id=None if row < 0 else row, history_items=own)
        given = np.asarray(model(query, everything).scores("numpy"), dtype=np.float32)
        seen = history if question.exclude_seen else history[:0]
        rows[place], scores[place] = best_of(given, seen, question.allowed, question.k)
    return rows, scores


def main(question_path: str, answer_path: str) -> None:
    warnings.simplefilter("ignore")
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    question = Question.read(Path(question_path))
    users, items, _ = question.train
    frame = pd.DataFrame({"user_id": users, "item_id": items})
    train = from_interactions_df(frame, user_col="user_id", item_col="item_id")
    bounds = np.searchsorted(question.asked[0], np.arange(question.n_asked + 1))
    histories = [question.asked[1][start:end] for start, end in pairwise(bounds)]
    lists = Lists(question)
    cost: Cost
    with watched() as cost:
        model, seconds = None, 0.0
        for value in question.values:
            config = question.with_value(value)
            began = time.perf_counter()
            if model is None or question.along in RETRAIN[question.model]:
                model = MODELS[question.model](feedback="implicit", **config)
                model.train(train)
                seconds = time.perf_counter() - began
            else:
                model.config = model.config.model_copy(update={question.along: value})
            began = time.perf_counter()
            lists.add(*ranked(model, question, histories), seconds, time.perf_counter() - began)
    lists.answer(cost.mib).write(Path(answer_path))


if __name__ == "__main__":
    main(*sys.argv[1:])
