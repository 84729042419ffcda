from __future__ import annotations

import random
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, make_url

from zhiyin.errors import DataError, StoreError, StoreUnavailable
from zhiyin.ports import Written
from zhiyin.store import open_store
from zhiyin.store.postgres import connect
from zhiyin.store.schema import metadata
from zhiyin.store.sql import SqlStore
from zhiyin.testing.postgres import PostgresServer
from zhiyin.testing.rows import event, put_events, put_users

KILLED = """
import sys, time
from pathlib import Path
from zhiyin.store import open_store

store = open_store(sys.argv[1], Path())
with store.writing() as writer:
    writer.add_events([(None, "u", f"item {row}", "view", None, row) for row in range(5000)])
    print("written", flush=True)
    time.sleep(60)
"""


@pytest.fixture(scope="module")
def own() -> Iterator[PostgresServer]:
    """A server that a test may stop."""
    with PostgresServer() as server:
        yield server


def test_a_server_that_was_gone(own: PostgresServer) -> None:
    """What is asked meanwhile says so at once; everything works again when it is back, on the same store."""
    url = own.fresh()
    with closing(open_store(url, Path())) as store:
        put_events(store, [event("u", "i")])
        mark = store.changes.mark()
        start = own.stop()
        for call in (
            store.item_ids,
            store.changes.token,
            lambda: store.events_of(["u"]),
            lambda: put_users(store, [("u", "1")]),
            lambda: open_store(url, Path()),
        ):
            with pytest.raises(StoreUnavailable) as gone:
                call()
            assert "\n" not in gone.value.line
            assert gone.value.fix
        start()
        assert store.changes.since(mark).mark == mark
        assert store.events_of(["u"]).item_id == ["i"]
        assert put_users(store, [("u", "1")]) == Written(0, 1, 0)
        assert store.item_ids() == ["i"]


def test_a_server_that_goes_in_the_middle_of_a_transaction(own: PostgresServer) -> None:
    with closing(open_store(own.fresh(), Path())) as store:

        def cut_off() -> None:
            with store.writing() as writer:
                writer.add_events([(None, "u", "i", "view")])
                start.append(own.stop())
                writer.add_events([(None, "u", "j", "view")])

        start: list[Callable[[], None]] = []
        with pytest.raises(StoreUnavailable):
            cut_off()
        start[0]()
        assert store.counts() == {"users": 0, "items": 0, "events": 0}
        with store.writing() as writer:
            assert writer.add_events([(None, "u", "i", "view")]) == Written(1, 0, 0)


def test_a_killed_process_leaves_the_store_as_it_was(postgres: PostgresServer) -> None:
    url = postgres.fresh()
    with closing(open_store(url, Path())) as store:
        put_users(store, [("kept", "{}")])
        process = subprocess.Popen([sys.executable, "-c", KILLED, url], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        assert process.stdout.readline() == "written\n"
        process.kill()
        process.communicate()
        assert put_events(store, [event("u", "i")]) == Written(1, 0, 0)
        assert store.counts() == {"users": 2, "items": 1, "events": 1}


def test_the_order_of_numbers_is_the_order_of_commits(postgres: PostgresServer) -> None:
    """A reader who has seen a number sees nothing new below it later, though many write at once."""
    url = postgres.fresh()
    with closing(open_store(url, Path())) as store, closing(open_store(url, Path())) as other:

        def write(name: str) -> None:
            for number in range(20):
                with (store if number % 2 else other).writing() as writer:
                    writer.add_events([(f"{name} {number}", name, "i", "view")])

        threads = [threading.Thread(target=write, args=(f"t{number}",)) for number in range(4)]
        for thread in threads:
            thread.start()
        seen: list[int] = []
        while any(thread.is_alive() for thread in threads):
            seen += other.events_of([f"t{number}" for number in range(4)], max(seen, default=0)).seq
        seen += other.events_of([f"t{number}" for number in range(4)], max(seen, default=0)).seq
        assert len(set(seen)) == len(seen) == 80


def test_schemas_do_not_see_each_other(postgres: PostgresServer) -> None:
    first, second = postgres.fresh(), postgres.fresh()
    with closing(open_store(first, Path())) as one, closing(open_store(second, Path())) as two:
        put_events(one, [event("u", "i")])
        assert two.counts() == {"users": 0, "items": 0, "events": 0}
        with one.writing(), two.writing() as writer:
            assert writer.add_events([(None, "u", "i", "view")]) == Written(1, 0, 0), "they need not wait"


def test_tables_and_migrations_agree(postgres: PostgresServer) -> None:
    url = postgres.fresh()
    open_store(url, Path()).close()
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, metadata) == []
    engine.dispose()


def test_a_schema_that_is_not_there(postgres: PostgresServer) -> None:
    with pytest.raises(StoreError) as caught:
        open_store(postgres.url("nowhere"), Path())
    assert caught.value.fix == "create the schema that search_path in [store] url names"
    assert not isinstance(caught.value, StoreUnavailable), "waiting does not help"


def test_nobody_listens(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable) as caught:
        open_store(f"postgresql://anna:secret@/db?host={tmp_path}", tmp_path)
    assert "secret" not in caught.value.line
    assert "\n" not in caught.value.line


def test_a_database_that_is_not_there(postgres: PostgresServer) -> None:
    with pytest.raises(StoreError) as caught:
        open_store(postgres.url().replace("/postgres?", "/nosuch?"), Path())
    assert caught.value.fix == "check the names in [store] url"


def test_without_the_driver() -> None:
    """The address needs a package of an extra; nothing else of the store does."""
    code = (
        "import sys; sys.modules['psycopg'] = None\n"
        "from pathlib import Path\nfrom zhiyin.errors import StoreError\nfrom zhiyin.store import open_store\n"
        "open_store('sqlite://', Path()).close()\n"
        "try:\n    open_store('postgresql://host/db', Path())\n"
        "except StoreError as error:\n    print(error.line)"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "the driver for PostgreSQL is not installed" in said
    assert "pip install 'zhiyin[postgres]'" in said


@pytest.mark.parametrize(
    "name", ["a\x00b", "a\ud800", random.Random(0).randbytes(2000).hex()], ids=["nul", "half", "long"]
)
def test_text_that_it_cannot_hold(postgres: PostgresServer, name: str) -> None:
    with closing(open_store(postgres.fresh(), Path())) as store:
        with pytest.raises(DataError) as caught, store.writing() as writer:
            writer.add_events([(None, name, "i", "view")])
        assert "\n" not in caught.value.line
        assert store.counts() == {"users": 0, "items": 0, "events": 0}


def test_writers_wait_and_then_say_so(postgres: PostgresServer) -> None:
    url = postgres.fresh()
    with (
        closing(open_store(url, Path())) as one,
        closing(SqlStore(connect(make_url(url).set(drivername="postgresql+psycopg"), patience=0.2))) as other,
    ):
        with one.writing() as writer:
            writer.add_events([(None, "u", "i", "view")])
            with pytest.raises(StoreUnavailable, match="lock timeout"):
                put_users(other, [("u", "{}")])
            assert other.item_ids() == [], "readers do not wait"
        assert put_users(other, [("u", "2")]) == Written(0, 1, 0)


def test_an_address_of_libpq(postgres: PostgresServer) -> None:
    for start in ("postgres:", "postgresql+psycopg:"):
        with closing(open_store(postgres.url().replace("postgresql:", start), Path())) as store:
            assert store.item_ids() == []
