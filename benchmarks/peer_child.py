"""What crosses between Zhiyin and a peer in an environment of its own: a question and an answer, as ``.npz`` files.

Needs nothing but the standard library and numpy, of any version: both sides read it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

Array = Any


@dataclass(frozen=True)
class Question:
    """Fit ``model`` with ``params`` on the training events, and rank for those who ask.

    Events come as three aligned arrays (``users``, ``items``, ``weights``), each user's in order of time. ``along``
    names a parameter that takes each of ``values`` in turn, one answer for each; a model may get from one value to the
    next without a new fit. ``rows_in_training`` [n_asked] is the training user who asks, -1 for somebody new.
    ``allowed`` are the item rows that may come out. With ``targets`` (users, items; validation events, never test) a
    model that learns in epochs stops where ``patience`` values in a row bring nothing."""

    model: str
    params: dict[str, Any]
    train: tuple[Array, Array, Array]
    asked: tuple[Array, Array, Array]
    rows_in_training: Array
    n_items: int
    allowed: Array
    k: int
    exclude_seen: bool
    seed: int
    along: str = ""
    values: list[Any] = field(default_factory=lambda: [None])
    targets: tuple[Array, Array] | None = None
    patience: int = 0

    @property
    def n_asked(self) -> int:
        return len(self.rows_in_training)

    def with_value(self, value: Any) -> dict[str, Any]:
        return {**self.params, self.along: value} if self.along else dict(self.params)

    def write(self, path: Path) -> None:
        arrays = {f"train_{place}": array for place, array in enumerate(self.train)}
        arrays |= {f"asked_{place}": array for place, array in enumerate(self.asked)}
        arrays |= {f"targets_{place}": array for place, array in enumerate(self.targets or ())}
        names = ("model", "params", "n_items", "k", "exclude_seen", "seed", "along", "values", "patience")
        about = json.dumps({name: getattr(self, name) for name in names})
        np.savez(path, about=np.array(about), rows_in_training=self.rows_in_training, allowed=self.allowed, **arrays)

    @staticmethod
    def read(path: Path) -> Question:
        with np.load(path) as given:
            return Question(
                **json.loads(str(given["about"])),
                train=(given["train_0"], given["train_1"], given["train_2"]),
                asked=(given["asked_0"], given["asked_1"], given["asked_2"]),
                rows_in_training=given["rows_in_training"],
                allowed=given["allowed"],
                targets=(given["targets_0"], given["targets_1"]) if "targets_0" in given else None,
            )


@dataclass(frozen=True)
class Answer:
    """One list per value answered, in the order of ``Question.values`` (fewer where patience ended): ``rows``
    [values, n_asked, k], -1 for none, best first, and ``scores``. ``fit_seconds`` and ``list_seconds`` [values] are
    what fitting up to that value and ranking for all took, ``mib`` the peak of memory of it all."""

    rows: Array
    scores: Array
    fit_seconds: Array
    list_seconds: Array
    mib: float

    def write(self, path: Path) -> None:
        np.savez(
            path,
            rows=self.rows,
            scores=self.scores,
            fit_seconds=self.fit_seconds,
            list_seconds=self.list_seconds,
            mib=self.mib,
        )

    @staticmethod
    def read(path: Path) -> Answer:
        with np.load(path) as given:
            seconds = given["fit_seconds"], given["list_seconds"]
            return Answer(given["rows"], given["scores"], *seconds, float(given["mib"]))


class Lists:
    """The answer as it grows; ends early where patience does."""

    def __init__(self, question: Question) -> None:
        self._question = question
        self._rows: list[Array] = []
        self._scores: list[Array] = []
        self._seconds: list[tuple[float, float]] = []
        self._reached: list[float] = []

    def add(self, rows: Array, scores: Array, fit_seconds: float, list_seconds: float) -> None:
        """``rows`` and ``scores`` [n_asked, k]."""
        self._rows.append(rows.astype(np.int32))
        self._scores.append(scores.astype(np.float32))
        self._seconds.append((fit_seconds, list_seconds))
        if self._question.targets is not None:
            self._reached.append(gain(rows, *self._question.targets, self._question.n_items))

    @property
    def enough(self) -> bool:
        if not self._question.patience or not self._reached:
            return False
        return len(self._reached) - 1 - int(np.argmax(self._reached)) >= self._question.patience

    def answer(self, mib: float) -> Answer:
        fit_seconds, list_seconds = np.array(self._seconds, dtype=np.float64).T
        return Answer(np.stack(self._rows), np.stack(self._scores), fit_seconds, list_seconds, mib)


def gain(rows: Array, users: Array, items: Array, n_items: int) -> float:
    """Mean discounted gain of the lists, to tell when to stop; figures that are shown come from Zhiyin's metrics."""
    wanted = np.isin(np.arange(len(rows))[:, None] * n_items + rows, users.astype(np.int64) * n_items + items)
    return float(((wanted & (rows >= 0)) / np.log2(np.arange(rows.shape[1]) + 2.0)).sum() / max(1, len(rows)))


def best_of(scores: Array, seen: Array, allowed: Array, k: int) -> tuple[Array, Array]:
    """The best ``k`` of one user's ``scores`` [n_items] (NaN: nothing to say) among the rows ``allowed``, without those
    ``seen``: rows and scores, -1 and -inf at the end where there are fewer."""
    kept = np.full(len(scores), -np.inf, dtype=np.float32)
    kept[allowed] = np.nan_to_num(scores[allowed], nan=-np.inf)
    kept[seen] = -np.inf
    order = np.argsort(-kept, kind="stable")[:k]
    rows = np.where(np.isfinite(kept[order]), order, -1)
    return rows, np.where(rows >= 0, kept[order], -np.inf)
