"""Runs inside RecTools' own environment: fit EASE or SASRec on what a file holds, rank, write the lists.

    python -m benchmarks.rectools_child QUESTION.npz ANSWER.npz

QUESTION and ANSWER: see ``peer_child``. ``model`` is "ease" or "sasrec". Parameters are those of the library, and for
"sasrec" two more: ``layers``, "sasrec" for the authors' blocks or "ligr" for gated ones (with which it is eSASRec), and
``stages``, the epochs after which training pauses, as it does where lists are asked for along epochs. Items without an
event in training are unknown to the model.
"""

from __future__ import annotations

import sys
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd  # type: ignore[import-untyped]
from rectools.dataset import Dataset, IdMap, Interactions  # type: ignore[import-not-found]
from rectools.models import EASEModel  # type: ignore[import-not-found]

from benchmarks.peer_child import Array, Lists, Question
from benchmarks.peer_cost import Cost, watched


def dataset(users: Array, items: Array, weights: Array, n_users: int, n_items: int) -> Any:
    """Each user's events a day apart, in the order given."""
    days = pd.to_timedelta(np.arange(len(users)) - np.searchsorted(users, users), unit="D")
    frame = pd.DataFrame({"user_id": users, "item_id": items, "weight": weights, "datetime": pd.Timestamp(0) + days})
    return Dataset(IdMap.from_values(np.arange(n_users)), IdMap.from_values(np.arange(n_items)), Interactions(frame))


class Data:
    """Items by their place among the known ones, the questions without those that are not."""

    def __init__(self, question: Question) -> None:
        users, items, weights = question.train
        self.known = np.unique(items)
        self._place = np.full(question.n_items, -1)
        self._place[self.known] = np.arange(len(self.known))
        self.train = dataset(users, self._place[items], weights, int(users.max()) + 1, len(self.known))
        self._question = question
        self._asked = self._only_known()

    def _only_known(self) -> tuple[Array, Any]:
        users, items, weights = self._question.asked
        met = self._place[items] >= 0
        # A last, extra user holds the last item, so that the matrix has all columns.
        extra = self._question.n_asked
        rows = np.append(users[met], extra), np.append(self._place[items[met]], len(self.known) - 1)
        return np.unique(users[met]), dataset(*rows, np.append(weights[met], 1.0), extra + 1, len(self.known))

    def lists(self, model: Any) -> tuple[Array, Array]:
        """Rows and scores [n_asked, k] of a fitted model."""
        question = self._question
        users, asked = self._asked
        allowed = self._place[question.allowed]
        found = model.recommend(
            users=users,
            dataset=asked,
            k=min(question.k, len(self.known)),
            filter_viewed=question.exclude_seen,
            items_to_recommend=np.sort(allowed[allowed >= 0]),
        )
        rows = np.full((question.n_asked, question.k), -1, dtype=np.int32)
        scores = np.full((question.n_asked, question.k), -np.inf, dtype=np.float32)
        at = found["user_id"].to_numpy(), found["rank"].to_numpy() - 1
        rows[at], scores[at] = self.known[found["item_id"].to_numpy()], found["score"].to_numpy()
        return rows, scores


def ease(question: Question, data: Data, lists: Lists) -> None:
    for value in question.values:
        model = EASEModel(recommend_use_gpu_ranking=False, **question.with_value(value))
        began = time.perf_counter()
        model.fit(data.train)
        fitted = time.perf_counter()
        lists.add(*data.lists(model), fitted - began, time.perf_counter() - fitted)


def sasrec(question: Question, data: Data, lists: Lists) -> None:
    """Along epochs one training goes on from value to value, as if nobody had asked for lists in between."""
    import torch
    from pytorch_lightning import seed_everything  # type: ignore[import-not-found]
    from rectools.models import SASRecModel
    from rectools.models.nn.transformers.ligr import LiGRLayers  # type: ignore[import-not-found]
    from rectools.models.nn.transformers.sasrec import SASRecTransformerLayers  # type: ignore[import-not-found]

    params = dict(question.params)
    stages = params.pop("stages", [])
    if question.along == "epochs":
        epochs, asked = question.values, set(question.values)
    else:
        # Training that pauses is not to the digit training that does not: the same pauses give the same model.
        last = params.pop("epochs")
        epochs, asked = [*(stage for stage in stages if stage < last), last], {last}
    layers = {"sasrec": SASRecTransformerLayers, "ligr": LiGRLayers}[params.pop("layers")]
    seed_everything(question.seed, verbose=False)
    torch.set_float32_matmul_precision("highest")
    model = SASRecModel(transformer_layers_type=layers, deterministic=True, recommend_torch_device="cpu", **params)
    seconds, done = 0.0, 0
    for goal in epochs:
        began = time.perf_counter()
        model.fit_partial(data.train, min_epochs=goal - done, max_epochs=goal - done)
        fitted = time.perf_counter()
        seconds, done = seconds + fitted - began, goal
        if goal not in asked:
            continue
        # Ranking draws random numbers too.
        drawn = torch.get_rng_state()
        lists.add(*data.lists(model), seconds, time.perf_counter() - fitted)
        torch.set_rng_state(drawn)
        if lists.enough:
            break


def main(question_path: str, answer_path: str) -> None:
    warnings.simplefilter("ignore")
    question = Question.read(Path(question_path))
    data, lists = Data(question), Lists(question)
    cost: Cost
    with watched() as cost:
        {"ease": ease, "sasrec": sasrec}[question.model](question, data, lists)
    lists.answer(cost.mib).write(Path(answer_path))


if __name__ == "__main__":
    main(*sys.argv[1:])
