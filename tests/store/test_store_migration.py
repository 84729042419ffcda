"""A database of any earlier schema is brought to the newest with everything in it."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, create_engine, inspect, text

import zhiyin.store
from zhiyin.dump import dump
from zhiyin.ports import Written
from zhiyin.store import open_store
from zhiyin.store.schema import HEAD, metadata
from zhiyin.testing.rows import event, put_events

ROWS = {
    "0001": [
        """INSERT INTO users (user_id, attributes) VALUES ('张伟', '{"age": 3}')""",
        "INSERT INTO users (user_id) VALUES ('a/b')",
        "INSERT INTO items (item_id, title, time) VALUES ('茶/1', 'Tea', 5)",
        "INSERT INTO items (item_id, hidden) VALUES ('b', '1')",
        "INSERT INTO events (event_id, user_id, item_id, event_type, value) VALUES ('1', '张伟', '茶/1', 'view', 0.1)",
        "INSERT INTO events (event_id, user_id, item_id, event_type, time) VALUES ('2', 'a/b', 'b', 'view', 7)",
        "INSERT INTO bundles (name, created, active, manifest) VALUES ('one', 1, '1', '{}')",
    ],
    "0002": [
        "INSERT INTO profile_edits (user_id, time, said, wishes) VALUES ('张伟', 1, '少推茶', '{}')",
        "INSERT INTO llm_cache (key, model_id, answer, created) VALUES ('k', 'm', '{}', 1)",
        "INSERT INTO topics (topic_id, name) VALUES ('t', '茶')",
    ],
    "0003": ["INSERT INTO links (user_id, other_id) VALUES ('张伟', 'a/b')"],
    "0004": [
        "INSERT INTO impressions (impression_id, user_id, surface, time, items) VALUES ('1', '张伟', 'home', 1, '[]')",
        "INSERT INTO changes (kind, key, time) VALUES ('profile', '张伟', 1)",
    ],
}


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'zhiyin.db'}"
    return str(request.getfixturevalue("postgres").fresh()).replace("postgresql:", "postgresql+psycopg:")


def upgrade(engine: Engine, version: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(zhiyin.store.__file__).parent / "migrations"))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, version)


@pytest.mark.parametrize("start", ["0001", "0002", "0003", "0004"])
def test_from_an_earlier_schema(start: str, url: str, tmp_path: Path) -> None:
    engine = create_engine(url)
    for version in [one for one in ROWS if one <= start]:
        upgrade(engine, version)
        with engine.begin() as connection:
            for statement in ROWS[version]:
                connection.execute(text(statement))
    there = set(inspect(engine).get_table_names())
    assert "records" not in there
    assert ("changes" in there) == (start == "0004")
    with closing(open_store(url, tmp_path)) as store:
        assert store.counts() == {"users": 2, "items": 2, "events": 2} | ({"links": 1} if start >= "0003" else {})
        assert store.users().rows() == [("a/b", "{}"), ("张伟", '{"age": 3}')]
        assert store.items().rows() == [
            ("b", None, None, [], "{}", None, True),
            ("茶/1", "Tea", None, [], "{}", 5, False),
        ]
        assert store.events().rows() == [
            (1, "张伟", "茶/1", "view", 0.1, None),
            (2, "a/b", "b", "view", None, 7),
        ]
        assert store.bundles()["active"].to_list() == [True]
        assert [one.said for one in store.profiles.edits("张伟")] == (["少推茶"] if start > "0001" else [])
        assert store.calls.answers(["k"]) == ({"k": "{}"} if start > "0001" else {})
        assert store.links().rows() == ([("张伟", "a/b", 1.0, None)] if start >= "0003" else [])
        assert len(store.impressions.of_user("张伟")) == (start >= "0004")
        assert store.records.put("page", "茶/1", "draft", {}) == 1
        mark = store.changes.mark()
        assert put_events(store, [event("张伟", "b")]) == Written(1, 0, 0)
        assert store.events()["seq"].to_list() == [1, 2, 3]
        assert store.changes.since(mark).users == {"张伟"}
        assert dump(store, tmp_path / "dump").tables["events"][0] == 3
    with engine.connect() as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one() == HEAD
    assert set(metadata.tables) <= set(inspect(engine).get_table_names())
    engine.dispose()


def test_down_and_up_again(url: str, tmp_path: Path) -> None:
    """Every migration can be undone, which only its author needs, and leaves nothing in the way of the next."""
    engine = create_engine(url)
    config = Config()
    config.set_main_option("script_location", str(Path(zhiyin.store.__file__).parent / "migrations"))
    for target in ("head", "base", "head"):
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            (command.downgrade if target == "base" else command.upgrade)(config, target)
    engine.dispose()
    with closing(open_store(url, tmp_path)) as store:
        assert put_events(store, [event("u", "i")]) == Written(1, 0, 0)
