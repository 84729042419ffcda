from __future__ import annotations

from typing import Any, Self

import numpy as np
import pytest

pytest.register_assert_rewrite("zhiyin.testing.models")

from zhiyin.candidates.base import Recommender  # noqa: E402
from zhiyin.candidates.item_knn import ItemKNN  # noqa: E402
from zhiyin.registry import CORE, FILLER, MODELS  # noqa: E402
from zhiyin.testing import models as suite  # noqa: E402
from zhiyin.types import Floats, Histories, Ints, TrainingData  # noqa: E402

PICKY = {"community", "trending"}
"""They ask for links or times, which these checks do not have; their own tests run the same checks."""


@pytest.mark.parametrize("check", suite.CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize(
    "model", [kind for name, kind in MODELS.items() if name not in PICKY], ids=lambda kind: kind.name
)
def test_model(model: type[Recommender], check: suite.Check) -> None:
    check(model)


def test_names() -> None:
    assert {CORE, FILLER} | PICKY <= set(MODELS)
    assert all(model.name == name for name, model in MODELS.items())


class ShowsSeen(ItemKNN):
    def top_k(self, histories: Histories, k: int, **options: Any) -> tuple[Ints, Floats]:
        return super().top_k(histories, k, **{**options, "exclude_seen": False})


class Moody(ItemKNN):
    fits = 0

    def fit(self, data: TrainingData) -> Self:
        Moody.fits += 1
        super().fit(data).matrix.data += Moody.fits
        return self


class Vandal(ItemKNN):
    def fit(self, data: TrainingData) -> Self:
        super().fit(data)
        data.interactions.histories.weights[:] = 9
        return self


class Mute(ItemKNN):
    def event_weights(self, histories: Histories) -> Floats:
        return np.zeros(len(histories.items), dtype=np.float32)


class Miscounts(ItemKNN):
    def contributions(self, history: Histories, item: int) -> Floats:
        return super().contributions(history, item) * 2


@pytest.mark.parametrize(
    ("broken", "check"),
    [
        (ShowsSeen, suite.check_seen_and_forbidden_stay_out),
        (Moody, suite.check_fits_alike_twice),
        (Moody, suite.check_ids_do_not_matter),
        (Mute, suite.check_says_something),
        (Miscounts, suite.check_contributions),
    ],
)
def test_suite_catches(broken: type[Recommender], check: suite.Check) -> None:
    with pytest.raises(AssertionError):
        check(broken)


def test_suite_hands_out_read_only_data() -> None:
    with pytest.raises(ValueError, match="read-only"):
        suite.check_leaves_data_alone(Vandal)
