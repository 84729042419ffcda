"""The space of a model: between its own values, by its own fields."""

from __future__ import annotations

from typing import Literal

import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from zhiyin.candidates.base import Params, Recommender
from zhiyin.registry import MODELS
from zhiyin.tuning.space import Options, Scale, places_of, space_of, suggest, values_at


class TeaParams(Params):
    grams: float = Field(3.0, ge=0, le=100)
    cups: int = Field(2, ge=1, le=100)
    days: float | None = 30.0
    sort: Literal["绿茶", "红茶"] = "绿茶"
    alone: float = 1.0


SEARCHED = {
    "grams": (3.0, 0.0, 1.0, 9.0),
    "cups": (2, 1, 16),
    "days": (30.0, 7.0, None),
    "sort": ("绿茶", "红茶"),
    "alone": (1.0,),
}
RISING = st.lists(st.floats(0, 1e6, allow_subnormal=False), min_size=2, max_size=6, unique=True).map(
    lambda values: tuple(sorted(float(f"{value:.3g}") for value in values))
)
SCALES = RISING.filter(lambda values: len(set(values)) == len(values)).map(Scale)


def test_by_eye() -> None:
    space = space_of(TeaParams, SEARCHED)
    assert space["grams"] == Scale((0.0, 1.0, 3.0, 9.0))
    assert space["cups"] == Scale((1, 2, 16), whole=True)
    assert space["days"] == Scale((7.0, 30.0)), "a settings file has no word for None"
    assert space["sort"] == Options(("绿茶", "红茶"))
    assert "alone" not in space, "one value is nothing to search"
    grams, cups = space["grams"], space["cups"]
    assert isinstance(grams, Scale)
    assert isinstance(cups, Scale)
    assert grams.at(0.5) == 0.5, "equal steps from 0"
    assert grams.at(2.5) == 5.2, "equal ratios elsewhere: the square root of 3 x 9"
    assert grams.at(3) == 9.0
    assert (cups.at(1.5), type(cups.at(1.5))) == (6, int)
    assert grams.place(1000.0) == 3


def test_what_is_given_is_not_searched() -> None:
    assert list(space_of(TeaParams, SEARCHED, fixed=["grams", "sort"])) == ["cups", "days"]


def test_the_nearest_point() -> None:
    space = space_of(TeaParams, SEARCHED, stepped=["grams"])
    places = places_of(space, TeaParams(grams=2.5, cups=2, days=None, sort="红茶"))
    assert places == {"grams": 2, "cups": 1.0, "days": 1.0, "sort": "红茶"}, "None is beyond the longest window"
    assert values_at(space, places) == {"grams": 3.0, "cups": 2, "days": 30.0, "sort": "红茶"}


@given(scale=SCALES, share=st.floats(0, 1), other=st.floats(0, 1))
def test_a_scale_rises_between_its_ends_and_can_be_read_back(scale: Scale, share: float, other: float) -> None:
    last = len(scale.values) - 1
    low, high = sorted((scale.at(share * last), scale.at(other * last)))
    assert scale.values[0] <= low <= high <= scale.values[-1]
    if share <= other:
        assert scale.at(share * last) <= scale.at(other * last)
    assert 0 <= scale.place(low) <= last
    assert scale.at(scale.place(low)) == pytest.approx(low, rel=0.011, abs=1e-300)
    assert [scale.at(place) for place in range(last + 1)] == list(scale.values)
    assert [scale.at(scale.place(value)) for value in scale.values] == pytest.approx(list(scale.values))


@pytest.mark.parametrize("kind", MODELS.values(), ids=lambda kind: kind.name)
def test_every_point_is_a_set_of_parameters(kind: type[Recommender]) -> None:
    space = space_of(kind.params_type, kind.search_space)
    for seed in range(20):
        study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=seed))
        values = values_at(space, suggest(space, study.ask()))
        params = kind.make_params(values)
        assert {name: getattr(params, name) for name in space} == values
    assert set(space) <= set(kind.search_space)
    assert values_at(space, places_of(space, kind.make_params({}))).keys() == space.keys()
