"""The model for short histories, and who is asked about whom."""

from __future__ import annotations

import numpy as np
import pytest

pytest.register_assert_rewrite("zhiyin.testing.models")

from zhiyin.candidates.fill import Filled  # noqa: E402
from zhiyin.candidates.linear import LinearCore  # noqa: E402
from zhiyin.candidates.popular import WindowedPopularity  # noqa: E402
from zhiyin.candidates.rules import rule_matrix  # noqa: E402
from zhiyin.candidates.short import ByLength, ShortCore  # noqa: E402
from zhiyin.testing import models as suite  # noqa: E402
from zhiyin.testing.fixtures import chain, shop  # noqa: E402
from zhiyin.types import Histories  # noqa: E402


@pytest.mark.parametrize("check", suite.CHECKS, ids=lambda check: check.__name__)
def test_model(check: suite.Check) -> None:
    check(ShortCore)


def test_backward_rules_by_hand() -> None:
    # 0 1 2 with weights 1 2 4, and 0 1: rules lead from later to earlier, support of 1 is 2 + 1, of 2 is 4.
    histories = Histories.of([[0, 1, 2], [0, 1]], weights=[[1, 2, 4], [1, 1]])
    back = rule_matrix(histories, 3, shrink=1.0, backward=True).toarray()
    assert back == pytest.approx(np.array([[0, 0, 0], [(1 + 1) / 4, 0, 0], [0.5 / 5, 2 / 5, 0]]))
    ahead = rule_matrix(histories, 3, shrink=1.0).toarray()
    assert ahead[2].tolist() == [0, 0, 0]
    assert ahead[0].tolist() == pytest.approx([0, 3 / 3, 2 / 3])


def test_backward_reaches_what_came_before() -> None:
    data = chain()
    last = data.interactions.histories.items[data.interactions.histories.indptr[1] - 1]
    asked = Histories.of([[int(last)]])
    plain = LinearCore(rules=0.0, backward=0.0).fit(data).score(asked)
    assert np.array_equal(plain, LinearCore(rules=0.0).fit(data).score(asked))
    back = LinearCore(rules=0.0, backward=4.0).fit(data).score(asked)
    assert (back >= plain).all()
    assert (back > plain).any()


def test_nothing_is_solved_again(monkeypatch: pytest.MonkeyPatch) -> None:
    data = shop()
    core = LinearCore().fit(data)
    monkeypatch.setattr("zhiyin.candidates.linear.solve", None)
    short = ShortCore.beside(core, core.params.model_copy(update={"trend": 0.4, "decay": 1.0})).fit(data)
    assert short.base is not None
    again = ShortCore.beside(core, core.params).fit(data)
    assert np.array_equal(again.matrix.toarray(), core.matrix.toarray())


def test_each_length_is_asked_of_its_own_model() -> None:
    data = shop()
    filler = WindowedPopularity().fit(data)
    long, short = (Filled(LinearCore(decay=decay).fit(data), filler) for decay in (1.0, 0.1))
    both = ByLength(long, short, most=2)
    asked = Histories.of([[0, 1, 2], [], [3], [5, 4], [0, 3, 4, 1]])
    rows, scores = both.top_k(asked, 4)
    for place, model in enumerate((long, long, short, short, long)):
        expected = model.top_k(asked.slice(place, place + 1), 4)
        assert rows[place].tolist() == expected[0][0].tolist()
        assert scores[place].tolist() == pytest.approx(expected[1][0].tolist())
        assert both.of(asked.slice(place, place + 1)) is model
    assert both.top_k(asked.slice(0, 0), 4)[0].shape == (0, 4)
