"""Choosing the model for short histories: histories cut by hand, and a choice that only a real gain passes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from zhiyin.candidates.fill import Filled
from zhiyin.candidates.linear import LinearCore
from zhiyin.candidates.popular import WindowedPopularity
from zhiyin.preprocess.splits import Trial
from zhiyin.short import FEWEST, choose_short, cut_short, halves, last_events, per_person, with_last
from zhiyin.testing.fixtures import training_data
from zhiyin.types import Histories, TrainingData

PAIRS = 20


def rows(histories: Histories) -> list[list[int]]:
    return [
        histories.items[low:high].tolist() for low, high in zip(histories.indptr, histories.indptr[1:], strict=False)
    ]


def pairs(people: int) -> TrainingData:
    """Items belong together in pairs, and everybody takes the left one of a pair before the right one."""
    random = np.random.default_rng(5)
    items = [name for pair in range(PAIRS) for name in (f"左/{pair}", f"right {pair}")]
    histories = {
        f"人 {person}/x": [items[2 * pair + side] for pair in random.permutation(PAIRS)[:3] for side in (0, 1)]
        for person in range(people)
    }
    return training_data(histories, items=items)


def trial(data: TrainingData, *, left: bool) -> Trial:
    """New people who have one right item, and take the left one of its pair next, or any item."""
    random = np.random.default_rng(6)
    n = data.interactions.n_users
    pair = random.integers(0, PAIRS, n)
    wanted = 2 * pair if left else 2 * ((pair + 1 + random.integers(0, PAIRS - 1, n)) % PAIRS)
    asked = Histories.of([[2 * int(one) + 1] for one in pair])
    targets = Histories.of([[int(one)] for one in wanted])
    return Trial("validation", "strict", data.interactions, data.now, np.arange(n, dtype=np.int32), asked, targets)


def core(data: TrainingData) -> LinearCore:
    return LinearCore(regularisation=1e6, rules=1.0).fit(data)  # so high a penalty leaves the rules alone


def test_last_events_by_hand() -> None:
    histories = Histories.of([[1, 2, 3, 4], [], [5]], weights=[[1, 2, 3, 4], [], [5]], users=[7, 8, 9])
    cut = last_events(histories, 2)
    assert rows(cut) == [[3, 4], [], [5]]
    assert cut.weights.tolist() == [3, 4, 5]
    assert cut.users.tolist() == [7, 8, 9]
    assert rows(last_events(histories, 9)) == [[1, 2, 3, 4], [], [5]]


def test_everybody_with_every_length_they_have() -> None:
    data = pairs(2)
    three = replace(
        trial(data, left=True),
        users=np.array([4, 6], dtype=np.int32),
        histories=Histories.of([[1, 2, 3, 4], [5, 6]]),
        targets=Histories.of([[9], [8]]),
    )
    cut = cut_short(three)
    assert cut.users.tolist() == [4, 6, 4, 6, 4]
    assert rows(cut.histories) == [[4], [6], [3, 4], [5, 6], [2, 3, 4]]
    assert rows(cut.targets) == [[9], [8], [9], [8], [9]]
    assert with_last(three, 3).users.tolist() == [4]


def test_halves_share_nobody_and_follow_the_seed() -> None:
    whole = trial(pairs(101), left=True)
    first, second = halves(whole, 3)
    assert len(first.users) == len(second.users) == 50
    assert not set(first.users) & set(second.users)
    assert halves(whole, 3)[0].users.tolist() == first.users.tolist()
    assert halves(whole, 4)[0].users.tolist() != first.users.tolist()


def test_a_real_gain_is_kept() -> None:
    data = pairs(300)
    filler = WindowedPopularity().fit(data)
    asked = trial(data, left=True)
    short = choose_short(core(data), filler, asked, data.catalogue, 1)
    assert short.params is not None
    assert short.gain is not None
    assert short.gain.low > 0
    assert short.params.model_dump()["backward"] > 0
    assert short.model is not None
    gained = per_person(Filled(short.model, filler), asked, data.catalogue)
    assert gained.mean() > per_person(Filled(core(data), filler), asked, data.catalogue).mean() + 0.2
    again = choose_short(core(data), filler, asked, data.catalogue, 1)
    assert again.to_dict() == short.to_dict()


def test_chance_is_not_kept() -> None:
    data = pairs(300)
    short = choose_short(core(data), WindowedPopularity().fit(data), trial(data, left=False), data.catalogue, 1)
    assert short.params is None
    assert short.gain is not None
    assert short.trials > 5


def test_too_few_people_decide_nothing() -> None:
    data = pairs(2 * FEWEST - 1)
    short = choose_short(core(data), WindowedPopularity().fit(data), trial(data, left=True), data.catalogue, 1)
    assert (short.params, short.gain, short.trials, short.model) == (None, None, 0, None)
    assert short.to_dict() == {"params": None, "gain": None, "people": 0, "trials": 0}
