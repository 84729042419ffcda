"""Splits: nothing from after the cut reaches training, and every event lands in one part."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zhiyin.errors import DataError, NotEnoughData, UsageError
from zhiyin.preprocess.dataset import build_interactions
from zhiyin.preprocess.splits import LEFT_OUT, TEST, TRAIN, VALIDATION, Split, leave_one_out, random_split, time_split
from zhiyin.types import NO_TIME, Histories, IdMap, Interactions

DATA = Path(__file__).parents[2].parent / "shared" / "data"


def lists(histories: Histories) -> list[list[int]]:
    return [histories.slice(row, row + 1).items.tolist() for row in range(len(histories))]


def made(items: list[list[int]], times: list[list[int]] | None = None) -> Interactions:
    n = max((item for row in items for item in row), default=-1) + 1
    users = IdMap([f"u{row}" for row in range(len(items))])
    histories = Histories.of(items, times=times, users=range(len(items)))
    return Interactions(users, IdMap([f"i{row:03}" for row in range(n)]), histories)


def test_leave_one_out_by_eye() -> None:
    split = leave_one_out(made([[0, 1, 2, 3], [4, 5], [], [3, 1, 0]]))
    assert split.part.tolist() == [TRAIN, TRAIN, VALIDATION, TEST, TRAIN, TRAIN, TRAIN, VALIDATION, TEST]

    search = split.search()
    assert lists(search.train.histories) == [[0, 1], [4, 5], [], [3]]
    assert search.users.tolist() == [0, 3]
    assert lists(search.histories) == [[0, 1], [3]]
    assert lists(search.targets) == [[2], [1]]

    strict, refit = split.strict(), split.refit()
    assert lists(strict.train.histories) == lists(search.train.histories)
    assert lists(refit.train.histories) == [[0, 1, 2], [4, 5], [], [3, 1]]
    assert lists(strict.histories) == lists(refit.histories) == [[0, 1, 2], [3, 1]]
    assert lists(strict.targets) == lists(refit.targets) == [[3], [0]]
    assert strict.histories.users.tolist() == [0, 3]
    assert strict.now == NO_TIME

    assert split.description["measured"] == {"validation": 2, "test": 2}
    assert split.description["left_out_users"]["test"] == {"fewer than 3 interactions": 2}
    assert split.description["events"] == {"train": 5, "validation": 2, "test": 2, "left_out": 0}


def test_leave_one_out_imagines_the_latest_training_event() -> None:
    split = leave_one_out(made([[0, 1, 2], [0, 1, 2]], [[1, 5, 9], [2, 3, 4]]))
    assert (split.search().now, split.strict().now, split.refit().now) == (2, 2, 5)


def test_time_split_by_eye() -> None:
    # Ten events at times 0..9: train 0-5, validation 6-7, test 8-9. User 1 comes at time 8, user 2 at time 7.
    data = made([[0, 1, 2, 3, 4, 5, 6], [7], [8, 9]], [[0, 1, 2, 3, 4, 5, 6], [8], [7, 9]])
    split = time_split(data, test_fraction=0.2, validation_fraction=0.2)
    assert split.cuts == (6, 8)

    search = split.search()
    assert (search.now, search.users.tolist()) == (6, [0, 2])
    assert lists(search.targets) == [[6], [8]]
    assert lists(search.histories) == [[0, 1, 2, 3, 4, 5], []]
    assert search.histories.users.tolist() == [0, -1]

    strict, refit = split.strict(), split.refit()
    assert (strict.now, refit.now) == (6, 8)
    assert strict.users.tolist() == refit.users.tolist() == [1, 2]
    assert lists(strict.targets) == [[7], [9]]
    assert lists(strict.histories) == [[], [8]]
    assert strict.histories.users.tolist() == [-1, -1], "nobody measured has an event the strict model was fitted on"
    assert refit.histories.users.tolist() == [-1, 2]
    assert lists(refit.train.histories) == [[0, 1, 2, 3, 4, 5, 6], [], [8]]
    assert refit.train.n_items == 10, "items first seen after the cut keep their row"
    assert split.description["left_out_users"] == {
        "validation": {"no event in the window": 1},
        "test": {"no event in the window": 1},
    }
    assert split.description["cuts"] == {
        "validation": "1970-01-01T00:00:00.000006+00:00",
        "test": "1970-01-01T00:00:00.000008+00:00",
    }


def test_ties_at_a_cut_all_fall_after_it() -> None:
    times = [0, 1, 2, 2, 2, 2, 2, 3, 4, 4]
    split = time_split(made([list(range(10))], [times]), 0.2, 0.4)
    assert split.cuts == (2, 4)
    assert split.part.tolist() == [TRAIN] * 2 + [VALIDATION] * 6 + [TEST] * 2


def test_undated_events_are_left_out_and_counted() -> None:
    items, times = list(range(200)), [NO_TIME, *range(1, 200)]
    split = time_split(made([items], [times]))
    assert split.part[0] == LEFT_OUT
    assert split.description["events"]["left_out"] == 1
    assert 0 not in split.refit().train.histories.items
    assert 0 not in split.refit().histories.items


@pytest.mark.parametrize(
    ("times", "what"),
    [
        ([NO_TIME] * 100, "only 0%"),
        ([NO_TIME] * 2 + list(range(98)), "only 98%"),
        ([7] * 100, "all events have the same one"),
        ([1] * 50 + [2] * 50, "too coarse"),
        ([1] * 95 + [2, 3, 4, 5, 6], "too coarse"),
    ],
)
def test_time_split_refuses_times_it_cannot_use(times: list[int], what: str) -> None:
    with pytest.raises(NotEnoughData, match=what):
        time_split(made([list(range(100))], [times]))


def test_nothing_to_split() -> None:
    empty = made([])
    for split in (leave_one_out, time_split, random_split):
        with pytest.raises(NotEnoughData):
            split(empty)
    with pytest.raises(NotEnoughData, match="no user has 3 interactions"):
        leave_one_out(made([[0, 1], [2]]))


@pytest.mark.parametrize("fractions", [(0.0, 0.1), (0.5, 0.5), (0.1, -0.1), (1.0, 0.1)])
def test_fractions_must_leave_something(fractions: tuple[float, float]) -> None:
    for split in (time_split, random_split):
        with pytest.raises(UsageError, match="leave nothing"):
            split(made([[0, 1, 2]], [[1, 2, 3]]), *fractions)


def test_a_target_may_not_be_in_the_history() -> None:
    with pytest.raises(DataError, match="more than once"):
        leave_one_out(made([[0, 1, 0]]))


def test_random_split_sizes_and_seed() -> None:
    data = made([list(range(10)), [0, 1, 2], [0, 1]])
    split = random_split(data, test_fraction=0.2, validation_fraction=0.1, seed=3)
    assert split.strict().targets.lengths.tolist() == [2, 1]
    assert split.search().targets.lengths.tolist() == [1, 1]
    assert split.refit().train.histories.lengths.tolist() == [8, 2, 2]
    assert split.part.tolist() == random_split(data, seed=3).part.tolist()
    assert split.part.tolist() != random_split(data, seed=4).part.tolist()


def test_random_split_always_leaves_something_to_train_on() -> None:
    split = random_split(made([[0, 1, 2], list(range(9))]), test_fraction=0.7, validation_fraction=0.29)
    assert split.search().train.histories.lengths.min() >= 1
    assert split.search().targets.lengths.min() >= 1
    assert split.strict().targets.lengths.min() >= 1


def test_a_sample_of_users_stays_aligned() -> None:
    data = made([[row, row + 1, row + 2] for row in range(50)])
    whole = leave_one_out(data).strict()
    few = whole.sample(10, seed=1)
    assert len(few.users) == len(few.histories) == len(few.targets) == 10
    assert lists(few.targets) == [[row + 2] for row in few.users]
    assert few.users.tolist() == sorted(set(few.users.tolist())) == whole.sample(10, seed=1).users.tolist()
    assert whole.sample(50, seed=1) is whole


events = st.dictionaries(
    st.tuples(st.integers(0, 4), st.integers(0, 7)), st.integers(0, 10**6), min_size=12, max_size=40
).filter(lambda made: len(set(made.values())) == len(made))


def frame_of(events: dict[tuple[int, int], int]) -> pl.DataFrame:
    rows = [(f"u{user}", f"i{item}", time, 1.0) for (user, item), time in events.items()]
    schema = {"user_id": pl.String, "item_id": pl.String, "time": pl.Int64, "weight": pl.Float64}
    return pl.DataFrame(rows, schema=schema, orient="row").with_row_index("seq")


def triples(split: Split, histories: Histories, users: list[int]) -> set[tuple[str, str, int]]:
    names, items = split.interactions.users.ids, split.interactions.items.ids
    owners = [users[row] for row in histories.owners()]
    return {
        (names[u], items[i], t)
        for u, i, t in zip(owners, histories.items.tolist(), histories.times.tolist(), strict=True)
    }


@settings(max_examples=60, deadline=None)
@given(events, st.randoms(use_true_random=False))
def test_time_split_keeps_the_future_out(events: dict[tuple[int, int], int], random: object) -> None:
    split = time_split(build_interactions(frame_of(events), []), 0.2, 0.2)
    assert split.cuts is not None
    first, second = split.cuts
    search, refit = split.search(), split.refit()
    assert search.train.histories.times.max() < first
    assert search.histories.times.max(initial=NO_TIME) < first
    assert refit.train.histories.times.max() < second
    assert refit.histories.times.max(initial=NO_TIME) < second
    assert first <= search.targets.times.min()
    assert search.targets.times.max() < second <= refit.targets.times.min()

    everyone = list(range(split.interactions.n_users))
    parts = [
        triples(split, search.train.histories, everyone),
        triples(split, search.targets, search.users.tolist()),
        triples(split, refit.targets, refit.users.tolist()),
    ]
    whole = {(f"u{user}", f"i{item}", time) for (user, item), time in events.items()}
    assert set.union(*parts) == whole
    assert sum(map(len, parts)) == len(whole)


@settings(max_examples=40, deadline=None)
@given(events, st.integers(0, 2**32 - 1))
def test_the_order_of_rows_changes_nothing(events: dict[tuple[int, int], int], seed: int) -> None:
    frame = frame_of(events)
    shuffled = frame[np.random.default_rng(seed).permutation(len(frame)).tolist()].drop("seq").with_row_index("seq")
    for make in (leave_one_out, time_split):
        try:
            one = make(build_interactions(frame, []))
        except NotEnoughData:
            with pytest.raises(NotEnoughData):
                make(build_interactions(shuffled, []))
            continue
        other = make(build_interactions(shuffled, []))
        assert one.part.tolist() == other.part.tolist()
        assert one.interactions.histories.items.tolist() == other.interactions.histories.items.tolist()
        assert one.description == other.description


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.integers(0, 30), unique=True, max_size=12), min_size=1, max_size=6), st.integers(0, 9))
def test_every_event_lands_in_one_part(items: list[list[int]], seed: int) -> None:
    data = made(items)
    if max(map(len, items)) < 3:
        with pytest.raises(NotEnoughData):
            leave_one_out(data)
        return
    for split in (leave_one_out(data), random_split(data, seed=seed)):
        search, strict, refit = split.search(), split.strict(), split.refit()
        train, checks, tests = search.train.histories, search.targets, strict.targets
        assert len(train.items) + len(checks.items) + len(tests.items) == sum(map(len, items))
        assert refit.train.histories.lengths.sum() == len(train.items) + len(checks.items)
        for trial in (search, strict, refit):
            assert trial.targets.lengths.min() >= 1
            assert trial.histories.lengths.min() >= 1
            for user, seen, wanted in zip(trial.users, lists(trial.histories), lists(trial.targets), strict=True):
                assert not set(seen) & set(wanted)
                assert set(seen) | set(wanted) <= set(items[user])


def test_beauty_leave_one_out_has_the_published_sizes() -> None:
    file = DATA / "amazon_beauty" / "events.csv.gz"
    if not file.is_file():
        pytest.skip("amazon_beauty is not beside the repository")
    raw = pl.read_csv(file, schema_overrides={"user_id": pl.String, "item_id": pl.String}).with_row_index("seq")
    events = raw.select("seq", "user_id", "item_id", time=pl.col("timestamp") * 1_000_000, weight=pl.lit(1.0))
    split = leave_one_out(build_interactions(events, []))
    assert split.description["measured"] == {"validation": 22_363, "test": 22_363}
    assert split.description["events"] == {"train": 153_776, "validation": 22_363, "test": 22_363, "left_out": 0}
    assert split.interactions.n_items == 12_101
