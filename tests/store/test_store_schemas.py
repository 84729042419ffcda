"""A schema for each tenant in one PostgreSQL database."""

from __future__ import annotations

from pathlib import Path

import pytest

from zhiyin.config import load_settings
from zhiyin.errors import StoreError
from zhiyin.serve.folders import add, refuse_shared
from zhiyin.store import open_store
from zhiyin.store.schemas import identity, own_schema
from zhiyin.testing.postgres import PostgresServer
from zhiyin.testing.project import run
from zhiyin.testing.rows import event, put_events


@pytest.mark.parametrize("name", ["shop_b", "北京-店", "Case", "case"])
def test_each_name_is_a_store_of_its_own(postgres: PostgresServer, tmp_path: Path, name: str) -> None:
    root = postgres.fresh()
    url = own_schema(root, name)
    assert own_schema(root, name) == url, "again, it is there already"
    ours, theirs = open_store(url, tmp_path), open_store(root, tmp_path)
    put_events(ours, [event("u", name)])
    assert ours.counts()["events"] == 1
    assert theirs.counts()["events"] == 0
    with ours.writing() as writer:
        assert writer.merge_people("u", "v")["events"] == 1
    assert ours.events("v")["item_id"].to_list() == [name]
    assert identity(url, tmp_path) != identity(root, tmp_path)
    ours.close()
    theirs.close()


@pytest.mark.parametrize("name", ["店" * 22, "public", "pg_x"])
def test_names_that_postgres_would_cut_or_keeps_for_itself(postgres: PostgresServer, name: str) -> None:
    with pytest.raises(StoreError, match="no name for a schema"):
        own_schema(postgres.url(), name)


def test_a_tenant_of_a_project_on_postgres(postgres: PostgresServer, tmp_path: Path) -> None:
    assert run("init", tmp_path) == 0
    url = postgres.fresh()
    with (tmp_path / "zhiyin.toml").open("a", encoding="utf-8") as file:
        file.write(f'[store]\nurl = "{url}"\n')
    folder = add(tmp_path, "上海")
    found = load_settings(folder).store.url
    store = open_store(found, folder)
    put_events(store, [event("u", "i")])
    store.close()
    assert postgres.execute('SELECT count(*) FROM "上海".events') == [(1,)]
    assert refuse_shared("上海", folder, found, {"default": identity(url, tmp_path)})
