"""What people do with items, learned from events by type: planted habits come back, few events say nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from zhiyin.acting import learned
from zhiyin.rerank import Facts, Items, Seen
from zhiyin.store import open_store
from zhiyin.store.sql import SqlStore
from zhiyin.types import NO_TIME, IdMap

ACTIONS = (("like", ("like", "Upvote")), ("comment", ("comment",)))
ITEMS = [f"帖/{number}" for number in range(40)]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlStore]:
    made = open_store("sqlite:///a.db", tmp_path)
    yield made
    made.close()


def items(keys: Sequence[str] = ITEMS, authors: Sequence[str] | None = None) -> Items:
    told = [{"author": name} for name in authors or [f"a{number % 8}" for number in range(len(keys))]]
    times = np.full(len(keys), NO_TIME, dtype=np.int64)
    return Items(IdMap(keys), [[]] * len(keys), facts=lambda: Facts(told, times))


def fill(store: SqlStore, people: int = 60) -> None:
    """Items of a0 and a1 are liked, those of a2 are talked about; even people like, odd ones do not."""
    rng = np.random.default_rng(0)
    rows = []
    for person in range(people):
        for item in rng.permutation(len(ITEMS))[:14]:
            author = int(item) % 8
            rows.append((None, f"人{person}", ITEMS[item], "view", None, None))
            if rng.random() < (0.6 if author < 2 else 0.1) * (1.4 if person % 2 == 0 else 0.4):
                rows.append((None, f"人{person}", ITEMS[item], "Upvote " if person % 4 else "like", None, None))
            if author == 2 and rng.random() < 0.5:
                rows.append((None, f"人{person}", ITEMS[item], "comment", None, None))
    with store.writing() as writer:
        writer.add_events(rows)


def seen(*events: tuple[int, str]) -> Seen:
    rows = np.array([row for row, _ in events], dtype=np.int32)
    return Seen(rows, np.full(len(rows), NO_TIME, dtype=np.int64), [kind for _, kind in events])


def test_planted_habits_come_back(store: SqlStore) -> None:
    fill(store)
    told = learned(store, items(), ACTIONS, "author")
    assert told is not None
    found = told.over(items())
    rows = np.array([8, 9, 10, 11], dtype=np.int32)  # of a0, a1, a2, a3
    nobody = found.chances(rows, None)
    assert nobody.shape == (4, 2)
    assert nobody[0, 0] > 2 * nobody[3, 0], "what is liked"
    assert nobody[2, 1] > 3 * nobody[3, 1], "what is talked about"
    keen = found.chances(rows, seen(*[(row, "view") for row in range(16)], (16, "like"), (24, "like"), (1, "upvote")))
    shy = found.chances(rows, seen(*[(row, "view") for row in range(30)]))
    assert keen[0, 0] > nobody[0, 0] > shy[0, 0], "people differ"
    turned = found.chances(rows, seen((0, "hide"), (1, "mute")))
    assert turned.tolist() == nobody.tolist(), "what was turned away was not taken"
    again = learned(store, items(), ACTIONS, "author")
    assert again is not None
    assert again.weights.tolist() == found.weights.tolist()


def test_chances_are_as_often_right_as_they_say(store: SqlStore) -> None:
    fill(store, 120)
    learnt = learned(store, items(), ACTIONS, "author")
    assert learnt is not None
    whole = learnt.over(items())
    events = store.events()
    pairs = events.unique(["user_id", "item_id"]).height
    rows = np.arange(len(ITEMS), dtype=np.int32)
    told = whole.chances(rows, None)[:, 0]
    takes = np.array([events.filter(events["item_id"] == key)["user_id"].n_unique() for key in ITEMS])
    likes = events.filter(events["event_type"].str.strip_chars().str.to_lowercase().is_in(["like", "upvote"])).height
    assert float(told @ takes) / pairs == pytest.approx(likes / pairs, rel=0.25)


def test_what_was_learned_holds_over_items_that_came_since(store: SqlStore) -> None:
    fill(store)
    told = learned(store, items(), ACTIONS, "author")
    assert told is not None
    before = told.over(items())
    # New ones in front, so that neither rows nor the numbers of authors are those of then; one of then is gone.
    fresh = ["新/of a2", "新/of nobody before", "新/of a0"]
    keys = [*fresh, *ITEMS[1:]]
    after = told.over(items(keys, ["a2", "谁", "a0", *(f"a{number % 8}" for number in range(1, len(ITEMS)))]))
    rows = np.arange(1, len(ITEMS), dtype=np.int32)
    own = [(row, "like") for row in (8, 17)]
    moved = [(row + 2, kind) for row, kind in own]
    assert np.array_equal(before.chances(rows, seen(*own)), after.chances(rows + 2, seen(*moved)))
    new = after.chances(np.arange(3, dtype=np.int32), None)
    assert new[0, 1] > new[1, 1], "the author of the first is talked about"
    assert new[2, 0] > new[1, 0], "that of the third is liked"
    liked = after.chances(np.array([1], dtype=np.int32), seen((1, "like")))[0, 0]
    assert liked > after.chances(np.array([1], dtype=np.int32), seen((2, "like")))[0, 0], "a new author can be known"


def test_without_such_events_nothing_is_said(store: SqlStore) -> None:
    assert learned(store, items(), ACTIONS, "author") is None
    with store.writing() as writer:
        writer.add_events([(None, "u", ITEMS[0], "view", None, None), (None, "u", ITEMS[1], "like", None, None)])
    few = learned(store, items(), ACTIONS, None)
    assert few is not None
    usual = few.over(items()).chances(np.arange(40, dtype=np.int32), None)[:, 0]
    assert np.unique(usual).tolist() == [0.5], "the usual rate for all"
