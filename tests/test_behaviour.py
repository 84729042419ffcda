"""What is learned of events beside the models: once for a bundle, whatever engines come and go, and before lists."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from zhiyin.listing import ListRequest
from zhiyin.recommend import Engine
from zhiyin.store.appending import EventRow
from zhiyin.store.impressions import Impression
from zhiyin.testing.project import BOOKS, TEAS

FEED = """
[[stage]]
kind = "actions"
[[stage.action]]
name = "like"
types = ["like"]
weight = 5.0
"""
CASE, PHONE, NEW = BOOKS[0], TEAS[0], "新/item"


@pytest.fixture
def engine(trained: Path, tmp_path: Path) -> Iterator[Engine]:
    """Everybody who has the one buys the other; books are liked, of the first author."""
    project = Path(shutil.copytree(trained, tmp_path / "copy"))
    with Engine.open(project) as found:
        rows = [(f"u{n}", item, "purchase") for n in range(30) for item in (PHONE, CASE)]
        rows += [(f"u{n}", item, "view") for n in range(30) for item in (*TEAS[1:4], *BOOKS[1:4])]
        rows += [(f"u{n}", item, "like") for n in range(30) for item in BOOKS[1:4]]
        with found.store.writing() as writer:
            writer.add_events([EventRow(None, *row, None, 1_600_000_000_000_000) for row in rows])
        yield found


@pytest.fixture
def reads(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Grows by one with every reading of all events."""
    seen: list[object] = []
    events = engine.store.events

    def counted(user: str | None = None) -> object:
        if user is None:
            seen.append(user)
        return events(user)

    monkeypatch.setattr(engine.store, "events", counted)
    return seen


def own_pipeline(engine: Engine, name: str, text: str = FEED) -> None:
    assert engine._project is not None
    folder = engine._project / "pipelines"
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.toml").write_text(text, encoding="utf-8")


def feed(engine: Engine, surface: str) -> list[tuple[str, float]]:
    return [(one.item_id, one.score) for one in engine.recommend("tea-0", 20, surface=surface).items]


def put(engine: Engine, item: str) -> None:
    with engine.store.writing() as writer:
        writer.add_events([EventRow(None, "someone", item, "view", None, None)])


def test_new_items_renew_the_engine_and_not_what_was_learned(engine: Engine, reads: list[object]) -> None:
    own_pipeline(engine, "动态")
    engine.warm()
    together = engine.goes_with([PHONE], 3)
    learned, lists = len(reads), feed(engine, "动态")
    assert learned == 2, "how people act, and what they buy together"
    put(engine, NEW)
    newer = engine.renewed()
    newer.warm(engine)
    desk = newer.beside()
    for one in (newer, desk):
        assert NEW in one._shelf.items
        assert feed(one, "动态") == lists
        found = one.goes_with([PHONE], 3)
        assert found[0] == together[0]
        assert (found[0].item_id, found[0].sources) == (CASE, ["bought"])
        one.goes_with([NEW, PHONE], 3)
    assert len(reads) == learned


def test_it_is_learned_before_anybody_asks(engine: Engine, reads: list[object]) -> None:
    own_pipeline(engine, "动态")
    own_pipeline(engine, "cart", "")
    engine.warm()
    learned = len(reads)
    assert learned == 2
    feed(engine, "动态")
    engine.goes_with([PHONE], 3)
    assert len(reads) == learned


def test_a_surface_that_was_shown_of_late_is_made_ready(engine: Engine, reads: list[object]) -> None:
    engine.warm()
    assert not reads, "nobody asks for a feed here"
    with engine.store.writing() as writer:
        writer.put_impressions([Impression("1", "tea-0", "feed", 1), Impression("2", "tea-0", "shown/elsewhere", 2)])
    engine.warm()
    assert reads
    learned = len(reads)
    engine.recommend_many([ListRequest("tea-0", surface="feed")])
    assert len(reads) == learned


def test_another_bundle_learns_what_the_one_before_was_asked_for(engine: Engine, reads: list[object]) -> None:
    own_pipeline(engine, "动态")
    feed(engine, "动态")
    engine.goes_with([PHONE], 3)
    assert engine._project is not None
    (engine._project / "pipelines" / "动态.toml").unlink()
    other = Engine(engine.store, engine.bundle, engine.settings, engine.models, engine._project)
    before = len(reads)
    other.warm(engine)
    assert len(reads) == before + 2, "from the events of today"
    other.goes_with([PHONE], 3)
    other.warm(engine)
    assert len(reads) == before + 2
