"""Arrays from events: sorted ids, chronological rows, stable ties."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from zhiyin.preprocess.dataset import LEAST_DECAY, build_interactions, histories_of
from zhiyin.types import NO_TIME, Histories, IdMap

DAY = 86_400_000_000


def cleaned(*rows: tuple[int, str, str, int | None, float]) -> pl.DataFrame:
    schema = {"seq": pl.Int64, "user_id": pl.String, "item_id": pl.String, "time": pl.Int64, "weight": pl.Float64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def lists(histories: Histories) -> list[list[int]]:
    return [histories.slice(row, row + 1).items.tolist() for row in range(len(histories))]


def test_ids_are_sorted_and_cover_the_catalogue() -> None:
    events = cleaned((1, "u/2", "歌 1", 5, 1.0), (2, 'u"1', "a", 6, 2.0), (3, "🎵", "a", 7, 1.0))
    data = build_interactions(events, ["zzz", "a", "a", "Ä b"])
    assert data.users.ids == sorted(["u/2", 'u"1', "🎵"])
    assert data.items.ids == sorted(["zzz", "a", "Ä b", "歌 1"])
    assert lists(data.histories) == [[data.items.row(item)] for item in ("a", "歌 1", "a")]
    assert data.histories.users.tolist() == [0, 1, 2]
    assert data.histories.weights.tolist() == [2.0, 1.0, 1.0]


def test_order_is_time_then_arrival_and_no_time_comes_first() -> None:
    events = cleaned(
        (9, "u", "late", 50, 1.0), (2, "u", "tie b", 10, 1.0), (1, "u", "tie a", 10, 1.0),
        (8, "u", "none b", None, 1.0), (7, "u", "none a", None, 1.0), (3, "u", "before 1970", -5, 1.0),
    )  # fmt: skip
    data = build_interactions(events, [])
    names = [data.items.ids[row] for row in data.histories.items]
    assert names == ["none a", "none b", "before 1970", "tie a", "tie b", "late"]
    assert data.histories.times.tolist() == [NO_TIME, NO_TIME, -5, 10, 10, 50]
    shuffled = build_interactions(events.reverse(), [])
    assert shuffled.histories.items.tolist() == data.histories.items.tolist()


def test_no_events() -> None:
    data = build_interactions(cleaned(), ["a"])
    assert (data.n_users, data.n_items, len(data.histories)) == (0, 1, 0)


def test_live_histories_skip_what_training_does_not_know() -> None:
    items, known = IdMap(["a", "b"]), IdMap(["old"])
    events = cleaned(
        (1, "old", "b", 1, 1.0), (2, "new", "unknown", 2, 1.0), (3, "old", "a", 3, 1.0), (4, "x", "a", 4, 1.0)
    )
    live = histories_of(events, items, ["nobody", "old", "new"], known=known)
    assert lists(live) == [[], [1, 0], []]
    assert live.users.tolist() == [-1, 0, -1]
    assert histories_of(events, items, ["old"]).users.tolist() == [-1]
    assert len(histories_of(events, items, [])) == 0


def test_decay_halves_and_stays_above_zero() -> None:
    events = cleaned(
        (1, "u", "none", None, 4.0),
        (2, "u", "old", 0, 4.0),
        (3, "u", "mid", 10 * DAY, 4.0),
        (4, "u", "new", 20 * DAY, 1.0),
    )
    data = build_interactions(events, [], half_life_days=10)
    assert data.histories.weights.tolist() == [1.0, 1.0, 2.0, 1.0]
    tiny = build_interactions(events, [], half_life_days=0.01)
    assert tiny.histories.weights.min() == pytest.approx(4 * LEAST_DECAY)
    undated = build_interactions(events.with_columns(time=pl.lit(None, pl.Int64)), [], half_life_days=1)
    assert undated.histories.weights.tolist() == [4.0, 4.0, 4.0, 1.0]


def test_array_types() -> None:
    made = build_interactions(cleaned((1, "u", "a", None, 1.0)), []).histories
    assert made.indptr.dtype == made.times.dtype == np.int64
    assert made.items.dtype == made.users.dtype == np.int32
    assert made.weights.dtype == np.float32
