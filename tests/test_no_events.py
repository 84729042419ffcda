"""A catalogue without a single event: similar items, requests and the first event of anybody work by its texts."""

from __future__ import annotations

import json
from pathlib import Path

from zhiyin.recommend import Engine
from zhiyin.testing.project import run

ITEMS = [
    {"item_id": "茶/1", "title": "Green tea from Fujian", "categories": ["Tea"]},
    {"item_id": "tea 2", "title": "Black tea from Assam", "categories": ["Tea"]},
    {"item_id": "tea 3", "title": "Oolong tea, roasted", "categories": ["Tea"]},
    {"item_id": "book 1", "title": "A detective novel", "categories": ["Books"]},
    {"item_id": "book 2", "title": "A novel of the sea", "categories": ["Books"]},
    {"item_id": "书/3", "title": "Short stories of a detective", "categories": ["Books"]},
]


def test_from_items_alone(tmp_path: Path) -> None:
    items, project = tmp_path / "items.jsonl", tmp_path / "shop"
    items.write_text("".join(json.dumps(item, ensure_ascii=False) + "\n" for item in ITEMS), encoding="utf-8")
    assert run("init", project) == 0
    assert run("import", "--items", items, "--project", project, "--quiet") == 0
    assert run("train", "--project", project, "--quiet") == 0
    with Engine.open(project) as engine:
        nobody = engine.recommend("somebody", 3)
        assert nobody.fallback is not None
        assert "as the catalogue has them" in nobody.fallback["reason"]
        assert [item.reasons for item in nobody.items] == [[], [], []]
        asked = engine.recommend(None, 3, query="茶, but nothing from Assam")
        assert {item.item_id for item in asked.items[:2]} <= {"茶/1", "tea 3"}
        assert {item.item_id for item in engine.similar("book 1", 2)} == {"book 2", "书/3"}
        assert {one.name for one in engine._profiler.interests}
    first = tmp_path / "events.csv"
    first.write_text("user_id,item_id\nsomebody,茶/1\n", encoding="utf-8")
    assert run("import", "--events", first, "--project", project, "--quiet") == 0
    with Engine.open(project) as engine:
        found = engine.recommend("somebody", 2)
        assert {item.item_id for item in found.items} == {"tea 2", "tea 3"}
        assert found.items[0].reasons[0].item_id == "茶/1"
