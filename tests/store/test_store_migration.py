"""A database of the first schema is brought to the newest with everything in it."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, inspect, text

import zhiyin.store
from zhiyin.store import open_store
from zhiyin.store.schema import HEAD, metadata


def test_from_the_first_schema(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'zhiyin.db'}")
    config = Config()
    config.set_main_option("script_location", str(Path(zhiyin.store.__file__).parent / "migrations"))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.execute(text("INSERT INTO users (user_id) VALUES ('张伟')"))
        connection.execute(text("INSERT INTO items (item_id, title) VALUES ('茶/1', 'Tea')"))
        connection.execute(
            text("INSERT INTO events (event_id, user_id, item_id, event_type) VALUES ('1', '张伟', '茶/1', 'view')")
        )
    assert "llm_cache" not in inspect(engine).get_table_names()
    engine.dispose()
    store = open_store("sqlite:///zhiyin.db", tmp_path)
    assert store.counts() == {"users": 1, "items": 1, "events": 1}
    assert store.events("张伟")["item_id"].to_list() == ["茶/1"]
    edit = store.profiles.add_edit("张伟", "少推茶", {"kind": "wish", "wishes": []}, 1)
    assert [one.edit_id for one in store.profiles.edits("张伟")] == [edit]
    store.close()
    engine = create_engine(f"sqlite:///{tmp_path / 'zhiyin.db'}")
    with engine.connect() as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one() == HEAD
    assert set(metadata.tables) <= set(inspect(engine).get_table_names())
    engine.dispose()
