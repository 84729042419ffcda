from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zhiyin.config import PreprocessSettings
from zhiyin.preprocess.weights import weight_of_event
from zhiyin.store import open_store
from zhiyin.store.profiles import KeptState
from zhiyin.store.sql import SqlStore
from zhiyin.testing.fixtures import DAY, START
from zhiyin.types import NO_TIME, Floats, IdMap, Ints
from zhiyin.understand.profiles.follow import Followed, follow
from zhiyin.understand.profiles.space import ProfileParams
from zhiyin.understand.profiles.state import Signs, State, advance, empty, from_bytes, to_bytes

PARAMS = ProfileParams(kept=3)
ITEMS = IdMap([f"物/{number} x" for number in range(10)])
USER = "用户/1 a"


class Plain:
    """Ten items in five dimensions and three interests, by random numbers."""

    def __init__(self, seed: int = 0) -> None:
        random = np.random.default_rng(seed)
        self.representation: Floats = random.normal(size=(10, 5)).astype(np.float32)
        self._weights = random.normal(size=(3, 5)).astype(np.float32)

    def people(self, states: Floats) -> Floats:
        rows = np.exp(states @ self._weights.T)
        return np.asarray(rows / rows.sum(axis=1, keepdims=True), dtype=np.float32)

    def pulls(self, rows: Ints) -> Floats:
        return np.asarray(np.maximum(self.representation[rows] @ self._weights.T, 0), dtype=np.float32)


SPACE = Plain()


def signs(events: list[tuple[int, int | None]], first: int = 1) -> Signs:
    rows = np.array([row for row, _ in events], dtype=np.int32)
    return Signs(
        np.arange(first, first + len(events), dtype=np.int64),
        np.array([NO_TIME if time is None else START + time * DAY for _, time in events], dtype=np.int64),
        [ITEMS.ids[row] if row >= 0 else "elsewhere" for row in rows],
        rows,
        np.linspace(1, 2, len(events)).astype(np.float32) if len(events) else np.zeros(0, dtype=np.float32),
    )


def grown(events: list[tuple[int, int | None]]) -> State:
    state = advance(empty(SPACE, PARAMS), signs(events), len(events), SPACE, PARAMS)
    assert state is not None
    return state


def same(one: State, other: State) -> None:
    for name in ("sums", "mass", "squares", "pulls", "pull_squares", "worth"):
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), rtol=1e-5, atol=1e-6)
    for name in ("read", "events", "latest"):
        assert getattr(one, name) == getattr(other, name)
    assert np.array_equal(one.seqs, other.seqs)
    assert np.array_equal(one.when, other.when)
    named = [[state.items[place] if place >= 0 else None for place in state.names.ravel()] for state in (one, other)]
    assert named[0] == named[1]


def cut(whole: Signs, start: int, stop: int) -> Signs:
    return Signs(
        whole.seqs[start:stop], whole.times[start:stop], whole.items[start:stop], whole.rows[start:stop],
        whole.weights[start:stop],
    )  # fmt: skip


@settings(max_examples=30, deadline=None, derandomize=True)
@given(
    st.lists(st.tuples(st.integers(-1, 9), st.one_of(st.none(), st.integers(0, 400))), max_size=14),
    st.integers(0, 14),
)
def test_step_by_step_is_all_at_once(events: list[tuple[int, int | None]], place: int) -> None:
    whole = signs(events)
    at_once = advance(empty(SPACE, PARAMS), whole, len(events), SPACE, PARAMS)
    assert at_once is not None
    first = advance(empty(SPACE, PARAMS), cut(whole, 0, place), min(place, len(events)), SPACE, PARAMS)
    assert first is not None
    rest = cut(whole, place, len(events))
    then = advance(first, rest, len(rest.seqs), SPACE, PARAMS)
    if then is None:
        # Refused only where something new is older than what was counted.
        dated = rest.times[(rest.rows >= 0) & (rest.times != NO_TIME)]
        assert (dated < first.latest).any()
    else:
        same(then, at_once)


def test_newer_events_count_more_and_half_lives_differ() -> None:
    state = grown([(0, 0), (1, 180)])
    share = 0.5 * 0.5 ** (1 / 100)
    assert state.mass[0] == pytest.approx(2 + 1 * share)
    assert state.mass[1] == pytest.approx(2, abs=1e-3)
    np.testing.assert_allclose(state.sums[1], 2 * SPACE.representation[1], atol=1e-3)


def test_evidence_is_the_strongest_events_of_each_interest() -> None:
    events: list[tuple[int, int | None]] = [(row, None) for row in (0, 1, 2, 3, 4, 5)]
    state = grown(events)
    told = signs(events)
    fade = np.array([0.5 ** (ago / 100) for ago in range(5, -1, -1)])
    pulls = (told.weights * fade)[:, None] * SPACE.pulls(told.rows)
    for interest in range(3):
        best = [seq for seq in np.argsort(-pulls[:, interest])[:3] if pulls[seq, interest] > 0]
        found = state.seqs[0, interest]
        assert found[found >= 0].tolist() == [seq + 1 for seq in best]
    assert set(state.items) <= {ITEMS.ids[row] for row in range(6)}


def test_bytes_bring_it_back_and_damage_does_not() -> None:
    state = grown([(0, 0), (3, 1), (7, 2)])
    told = to_bytes(state, PARAMS)
    back = from_bytes(told, SPACE, PARAMS)
    assert back is not None
    same(back, state)
    assert back.items == state.items
    assert b"pickle" not in told
    for damaged in (b"", told[:-30], told[:40] + b"?" + told[41:], b"PK" + told, b"not an archive"):
        found = from_bytes(damaged, SPACE, PARAMS)
        if found is not None:
            same(found, state)
    assert from_bytes(told, SPACE, ProfileParams(kept=4)) is None

    class Wider(Plain):
        def __init__(self) -> None:
            super().__init__()
            self.representation = np.zeros((10, 6), dtype=np.float32)
            self._weights = np.zeros((3, 6), dtype=np.float32)

    assert from_bytes(told, Wider(), PARAMS) is None


@pytest.fixture
def store(tmp_path: Path) -> SqlStore:
    opened = open_store("sqlite:///zhiyin.db", tmp_path)
    with opened.writing() as writer:
        writer.put_users(
            pl.DataFrame(
                {"user_id": [USER, "other"], "attributes": [None, None]},
                schema={"user_id": pl.String, "attributes": pl.String},
            )
        )
        writer.put_items(
            pl.DataFrame(
                {
                    "item_id": [*ITEMS.ids, "elsewhere"],
                    "title": [None] * 11,
                    "description": [None] * 11,
                    "categories": [[]] * 11,
                    "attributes": [None] * 11,
                    "time": [None] * 11,
                    "hidden": [False] * 11,
                },
                schema_overrides={
                    "title": pl.String, "description": pl.String, "categories": pl.List(pl.String),
                    "attributes": pl.String, "time": pl.Int64,
                },
            )
        )  # fmt: skip
    return opened


def add(store: SqlStore, rows: list[tuple[str, str, str, int]]) -> None:
    """(user, item, kind, day)."""
    with store.writing() as writer:
        writer.put_events(
            pl.DataFrame(
                {
                    "event_id": [None] * len(rows),
                    "user_id": [row[0] for row in rows],
                    "item_id": [row[1] for row in rows],
                    "event_type": [row[2] for row in rows],
                    "value": [None] * len(rows),
                    "time": [START + row[3] * DAY for row in rows],
                },
                schema_overrides={"event_id": pl.String, "value": pl.Float64},
            )
        )


def ask(store: SqlStore, kept: KeptState | None, bundle: str = "b1", space: Plain = SPACE) -> Followed:
    def signs_of(frame: pl.DataFrame) -> pl.DataFrame:
        weighed = frame.with_columns(weight_of_event(PreprocessSettings()).alias("weight"))
        return weighed.filter(pl.col("weight") > 0)

    found = follow(USER, bundle, kept, store.profiles, signs_of, ITEMS.rows, space, PARAMS)
    if found.kept is not None:
        store.profiles.put_state(USER, KeptState(bundle, found.seq, found.kept))
    return found


def test_only_what_is_new_is_read(store: SqlStore) -> None:
    add(store, [(USER, ITEMS.ids[row], "view", row) for row in range(6)] + [("other", ITEMS.ids[0], "view", 9)])
    first = ask(store, None)
    assert first.rows == 6
    assert ask(store, store.profiles.state(USER)).rows == 0
    add(
        store, [("other", ITEMS.ids[1], "view", 10), (USER, ITEMS.ids[7], "like", 11), (USER, ITEMS.ids[8], "skip", 11)]
    )
    add(store, [(USER, "elsewhere", "view", 12)])
    then = ask(store, store.profiles.state(USER))
    assert then.rows == 3
    assert then.state.events == 7
    whole = ask(store, None)
    assert whole.rows == 9
    same(then.state, whole.state)
    vector = then.state.sums[0] / then.state.mass[0]
    np.testing.assert_allclose(vector, whole.state.sums[0] / whole.state.mass[0], atol=1e-5)


def test_an_event_that_comes_late_is_put_in_its_place(store: SqlStore) -> None:
    add(store, [(USER, ITEMS.ids[0], "view", 5)])
    ask(store, None)
    add(store, [(USER, ITEMS.ids[1], "view", 2)])
    late = ask(store, store.profiles.state(USER))
    assert late.rows == 2
    same(late.state, ask(store, None).state)


def test_another_bundle_or_a_damaged_state_is_read_anew(store: SqlStore) -> None:
    add(store, [(USER, ITEMS.ids[row], "view", row) for row in range(4)])
    first = ask(store, None)
    kept = store.profiles.state(USER)
    assert kept is not None
    assert ask(store, kept, bundle="b2", space=Plain(1)).rows == 4
    assert ask(store, KeptState("b1", kept.seq, b"rubbish")).rows == 4
    assert ask(store, KeptState("b1", 99, first.kept or b"")).rows == 0
    store.profiles.forget(USER)
    assert store.profiles.state(USER) is None


def test_events_that_are_gone_are_noticed(store: SqlStore) -> None:
    add(store, [(USER, ITEMS.ids[row], "view", row) for row in range(4)])
    ask(store, None)
    from sqlalchemy import delete

    from zhiyin.store.schema import events

    with store._writer.begin() as connection:
        connection.execute(delete(events).where(events.c.item_id == ITEMS.ids[2]))
    again = ask(store, store.profiles.state(USER))
    assert again.rows == 3
    assert again.state.events == 3


def test_nobody_has_an_empty_state(store: SqlStore) -> None:
    found = ask(store, None)
    assert (found.rows, found.seq, found.state.events) == (0, 0, 0)
    assert not found.state.mass.any()


def test_edits_are_kept_listed_and_undone(store: SqlStore) -> None:
    first = store.profiles.add_edit(USER, "不要再推恐怖片", {"wishes": []}, START)
    second = store.profiles.add_edit(USER, "less 'horror'", {"wishes": [{"text": "horror", "weight": -0.5}]}, START + 1)
    assert [(one.edit_id, one.said) for one in store.profiles.edits(USER)] == [
        (first, "不要再推恐怖片"),
        (second, "less 'horror'"),
    ]
    assert store.profiles.undo_edit(USER, first)
    assert not store.profiles.undo_edit(USER, first)
    assert not store.profiles.undo_edit("other", second)
    assert [one.undone for one in store.profiles.edits(USER)] == [True, False]
    assert store.profiles.edits("other") == []
