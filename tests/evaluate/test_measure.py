"""Slices, protocol, measurement, tables and report, on a checkerboard whose answers are known."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from zhiyin.errors import UsageError
from zhiyin.evaluate.measure import Measurement, measure, measure_lists
from zhiyin.evaluate.protocol import Protocol
from zhiyin.evaluate.report import report
from zhiyin.evaluate.slices import BANDS, bands_of, targets_by_count, users_by_history
from zhiyin.evaluate.table import as_markdown, as_text
from zhiyin.preprocess.splits import Split, leave_one_out, time_split
from zhiyin.types import Catalogue, Floats, Histories, IdMap, Interactions, Ints

NAN = float("nan")


class Parity:
    """Recommends the unseen items of the parity of the user's first item, by row: right on a checkerboard."""

    def __init__(self, n_items: int) -> None:
        self.n_items = n_items

    def top_k(
        self, histories: Histories, k: int, *, exclude_seen: bool = True, allowed: NDArray[np.bool_] | None = None
    ) -> tuple[Ints, Floats]:
        rows = np.full((len(histories), k), -1, dtype=np.int32)
        for user in range(len(histories)):
            seen = histories.slice(user, user + 1).items.tolist()
            if not seen:
                continue
            fits = [i for i in range(seen[0] % 2, self.n_items, 2) if not (exclude_seen and i in seen)]
            fits = [i for i in fits if allowed is None or allowed[i]][:k]
            rows[user, : len(fits)] = fits
        return rows, rows.astype(np.float32)


def checkerboard(users: int = 8, items: int = 12) -> Interactions:
    """Even users like even items and odd users odd ones; everyone chose theirs in the order of the rows."""
    mine = [list(range(user % 2, items, 2)) for user in range(users)]
    times = [[item * users + user for item in row] for user, row in enumerate(mine)]
    ids = IdMap([f"项/{item:02}" for item in range(items)])
    names = IdMap([f"用户 {user}" for user in range(users)])
    return Interactions(names, ids, Histories.of(mine, times=times, users=range(users)))


def catalogue(n: int, hidden: tuple[int, ...] = (), vectors: Floats | None = None) -> Catalogue:
    mask = np.isin(np.arange(n), hidden)
    return Catalogue([""] * n, [["even"] if i % 2 == 0 else ["odd"] for i in range(n)], [""] * n, vectors, mask)


def measured(split: Split, hidden: tuple[int, ...] = (), ks: tuple[int, ...] = (1, 2)) -> Measurement:
    n = split.interactions.n_items
    return measure(Parity(n), split.strict(), catalogue(n, hidden), ks=ks)


def test_bands_take_every_count_once() -> None:
    counts = np.arange(30)
    masks = bands_of(counts)
    assert list(masks) == list(BANDS) == ["0", "1-5", "6-20", ">20"]
    assert [masks[name].sum() for name in masks] == [1, 5, 15, 9]
    assert (np.sum(list(masks.values()), axis=0) == 1).all()


def test_slices_of_users_and_targets() -> None:
    histories = Histories.of([[], [0], list(range(6)), list(range(21))])
    assert [mask.tolist().index(True) for mask in users_by_history(histories).values()] == [0, 1, 2, 3]
    parts = targets_by_count(Histories.of([[0, 1], [2], []]), np.array([0, 3, 50]))
    assert {name: (part.lengths.tolist(), part.items.tolist()) for name, part in parts.items()} == {
        "0": ([1, 0, 0], [0]),
        "1-5": ([1, 0, 0], [1]),
        "6-20": ([0, 0, 0], []),
        ">20": ([0, 1, 0], [2]),
    }


def test_the_checkerboard_is_solved() -> None:
    got = measured(leave_one_out(checkerboard()))
    assert got.users == 8
    for name in ("HR", "NDCG", "Recall", "Precision", "MRR", "MAP"):
        assert got.means[f"{name}@1"] == 1
    assert got.means["Precision@2"] == 0.5
    assert got.means["Coverage@1"] == pytest.approx(2 / 12)
    assert got.intervals["HR@1"].low == got.intervals["HR@1"].high == 1
    assert "Coverage@1" not in got.intervals
    assert got.diversity_by == "categories"
    assert np.isnan(got.means["Diversity@1"])


def test_novelty_and_popularity_use_training_counts() -> None:
    # In training each of items 0-7 has 4 of the 8 users; validation (8, 9) and test items (10, 11) have none.
    got = measured(leave_one_out(checkerboard()))
    assert got.means["Novelty@1"] == pytest.approx(3), "log2(8 / 1), an item without users counts as one"
    assert got.means["PopularityBias@1"] == 0
    search = leave_one_out(checkerboard()).search()
    lists = np.array([[0]] * 8, dtype=np.int32)
    popular = measure_lists(lists, search.histories, search.targets, search.train, catalogue(12), ks=(1,))
    assert popular.means["Novelty@1"] == pytest.approx(1), "log2(8 / 4)"
    assert popular.means["PopularityBias@1"] == pytest.approx(1)
    assert popular.intervals["PopularityBias@1"].low == pytest.approx(1)


def test_popularity_bias_by_eye() -> None:
    """Counts 3, 1, 1: showing item 0 to the user whose own items have 1 and 1, and to the one whose own has 3."""
    train = Interactions(IdMap("abc"), IdMap("xyz"), Histories.of([[0, 1], [0, 2], [0]], users=range(3)))
    asked = Histories.of([[1, 2], [0], []])
    lists = np.array([[0], [1], [0]], dtype=np.int32)
    got = measure_lists(lists, asked, Histories.of([[0], [1], [2]]), train, catalogue(3), ks=(1,))
    assert got.means["PopularityBias@1"] == pytest.approx(((3 + 1) / 2) / ((1 + 3) / 2)), (
        "the user without history is out"
    )


def test_hidden_items_are_not_asked_for_and_count_as_missed() -> None:
    got = measured(leave_one_out(checkerboard()), hidden=(10,))
    assert got.means["HR@1"] == 0.5
    assert got.means["Coverage@1"] == pytest.approx(1 / 11)


def test_vectors_come_before_categories() -> None:
    trial = leave_one_out(checkerboard()).strict()
    vectors = np.tile(np.array([[1, 0]], dtype=np.float32), (12, 1))
    lists = np.array([[8, 10]] * 8, dtype=np.int32)
    args = (lists, trial.histories, trial.targets, trial.train)
    same = measure_lists(*args, catalogue(12, vectors=vectors), ks=(2,))
    assert (same.diversity_by, same.means["Diversity@2"]) == ("vectors", 0)
    bare = Catalogue([""] * 12, [[]] * 12, [""] * 12, np.zeros_like(vectors), np.zeros(12, dtype=bool))
    nothing = measure_lists(*args, bare, ks=(2,))
    assert nothing.diversity_by is None
    assert np.isnan(nothing.means["Diversity@2"])


def test_slices_of_the_checkerboard() -> None:
    got = measured(leave_one_out(checkerboard()))
    users, items = got.slices["user_history"], got.slices["target_count"]
    assert {band: row["users"] for band, row in users.items()} == {"0": 0, "1-5": 8, "6-20": 0, ">20": 0}
    assert users["1-5"]["NDCG@1"] == 1
    assert np.isnan(users["0"]["NDCG@1"])
    assert (items["0"]["users"], items["0"]["targets"], items["0"]["HR@1"]) == (8, 8, 1)


def test_a_cold_user_has_an_empty_list_and_misses() -> None:
    history = Histories.of([list(range(8)), [8, 9]], times=[list(range(8)), [8, 9]], users=[0, 1])
    split = time_split(Interactions(IdMap(["老", "新"]), IdMap([str(i) for i in range(10)]), history), 0.2, 0.2)
    got = measured(split)
    cold = got.slices["user_history"]["0"]
    assert (cold["users"], cold["HR@1"], cold["NDCG@2"]) == (1, 0, 0)
    assert got.means["HR@1"] == 0
    assert np.isnan(got.means["Novelty@1"])
    assert Protocol.of(split, split.strict()).cold_users == 1


def test_json_holds_no_nan_and_the_promised_names() -> None:
    split = leave_one_out(checkerboard())
    protocol = Protocol.of(split, split.strict(), ks=(1, 2))
    text = json.dumps(report({"parity": measured(split)}, protocol, "parity"), allow_nan=False)
    got = json.loads(text)
    assert (got["split"], got["users"], got["served"]) == ("test", 8, "parity")
    assert (got["protocol"]["name"], got["protocol"]["fit"], got["protocol"]["full_catalogue"]) == (
        "leave-one-out", "strict", True,
    )  # fmt: skip
    row = got["models"]["parity"]
    names = ["HR", "NDCG", "Recall", "Precision", "MRR", "MAP", "Coverage", "Diversity", "Novelty", "PopularityBias"]
    assert {f"{name}@{k}" for name in names for k in (1, 2)} <= set(row)
    assert row["Diversity@1"] is None
    assert row["intervals"]["HR@2"] == [1, 1]
    assert row["slices"]["user_history"]["0"]["HR@1"] is None


def test_the_same_twice() -> None:
    split = leave_one_out(checkerboard())
    assert json.dumps(measured(split).to_dict()) == json.dumps(measured(split).to_dict())


def test_protocol_in_words() -> None:
    split = leave_one_out(checkerboard())
    assert Protocol.of(split, split.refit(), hidden_items=2).describe() == (
        "Protocol leave-one-out: each user's last event is the test, the one before it the validation, the rest trains."
        " Models are fitted again on the training and validation parts together and asked for the test events of"
        " 8 users out of 8. 10 items compete in full (2 hidden ones cannot), except those already in the user's"
        " history. Events: 32 train, 8 validation, 8 test."
    )
    few = Protocol.of(split, split.search().sample(3, seed=0))
    assert few.left_out_users == {"fewer than 3 interactions": 0, "not in the sample": 5}
    assert "Users not measured: 5 (not in the sample)." in few.describe()
    timed = time_split(checkerboard(), 0.2, 0.2)
    assert "Validation begins at 1970-01-01T" in Protocol.of(timed, timed.strict()).describe()


def test_tables() -> None:
    split = leave_one_out(checkerboard())
    protocol = Protocol.of(split, split.strict(), ks=(1, 2))
    good = measured(split)
    bad = replace(good, means=good.means | {"HR@1": 0.25}, intervals={})
    text = as_text({"parity": good, "a|b": bad}, protocol, ["HR@1", "Coverage@1", "Diversity@1"]).splitlines()
    assert text[:6] == [
        "model            HR@1  Coverage@1  Diversity@1",
        "------  -------------  ----------  -----------",
        "parity         1.0000      0.1667            -",
        "        1.0000-1.0000",
        "a|b            0.2500      0.1667            -",
        "",
    ]
    assert text[-2] == protocol.describe()
    marks = as_markdown({"parity": good, "a|b": bad}, protocol, ["HR@1", "Coverage@1"]).splitlines()
    assert marks[:4] == [
        "| model | HR@1 | Coverage@1 |",
        "|---|---:|---:|",
        "| parity | 1.0000 (1.0000-1.0000) | 0.1667 |",
        "| a/b | 0.2500 | 0.1667 |",
    ]
    assert "NDCG@1" in as_text({"parity": good}, protocol)
    with pytest.raises(UsageError, match="no measure 'HR@7'"):
        as_text({"parity": good}, protocol, ["HR@7"])


def test_lists_must_be_long_enough() -> None:
    trial = leave_one_out(checkerboard()).strict()
    lists = np.zeros((8, 1), dtype=np.int32)
    with pytest.raises(UsageError, match="first 10 of 1"):
        measure_lists(lists, trial.histories, trial.targets, trial.train, catalogue(12))


def test_one_item_and_one_user() -> None:
    train = Interactions(IdMap(["u"]), IdMap(["only"]), Histories.of([[]], users=[0]))
    got = measure_lists(
        np.array([[0]], dtype=np.int32), Histories.of([[]]), Histories.of([[0]]), train, catalogue(1), ks=(1,)
    )
    assert (got.means["HR@1"], got.means["Coverage@1"], got.means["Novelty@1"]) == (1, 1, 0)
    assert np.isnan(got.means["PopularityBias@1"])
    assert np.isnan(got.intervals["HR@1"].low)


def test_users_without_targets_are_left_out() -> None:
    train = checkerboard(4)
    lists = np.array([[0], [1], [0], [3]], dtype=np.int32)
    got = measure_lists(lists, Histories.of([[]] * 4), Histories.of([[0], [], [2], []]), train, catalogue(12), ks=(1,))
    assert (got.users, got.means["HR@1"]) == (2, 0.5)
    assert got.slices["user_history"]["0"]["users"] == 2
    np.testing.assert_array_equal(got.per_user["HR@1"], [1, NAN, 0, NAN])
