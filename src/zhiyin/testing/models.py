"""What every model must do, as checks that take a way to make one: a class, or a function without arguments.

@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_my_model(check):
    check(MyModel)
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zhiyin.candidates.base import Params, Recommender
from zhiyin.candidates.topn import best_of
from zhiyin.errors import ConfigError, ModelError, ZhiyinError
from zhiyin.testing.fixtures import NEW_TEA, chain, shop, training_data
from zhiyin.types import Histories, IdMap, Interactions, TrainingData

Make = Callable[[], Recommender]
Check = Callable[[Make], None]


def asked() -> Histories:
    """People who were not in training: an empty history, one item, a cold item, a repeated item, everything."""
    n = shop().interactions.n_items
    return Histories.of(
        [[], [0], [shop().interactions.items.row(NEW_TEA)], [0, 3, 0], [5, 4, 2, 1], list(range(n))],
        weights=[[], [1], [2], [1, 0.5, 3], [1, 1, 1, 1], [1] * n],
    )


def crowd() -> Histories:
    """Enough people that a model may answer them by another way than a few."""
    few = asked()
    return few.take(np.arange(200) % len(few))


def check_needs_fit(make: Make) -> None:
    model, history = make(), Histories.of([[0]])
    assert _raises(ModelError, model.score, history), "score before fit must raise ModelError"
    assert _raises(ModelError, model.top_k, history, 3), "top_k before fit must raise ModelError"
    assert _raises(ModelError, model.contributions, history, 0), "contributions before fit must raise ModelError"
    assert _raises(ModelError, model.arrays), "arrays before fit must raise ModelError"


def check_scores(make: Make) -> None:
    data = shop()
    model = make()
    assert model.fit(data) is model, "fit must return the model"
    assert model.n_items == data.interactions.n_items, "fit must set n_items"
    for histories in (asked(), crowd(), data.interactions.histories):
        scores = model.score(histories)
        assert scores.shape == (len(histories), model.n_items), f"score has shape {scores.shape}"
        assert scores.dtype == np.float32, f"score is {scores.dtype}"
        assert np.isfinite(scores).all(), "score must be finite"
    assert model.score(asked().slice(0, 0)).shape == (0, model.n_items), "nobody asked, nobody answered"


def check_lists_follow_scores(make: Make) -> None:
    """``top_k`` gives exactly what sorting ``score`` would, whatever the number of people, k and what is allowed."""
    model = make().fit(shop())
    allowed = np.ones(model.n_items, dtype=np.bool_)
    allowed[[1, 4]] = False
    for histories in (asked(), crowd()):
        for k in (1, 3, model.n_items, model.n_items + 5):
            for exclude in (True, False):
                for mask in (None, allowed, np.ones_like(allowed), np.zeros_like(allowed)):
                    expected = model.score(histories)
                    if exclude:
                        expected[histories.owners(), histories.items] = -np.inf
                    if mask is not None:
                        expected[:, ~mask] = -np.inf
                    rows, scores = model.top_k(histories, k, exclude_seen=exclude, allowed=mask)
                    wanted, values = best_of(expected, k)
                    case = f"k={k}, exclude_seen={exclude}, allowed={None if mask is None else mask.astype(int)}"
                    assert rows.dtype == np.int32, f"rows are {rows.dtype}"
                    assert scores.dtype == np.float32, f"scores are {scores.dtype}"
                    assert np.array_equal(rows, wanted), f"{case}: {rows} instead of {wanted}"
                    assert np.array_equal(scores, values), f"{case}: {scores} instead of {values}"
    assert _raises(ModelError, model.top_k, asked(), 0), "k = 0 must raise ModelError"


def check_seen_and_forbidden_stay_out(make: Make) -> None:
    model = make().fit(shop())
    allowed = np.arange(model.n_items) % 2 == 0
    for histories in (asked(), crowd()):
        rows, scores = model.top_k(histories, model.n_items + 2, allowed=allowed)
        assert rows.shape == (len(histories), model.n_items + 2), f"rows have shape {rows.shape}"
        for user in range(len(histories)):
            seen = set(histories.items[histories.indptr[user] : histories.indptr[user + 1]].tolist())
            given = [row for row in rows[user].tolist() if row >= 0]
            assert not seen & set(given), f"seen items {seen & set(given)} came back"
            assert all(allowed[given]), "items that are not allowed came out"
            assert len(set(given)) == len(given), "an item came twice"
            assert (rows[user, len(given) :] == -1).all(), "rows must end in -1"
            assert (scores[user, len(given) :] == -np.inf).all(), "scores must end in -inf"


def check_says_something(make: Make) -> None:
    """A model that says nothing of anyone passes every other check."""
    data = shop()
    rows, _ = make().fit(data).top_k(data.interactions.histories, 3)
    assert (rows[:, 0] >= 0).any(), "nobody gets a recommendation"


def check_one_by_one(make: Make) -> None:
    model = make().fit(shop())
    for histories in (asked(), crowd()):
        together = model.score(histories)
        for user in range(len(asked())):
            alone = model.score(histories.slice(user, user + 1))[0]
            assert np.allclose(alone, together[user], rtol=1e-4, atol=1e-5), "a batch must score like its people alone"


def check_known_users(make: Make) -> None:
    """The row of a known user may be used or not, but must be accepted, and -1 as well."""
    data = shop()
    model = make().fit(data)
    stranger = replace(data.interactions.histories, users=np.full(data.interactions.n_users, -1, dtype=np.int32))
    for histories in (data.interactions.histories, stranger):
        assert np.isfinite(model.score(histories)).all(), "score must be finite"
        assert model.top_k(histories, 2)[0].shape == (data.interactions.n_users, 2)


def check_refuses_rows_outside_the_catalogue(make: Make) -> None:
    model = make().fit(shop())
    for outside in (-1, model.n_items):
        for histories in (Histories.of([[0, outside]]), Histories.of([[outside]] * 200)):
            assert _raises(ModelError, model.score, histories), f"score took item row {outside}"
            assert _raises(ModelError, model.top_k, histories, 2), f"top_k took item row {outside}"
        one = Histories.of([[outside]])
        assert _raises(ModelError, model.contributions, one, 0), f"contributions took item row {outside}"


def check_tiny_catalogues(make: Make) -> None:
    vector = {"唯一/one": [1.0, 0.0]}
    for data in (
        training_data({"a": ["唯一/one"], "b": ["唯一/one"]}, vectors=vector),
        training_data({"a": ["唯一/one"]}, vectors=vector),
        training_data({"only": ["x", "唯一/one"]}, vectors={**vector, "x": [0.6, 0.8]}),
    ):
        model = make().fit(data)
        n = data.interactions.n_items
        assert np.isfinite(model.score(Histories.of([[], [0]]))).all(), "score must be finite"
        rows, _ = model.top_k(Histories.of([list(range(n))]), 3)
        assert (rows == -1).all(), "everything was seen, so nothing can be recommended"


def check_no_events(make: Make) -> None:
    """Without a single event a model says so with an error of ours, or fits and answers."""
    data = training_data({}, items=["a", "b"], vectors={"a": [1.0, 0.0], "b": [0.6, 0.8]})
    try:
        model = make().fit(data)
    except ZhiyinError:
        return
    assert np.isfinite(model.score(Histories.of([[], [0]]))).all(), "score must be finite"


def check_ids_do_not_matter(make: Make) -> None:
    data = shop()
    plain = Interactions(
        IdMap([str(row) for row in range(data.interactions.n_users)]),
        IdMap([str(row) for row in range(data.interactions.n_items)]),
        data.interactions.histories,
    )
    _same(make().fit(data), make().fit(replace(data, interactions=plain)))


def check_fits_alike_twice(make: Make) -> None:
    _same(make().fit(shop()), make().fit(shop()))
    _same(make().fit(chain_with_vectors()).fit(shop()), make().fit(shop()))


def check_survives_storage(make: Make) -> None:
    """What ``arrays`` gives goes to disk, comes back read-only and mapped, and answers the same."""
    model = make().fit(shop())
    with tempfile.TemporaryDirectory() as folder:
        mapped: dict[str, NDArray[Any]] = {}
        for name, array in model.arrays().items():
            np.save(Path(folder) / f"{name}.npy", array, allow_pickle=False)
            mapped[name] = np.load(Path(folder) / f"{name}.npy", mmap_mode="r")
        back = make()
        assert back.restore(mapped) is back, "restore must return the model"
        _same(model, back)
        del back, mapped


def check_contributions(make: Make) -> None:
    model = make().fit(shop())
    histories = asked()
    scores = model.score(histories)
    for user in range(len(histories)):
        history = histories.slice(user, user + 1)
        for item in range(model.n_items):
            parts = model.contributions(history, item)
            assert parts.shape == history.items.shape, f"{parts.shape} contributions for {history.items.shape} events"
            assert np.isfinite(parts).all(), "contributions must be finite"
            if model.additive:
                assert np.isclose(parts.sum(), scores[user, item], rtol=1e-3, atol=1e-4), (
                    f"contributions sum to {parts.sum()}, the score is {scores[user, item]}"
                )


def check_leaves_data_alone(make: Make) -> None:
    """Training data and histories may be read-only, and are the same afterwards."""
    data, histories, allowed = shop(), crowd(), np.ones(shop().interactions.n_items, dtype=np.bool_)
    held: list[NDArray[Any]] = [
        array
        for part in (data.interactions.histories, histories)
        for array in (part.indptr, part.items, part.weights, part.times, part.users)
    ]
    vectors = data.catalogue.vectors
    assert vectors is not None
    held += [vectors, data.catalogue.hidden, allowed]
    before = [array.copy() for array in held]
    for array in held:
        array.flags.writeable = False
    model = make().fit(data)
    model.score(histories)
    model.top_k(histories, 3, allowed=allowed)
    model.top_k(histories.slice(0, 3), 3, allowed=allowed)
    model.contributions(histories.slice(3, 4), 1)
    assert all(np.array_equal(old, new) for old, new in zip(before, held, strict=True)), "inputs were changed"


def check_parameters(make: Make) -> None:
    """Parameters are documented and bounded; unknown names and values out of bounds are refused."""
    kind = type(make())
    assert issubclass(kind.params_type, Params)
    assert kind.name, "a model needs a name"
    assert _raises(ConfigError, kind.make_params, {"no_such_parameter": 1}), "an unknown parameter was taken"
    for name, field in kind.params_type.model_fields.items():
        assert field.description, f"parameter {name} has no docstring"
        outside = [value for bound in field.metadata for value in _beyond(bound)]
        if any(number in str(field.annotation) for number in ("int", "float")):
            assert len(outside) >= 2, f"parameter {name} needs a lower and an upper bound"
        for value in outside:
            assert _raises(ConfigError, kind.make_params, {name: value}), f"{name}={value} was taken"
        assert _raises(ConfigError, kind.make_params, {name: object()}), f"{name} takes anything"
    for name, values in kind.search_space.items():
        assert name in kind.params_type.model_fields, f"the search knows parameter {name}, the model does not"
        assert len(set(values)) == len(values) > 1, f"{name}: nothing to search in {values}"
        for value in values:
            kind.make_params({name: value})


CHECKS: list[Check] = [
    check_needs_fit,
    check_scores,
    check_lists_follow_scores,
    check_seen_and_forbidden_stay_out,
    check_says_something,
    check_one_by_one,
    check_known_users,
    check_refuses_rows_outside_the_catalogue,
    check_tiny_catalogues,
    check_no_events,
    check_ids_do_not_matter,
    check_fits_alike_twice,
    check_survives_storage,
    check_contributions,
    check_leaves_data_alone,
    check_parameters,
]


def chain_with_vectors() -> TrainingData:
    data = chain()
    vectors = np.eye(data.interactions.n_items, 4, dtype=np.float32)
    return replace(data, catalogue=replace(data.catalogue, vectors=vectors))


def _same(one: Recommender, other: Recommender) -> None:
    """Both learned the same and answer the same, to the last bit."""
    first, second = one.arrays(), other.arrays()
    assert list(first) == list(second), f"arrays {list(first)} and {list(second)}"
    for name in first:
        assert np.array_equal(first[name], second[name]), f"array {name} differs"
    for histories in (asked(), crowd()):
        assert np.array_equal(one.score(histories), other.score(histories)), "scores differ"
        for left, right in zip(one.top_k(histories, 4), other.top_k(histories, 4), strict=True):
            assert np.array_equal(left, right), "lists differ"
    history = asked().slice(4, 5)
    assert np.array_equal(one.contributions(history, 0), other.contributions(history, 0)), "contributions differ"


def _beyond(bound: Any) -> list[float]:
    """Values just outside one bound of a parameter."""
    inside = {"ge": -1, "le": 1, "gt": 0, "lt": 0}
    return [getattr(bound, name) + step for name, step in inside.items() if hasattr(bound, name)]


def _raises(error: type[Exception], call: Callable[..., Any], *arguments: Any) -> bool:
    try:
        call(*arguments)
    except error:
        return True
    return False
