"""The search climbs, stays within its budget, and depends on nothing but the data."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
import pytest
from pydantic import Field

from zhiyin.candidates.base import Params
from zhiyin.candidates.popular import WindowedPopularity
from zhiyin.candidates.rules import SequentialRules
from zhiyin.errors import ModelError
from zhiyin.preprocess.splits import Trial, leave_one_out
from zhiyin.search import UNFIT, Found, Search, directions
from zhiyin.testing.fixtures import shop, training_data
from zhiyin.types import TrainingData


class HillParams(Params):
    height: float = Field(4.0, ge=0, le=100)
    """How good it is: best at 1."""
    kind: str = "plain"
    """"best" doubles it."""


class CostlyParams(HillParams):
    exact: bool = True
    """Whether the fit is exact."""


class Hill(WindowedPopularity):
    """Ranks the target higher the closer ``height`` is to 1."""

    name: ClassVar[str] = "hill"
    params_type: ClassVar[type[Params]] = HillParams
    search_space: ClassVar[dict[str, tuple[Any, ...]]] = {
        "height": (0.5, 1.0, 2.0, 4.0, 8.0),
        "kind": ("plain", "best"),
    }
    params: HillParams  # type: ignore[assignment]
    fitted: ClassVar[list[HillParams]] = []

    def fit(self, data: TrainingData) -> Self:
        Hill.fitted.append(self.params)
        if self.params.height == 0.5:
            raise ModelError("no solution")
        self.n_items = data.interactions.n_items
        return self

    def fit_seconds(self, data: TrainingData) -> float:
        return 1.0


def searching(monkeypatch: pytest.MonkeyPatch, budget: float, fixed: dict[str, Any] | None = None) -> Found:
    monkeypatch.setattr(
        "zhiyin.search.validation_score",
        lambda model, *_: 1 / (1 + abs(np.log(model.params.height))) * (2 if model.params.kind == "best" else 1),
    )
    Hill.fitted.clear()
    return Search(Hill, trial(), shop().catalogue, seed=0, budget=budget, filler=None).run(fixed or {}, True)


def trial() -> Trial:
    return leave_one_out(shop().interactions).search()


def test_climbs_to_the_top(monkeypatch: pytest.MonkeyPatch) -> None:
    found = searching(monkeypatch, 1000)
    assert found.params == HillParams(height=1.0, kind="best")
    assert found.score == 2
    assert len(found.trials) == len({repr(one["params"]) for one in found.trials}), "nothing is tried twice"
    assert all(one["NDCG@10"] > UNFIT for one in found.trials), "parameters without a solution are passed over"
    assert HillParams(height=0.5) in Hill.fitted


class Cliff(Hill):
    name: ClassVar[str] = "cliff"
    search_space: ClassVar[dict[str, tuple[Any, ...]]] = {"height": (0.0, 1.0, 2.0, 4.0, 8.0)}


@pytest.mark.parametrize(("without", "best"), [(9.0, 0.0), (0.1, 2.0)])
def test_to_leave_a_part_out_is_tried_across_a_valley(
    monkeypatch: pytest.MonkeyPatch, without: float, best: float
) -> None:
    """At 1 it is worse than at 2, so the climb ends before it comes to 0."""
    scores = {0.0: without, 1.0: 0.2, 2.0: 0.5, 4.0: 0.4, 8.0: 0.3}
    monkeypatch.setattr("zhiyin.search.validation_score", lambda model, *_: scores[model.params.height])
    found = Search(Cliff, trial(), shop().catalogue, seed=0, budget=1000, filler=None).run({}, True)
    assert (found.params, found.score) == (HillParams(height=best), scores[best])


def test_the_budget_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    for budget in (1.0, 3.0, 5.0):
        found = searching(monkeypatch, budget)
        assert len(Hill.fitted) == budget
        assert found.seconds == budget


def test_given_parameters_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    found = searching(monkeypatch, 1000, {"height": 8.0})
    assert found.params == HillParams(height=8.0, kind="best")


def test_a_model_that_never_fits_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ModelError, match="no solution"):
        searching(monkeypatch, 1000, {"height": 0.5})


class Costly(Hill):
    """An exact fit takes ten times as long as a rough one."""

    name: ClassVar[str] = "costly"
    params_type: ClassVar[type[Params]] = CostlyParams
    search_space: ClassVar[dict[str, tuple[Any, ...]]] = {"height": (1.0, 2.0, 4.0, 8.0)}
    params: CostlyParams

    def fit_seconds(self, data: TrainingData) -> float:
        return 10.0 if self.params.exact else 1.0

    def rough(self) -> Params | None:
        return self.params.model_copy(update={"exact": False})


@pytest.mark.parametrize(
    ("budget", "fitted"),
    [
        pytest.param(1000, [True, True, True, True], id="enough for exact ones"),
        pytest.param(20, [False, False, False, False, True], id="rough ones, and an exact one in the end"),
        pytest.param(12, [True], id="too little for both"),
    ],
)
def test_finds_its_way_roughly_where_exact_fits_are_dear(
    monkeypatch: pytest.MonkeyPatch, budget: float, fitted: list[bool]
) -> None:
    monkeypatch.setattr(
        "zhiyin.search.validation_score",
        lambda model, *_: 1 / (1 + abs(np.log(model.params.height))) + 0.01 * model.params.exact,
    )
    Hill.fitted.clear()
    found = Search(Costly, trial(), shop().catalogue, seed=0, budget=budget, filler=None).run({}, True)
    assert [getattr(params, "exact", None) for params in Hill.fitted] == fitted
    assert found.params == CostlyParams(height=1.0 if len(fitted) > 1 else 4.0)
    assert found.seconds <= budget


def test_what_is_given_is_not_made_rough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zhiyin.search.validation_score", lambda model, *_: 1 / (1 + abs(np.log(model.params.height))))
    Hill.fitted.clear()
    Search(Costly, trial(), shop().catalogue, seed=0, budget=20, filler=None).run({"exact": True}, True)
    assert all(getattr(params, "exact", None) for params in Hill.fitted)


def test_directions() -> None:
    assert list(directions(2, (1, 2, 3, 4))) == [[3, 4], [1]]
    assert list(directions("a", ("a", "b", "c"))) == [["b"], ["c"]]
    assert list(directions(30.0, (30.0, 7.0, None))) == [[7.0], [None]]


def test_real_models_and_the_same_twice() -> None:
    ring = [f"步/{step}" for step in range(8)]
    data = training_data({f"u{start}": [ring[(start + step) % 8] for step in range(5)] for start in range(8)})
    split = leave_one_out(data.interactions).search()
    runs = [
        Search(SequentialRules, split, data.catalogue, seed=0, budget=30, filler=None).run({}, True) for _ in range(2)
    ]
    assert runs[0] == runs[1]
    assert runs[0].score > 0.9, "a ring is what sequential rules know best"
