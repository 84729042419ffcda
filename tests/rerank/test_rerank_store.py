"""Attributes, times and events out of a store, in the rows of the items; and the commands that show pipelines."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from zhiyin.cli.pipelines import app
from zhiyin.errors import ConfigError
from zhiyin.itemview import facts_of, items_of, seen_of
from zhiyin.pipeline import SHIPPED
from zhiyin.prepare import read_catalogue
from zhiyin.store import open_store
from zhiyin.testing.project import run
from zhiyin.types import NO_TIME, IdMap


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "店 one"
    assert run("init", folder) == 0
    items, events = tmp_path / "items.jsonl", tmp_path / "events.csv"
    rows = [
        {"item_id": "茶/1", "title": "绿茶", "categories": ["茶"], "brand": "龙井", "price": 12.5, "timestamp": 1.6e9},
        {"item_id": "pot 2", "title": "Teapot", "categories": ["Ware"], "price": "$30"},
    ]
    items.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    events.write_text(
        "user_id,item_id,event_type,timestamp\n"
        "张伟,茶/1,purchase,1600000000\n张伟,gone,view,\n张伟,茶/1,view,1600000009\n"
        "bob,茶/1,view,\nbob,pot 2,view,1600000001\n",
        encoding="utf-8",
    )
    assert run("import", "--events", events, "--items", items, "--project", folder, "--quiet") == 0
    return folder


def test_facts_and_events(project: Path) -> None:
    store = open_store("sqlite:///zhiyin.db", project)
    try:
        ids = IdMap(["not stored", "茶/1", "pot 2"])
        facts = facts_of(store, ids)
        assert list(facts.attributes) == [{}, {"brand": "龙井", "price": 12.5}, {"price": "$30"}]
        assert facts.times.tolist() == [NO_TIME, 1_600_000_000_000_000, NO_TIME]
        seen = seen_of(store, ids, "张伟")
        assert seen.rows.tolist() == [1, 1]
        assert list(seen.types) == ["purchase", "view"]
        assert seen.times.tolist() == [1_600_000_000_000_000, 1_600_000_009_000_000]
        assert seen_of(store, ids, "nobody").rows.tolist() == []
        whole = IdMap(store.item_ids())
        items = items_of(whole, read_catalogue(store.items(), whole), store)
        assert items.attribute_names == ["brand", "price"]
        assert dict(zip(whole, items.popularity.tolist(), strict=True)) == {"茶/1": 2.0, "pot 2": 1.0, "gone": 1.0}
        assert items_of(whole, read_catalogue(store.items(), whole), store, popularity=np.ones(3)).popularity.sum() == 3
    finally:
        store.close()


def test_commands(project: Path, tmp_path: Path) -> None:
    (project / "pipelines").mkdir()
    own = project / "pipelines" / "home.toml"
    own.write_text('[[stage]]\nkind = "boost"\nwhere = { brand = "龙井" }\n', encoding="utf-8")
    at = ["--project", str(project)]
    told = CliRunner().invoke(app, ["list", *at]).output.splitlines()
    shipped = sorted(path.stem for path in SHIPPED.glob("*.toml"))
    assert [line.split("  ")[0] for line in told] == shipped
    assert f"home  boost  ({own})" in told
    rows = json.loads(CliRunner().invoke(app, ["list", "--format", "json", *at]).output)
    assert {row["name"]: row["own"] for row in rows} == {name: name == "home" for name in shipped}
    assert "1. boost: brand 龙井: worth times 1.5" in CliRunner().invoke(app, ["show", "home", *at]).output
    shown = json.loads(CliRunner().invoke(app, ["show", "新", "--format", "json", *at]).output)
    assert (shown["name"], shown["stages"][0]["kind"]) == ("default", "diversity")
    sound = CliRunner().invoke(app, ["check", str(own), *at])
    assert (sound.exit_code, sound.output) == (0, f"{own} is sound: boost.\n")
    wrong = tmp_path / "wrong.toml"
    wrong.write_text('[[stage]]\nkind = "boost"\nwhere = { brnad = "龙井" }\n', encoding="utf-8")
    refused = CliRunner().invoke(app, ["check", str(wrong), *at]).exception
    assert isinstance(refused, ConfigError)
    assert "no item has the attribute 'brnad'" in refused.line
