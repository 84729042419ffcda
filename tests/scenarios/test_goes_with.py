"""Complements and substitutes, visible by eye: phones are looked at together, each is bought with a case."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zhiyin.candidates.together import Pairs, Takers, complements
from zhiyin.cli.common import open_project
from zhiyin.errors import UnknownItem, UsageError
from zhiyin.recommend import Engine
from zhiyin.store.appending import EventRow
from zhiyin.testing.project import BOOKS, TEAS, run
from zhiyin.types import NO_TIME

PHONES, CASES, CABLE, RARE = TEAS[:3], BOOKS[:3], BOOKS[5], BOOKS[4]
"""Teas stand in for phones here, books for what one buys with them."""
HOUR = 3_600_000_000


def counted(rows: list[tuple[int, int, int]], n: int, window: int) -> Pairs:
    users, items, times = (np.array(column) for column in zip(*rows, strict=True)) if rows else (np.zeros(0),) * 3
    return Pairs.of(users.astype(np.int32), items.astype(np.int32), times.astype(np.int64), n, window)


def test_pairs_within_a_window_count_each_person_once() -> None:
    rows = [(0, 0, 0), (0, 1, 5), (0, 1, 7), (0, 2, 50), (1, 0, 0), (1, 1, 9), (2, 1, 0)]
    made = counted(rows, 3, 10)
    assert made.counts.toarray().tolist() == [[0, 2, 0], [2, 0, 0], [0, 0, 0]]
    assert made.people.tolist() == [2, 3, 1]
    assert [made.share(0, 1), made.share(1, 0), made.share(0, 2)] == pytest.approx([1.0, 2 / 3, 0.0])


def test_counts_hold_over_other_rows() -> None:
    made = counted([(0, 0, 0), (0, 1, 0), (1, 0, 0), (1, 2, 0)], 3, 1)
    over = made.over(np.array([3, 0, -1], dtype=np.int32), 4)
    assert over.counts.toarray().tolist() == [[0, 0, 0, 1], [0] * 4, [0] * 4, [1, 0, 0, 0]]
    assert over.people.tolist() == [1, 0, 0, 2]
    assert over.share(3, 0) == made.share(0, 1) == 0.5


def test_events_without_a_time_are_of_one_moment() -> None:
    made = counted([(0, 0, NO_TIME), (0, 1, NO_TIME), (0, 2, 5)], 3, 10)
    assert made.counts[0, 1] == 1
    assert made.counts[0, 2] == made.counts[1, 2] == 0


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 4), st.integers(0, 30)), max_size=25), st.integers(0, 12))
def test_pairs_are_those_of_counting_by_hand(rows: list[tuple[int, int, int]], window: int) -> None:
    made = counted(rows, 5, window)
    by_hand = np.zeros((5, 5))
    pairs = {
        (user, min(one, two), max(one, two))
        for user, one, when in rows
        for other, two, later in rows
        if user == other and one != two and abs(when - later) <= window
    }
    for _, one, two in pairs:
        by_hand[one, two] += 1
        by_hand[two, one] += 1
    assert np.array_equal(made.counts.toarray(), by_hand)


def test_what_is_looked_at_instead_goes_with_nothing() -> None:
    bought = counted([(u, item, 0) for u in range(20) for item in (0, 1)] + [(u, 2, 0) for u in range(12)], 3, 1)
    viewed = counted([(u, item, 0) for u in range(50) for item in (0, 2)], 3, 1)
    score = complements(bought, viewed, [0], 1.0)
    assert score[1] > 0
    assert score[2] == score[0] == 0
    assert complements(bought, viewed, [0], 0.0)[2] > 0


@pytest.fixture(scope="module")
def shop(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Everybody looks at two phones on one visit, buys one of them, its case a day later, and every fourth a cable."""
    project = tmp_path_factory.mktemp("shop") / "店"
    shutil.copytree(trained, project)
    rows = []
    for user in range(30):
        phone, at = user % 3, (1_600_000_000 + 86_400 * user) * 1_000_000
        looked = [PHONES[phone], PHONES[(phone + 1) % 3]]
        told = [(item, "view", at + place * HOUR // 60) for place, item in enumerate(looked)]
        told += [(PHONES[phone], "purchase", at + HOUR // 6), (CASES[phone], "purchase", at + 24 * HOUR)]
        told += [(CABLE, "Purchase ", at + 25 * HOUR)] if user % 4 == 0 else []
        rows += [EventRow(None, f"u{user}", item, kind, None, when) for item, kind, when in told]
    with open_project(project) as opened, opened.store.writing() as writer:
        writer.add_events(rows)
    return project


def test_a_phone_goes_with_its_case_and_no_other_phone(shop: Path) -> None:
    with Engine.open(shop) as engine:
        found = engine.goes_with([PHONES[0]], 5)
        assert found[0].item_id == CASES[0]
        assert found[0].sources == ["bought"]
        (reason,) = found[0].reasons
        assert (reason.kind, reason.item_id, reason.share) == ("bought", PHONES[0], 1.0)
        assert reason.words("zh") == f"买了 绿茶 {PHONES[0]} 的人中有 100% 也买了它"
        assert not {one.item_id for one in found} & set(PHONES)
        assert {one.item_id for one in engine.similar(PHONES[0], 3)} & set(PHONES)


def test_no_share_is_told_of_fewer_people_than_five(shop: Path, tmp_path: Path) -> None:
    own = Path(shutil.copytree(shop, tmp_path / "店"))
    with open_project(own) as opened, opened.store.writing() as writer:
        at = 1_700_000_000_000_000
        told = [("lone", item, at + place) for place, item in enumerate((RARE, CABLE))]
        writer.add_events([EventRow(None, user, item, "purchase", None, when) for user, item, when in told])
    with Engine.open(own) as engine:
        (reason,) = next(one for one in engine.goes_with([RARE], 5) if one.item_id == CABLE).reasons
    assert (reason.kind, reason.share) == ("bought", None)
    assert reason.words() == f"bought along with {reason.title}"
    assert "%" not in reason.words("zh")


def test_a_cart_counts_as_a_whole(shop: Path) -> None:
    with Engine.open(shop) as engine:
        found = engine.goes_with([PHONES[0], PHONES[1]], 3)
        assert {one.item_id for one in found[:2]} <= {CASES[0], CASES[1], CABLE}
        assert not {one.item_id for one in found} & set(PHONES)
        assert [one.rank for one in found] == list(range(1, len(found) + 1))
        with pytest.raises(UnknownItem):
            engine.goes_with([PHONES[0], "没有"])
        with pytest.raises(UsageError):
            engine.goes_with([])


def test_the_command(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("similar", PHONES[1], "--kind", "complementary", "--project", shop)
    assert run(*words, "--format", "json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["kind"], told["items"][0]["item_id"]) == ("complementary", CASES[1])
    assert run(*words, "--with", CASES[1], "-k", "1") == 0
    assert CABLE in capsys.readouterr().out
    assert run("similar", PHONES[1], "--with", CASES[1], "--project", shop) == 2


def test_takers_are_counted_once_each() -> None:
    users, items = (np.array(one, dtype=np.int32) for one in ([0, 0, 1, 1, 2, 3], [0, 1, 0, 0, 0, 2]))
    made = Takers.of(users, items, 4)
    assert [made.share(0, 1), made.share(1, 0), made.share(0, 2), made.share(3, 0)] == pytest.approx([1 / 3, 1, 0, 0])
    over = made.over(np.array([-1, 1, 0], dtype=np.int32))
    assert [over.share(2, 1), over.share(0, 1), over.share(1, 0)] == pytest.approx([1 / 3, 0, 0])
    none = Takers.of(users[:0], items[:0], 2)
    assert none.share(0, 1) == 0


def test_without_purchases_each_says_who_took_both(trained: Path) -> None:
    """Only looks: nothing is bought together, and the list of the model has reasons all the same."""
    with Engine.open(trained) as engine:
        # Of one category nothing comes out beside one another: the kinds are taken away to see any.
        engine._goes_with.__dict__["_kinds"] = np.full(len(engine._shelf.items), -1, dtype=np.int32)
        found = engine.goes_with([TEAS[0], BOOKS[5]], 6)
        assert found
        events = engine.store.events()
        for one in found:
            (reason,) = one.reasons
            if reason.kind == "similar":
                assert reason.share is None
                continue
            assert reason.kind == "together"
            mine, theirs = (
                set(events.filter(events["item_id"] == item)["user_id"].to_list())
                for item in (reason.item_id, one.item_id)
            )
            assert reason.share == pytest.approx(len(mine & theirs) / len(mine), abs=1e-4)
            assert reason.words("en").startswith("of those who chose ")
            assert reason.words("zh").startswith("选了 ")
        assert {one.reasons[0].kind for one in found} >= {"together"}
        first = {one.reasons[0].item_id for one in found}
        assert first <= {TEAS[0], BOOKS[5]}


def test_hidden_items_do_not_come(shop: Path) -> None:
    with Engine.open(shop) as engine:
        with engine.store.writing() as writer:
            writer.patch_item(CASES[0], {"hidden": True}, None)
        engine.look_again()
        assert CASES[0] not in {one.item_id for one in engine.goes_with([PHONES[0]], 5)}
        with engine.store.writing() as writer:
            writer.patch_item(CASES[0], {"hidden": False}, None)
