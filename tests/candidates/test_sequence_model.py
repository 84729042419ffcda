from __future__ import annotations

import sys
from functools import partial

import numpy as np
import pytest

pytest.register_assert_rewrite("zhiyin.testing.models")

from zhiyin.candidates.sequence import SequenceModel  # noqa: E402
from zhiyin.candidates.sequence.model import TAKEN_OUT  # noqa: E402
from zhiyin.errors import ModelError  # noqa: E402
from zhiyin.testing import models as suite  # noqa: E402
from zhiyin.testing.fixtures import NEW_TEA, NO_TEXT, TEAPOT, shop, training_data  # noqa: E402
from zhiyin.types import Histories, TrainingData  # noqa: E402

RING = ["茶/a", "b b", 'c"c', "d,d", "e🫖", "f"]
small = partial(SequenceModel, factors=8, negatives=16, members=1)


def ring(seed: int = 0, times: int = 4) -> TrainingData:
    """After each item of the ring comes the next: everyone takes four in a row, from every item there are starts."""
    return training_data(
        {
            f"用户 {turn}/{start}": [RING[(start + step) % 6] for step in range(4)]
            for start in range(6)
            for turn in range(times)
        },
        items=RING,
        seed=seed,
    )


@pytest.mark.parametrize("check", suite.CHECKS, ids=lambda check: check.__name__)
def test_conformance(check: suite.Check) -> None:
    pytest.importorskip("torch", reason="the sequence model is learned with torch")
    check(small)


def test_what_comes_next() -> None:
    model = SequenceModel().fit(ring())
    rows, _ = model.top_k(Histories.of([[row] for row in range(6)]), 1)
    assert rows.ravel().tolist() == [1, 2, 3, 4, 5, 0]
    rows, _ = model.top_k(Histories.of([[(row - 1) % 6, row] for row in range(6)]), 1)
    assert rows.ravel().tolist() == [1, 2, 3, 4, 5, 0]


def test_two_circles() -> None:
    """Everybody stays with the items of one parity, wherever they begin."""
    names = [f"item {item}" for item in range(12)]
    data = training_data(
        {f"user {start}": [names[(start + 2 * step) % 12] for step in range(5)] for start in range(12)}, items=names
    )
    rows, _ = SequenceModel().fit(data).top_k(data.interactions.histories, 1)
    assert (rows.ravel() % 2).tolist() == [user % 2 for user in range(12)]


def test_order_counts() -> None:
    model = SequenceModel().fit(ring())
    there, back = model.score(Histories.of([[0, 1], [1, 0]]))
    assert there.argmax() == 2
    assert back.argmax() != 2


def test_an_item_without_events_is_known_by_its_text() -> None:
    data = shop()
    items = data.interactions.items
    scores = SequenceModel().fit(data).score(data.interactions.histories)
    assert (scores[:, items.row(NEW_TEA)] != 0).all()
    tea, audio = data.interactions.users.row("anna o'neil"), data.interactions.users.row("bob")
    assert scores[tea, items.row(NEW_TEA)] > scores[audio, items.row(NEW_TEA)]


def test_newcomers() -> None:
    data = shop()
    vectors = data.catalogue.vectors
    assert vectors is not None
    model = small().fit(data)
    like_the_pot = vectors[[data.interactions.items.row(TEAPOT)]]
    grown = model.with_newcomers(vectors, np.concatenate((like_the_pot, np.zeros((1, 3), dtype=np.float32))))
    assert (model.n_items, grown.n_items) == (8, 10)
    histories = suite.asked()
    before, after = model.score(histories), grown.score(histories)
    assert np.allclose(after[:, :8], before, atol=1e-5)
    assert after[1:, 8].all()
    assert not after[:, 9].any(), "nothing is known of an item without a text"
    assert np.isfinite(grown.score(Histories.of([[8], [9, 8, 0]]))).all()
    again = small().restore(grown.arrays())
    assert np.array_equal(again.score(histories), after)


def test_without_texts_newcomers_are_unknown() -> None:
    model = small().fit(ring())
    assert model.with_newcomers(np.zeros((6, 3), dtype=np.float32), np.ones((1, 3), dtype=np.float32)) is model


def test_nothing_to_say() -> None:
    data = shop()
    model = small().fit(data)
    assert not model.score(Histories.of([[]])).any()
    bare = training_data({"a": ["x", "y"], "b": ["y", "x"]}, items=["x", "y", "nobody"])
    assert not small().fit(bare).score(Histories.of([[0], [1]]))[:, 2].any()
    alone = training_data({"a": ["x"], "b": ["y"]})
    assert not small().fit(alone).score(Histories.of([[0], [1]])).any(), "nobody took one item after another"


def test_seeds() -> None:
    one, same, other = (small().fit(ring(seed)).score(Histories.of([[0]])) for seed in (1, 1, 2))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


def test_members_are_averaged() -> None:
    both = small(members=2).fit(ring())
    histories = Histories.of([[0], [3, 4]])
    parts = []
    for member in range(2):
        alone = {f"0.{name[2:]}": array for name, array in both.arrays().items() if name.startswith(f"{member}.")}
        parts.append(small().restore(alone).score(histories))
    assert not np.allclose(parts[0], parts[1])
    assert both.score(histories) == pytest.approx((parts[0] + parts[1]) / 2, abs=1e-5)


def test_what_an_event_pulls_is_what_is_lost_without_it() -> None:
    model = small(length=4).fit(shop())
    history = Histories.of([[5, 0, 1, 3, 2]])
    lost = model.contributions_to(history, np.array([3, 7], dtype=np.int32))
    whole, without = model.score(Histories.of([[0, 1, 3, 2], [0, 1, 2]]))
    assert lost.shape == (2, 5)
    assert lost[0, 3] == pytest.approx(whole[3] - without[3], abs=1e-5)
    assert not lost[:, 0].any(), "an event beyond the length plays no part"
    one = model.contributions(Histories.of([[4]]), 3)
    assert one == pytest.approx(model.score(Histories.of([[4]]))[:, 3], abs=1e-6)


def test_long_histories_are_explained_by_their_latest_events() -> None:
    model = small().fit(shop())
    lost = model.contributions_to(Histories.of([[0, 1, 2, 3, 4] * 60]), np.array([5], dtype=np.int32))
    assert lost.shape == (1, 300)
    assert not lost[:, : 300 - TAKEN_OUT].any()
    assert lost[:, 300 - TAKEN_OUT :].any()


def test_heads_must_divide_factors() -> None:
    with pytest.raises(ModelError, match="8 factors among 3 heads"):
        small(heads=3).fit(shop())


def test_without_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = small().fit(shop())
    for name in [name for name in sys.modules if name.startswith("zhiyin.candidates.sequence.")]:
        if name.endswith((".training", ".network")):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.delattr("zhiyin.candidates.sequence.training", raising=False)
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ModelError, match="make install-llm"):
        small().fit(shop())
    histories = suite.asked()
    assert np.array_equal(small().restore(kept.arrays()).score(histories), kept.score(histories))


def test_more_costs_more() -> None:
    data = shop()
    assert SequenceModel(epochs=400).fit_seconds(data) > SequenceModel().fit_seconds(data) > 0
    assert SequenceModel(members=3).fit_seconds(data) > SequenceModel().fit_seconds(data)


def test_few_events_are_trusted_less() -> None:
    """With much trust in events an item keeps what was learned of it; with none, its text alone says where it is."""
    data = shop()
    learned, between, told = (small(trust=trust).fit(data).arrays()["0.items"] for trust in (0.0, 3.0, 10_000.0))
    counts = np.bincount(data.interactions.histories.items, minlength=8)
    share = (counts / (counts + 3.0))[:6, None]
    limit = (counts / (counts + 10_000.0))[:6, None]
    text = (told[:6] - limit * learned[:6]) / (1 - limit)
    assert between[:6] == pytest.approx(share * learned[:6] + (1 - share) * text, abs=1e-3)
    no_text = data.interactions.items.row(NO_TEXT)
    assert np.array_equal(learned[no_text], told[no_text])


def test_fame_raises_what_few_have_taken() -> None:
    """Half of all go on to the famous item, half to one of many rare ones."""
    names = ["start", "famous", *(f"rare {item}" for item in range(10))]
    people = {f"user {user}": ["start", "famous" if user % 2 else names[2 + user // 2 % 10]] for user in range(80)}
    data = training_data(people, items=names)
    gaps = []
    for fame in (0.0, 1.0):
        scores = small(fame=fame, averaging=0.9).fit(data).score(Histories.of([[0]]))[0]
        gaps.append(scores[1] - scores[2:].mean())
    assert gaps[0] > gaps[1]
