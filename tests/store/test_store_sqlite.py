from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

import zhiyin.store
from zhiyin.errors import StoreError, StoreUnavailable
from zhiyin.ports import Written
from zhiyin.store import open_store
from zhiyin.store.schema import HEAD, metadata
from zhiyin.testing.rows import event, events_frame, put_events, put_users, users_frame

URL = "sqlite:///zhiyin.db"

KILLED = """
import sys, time
from pathlib import Path
from zhiyin.store import open_store
from zhiyin.testing.rows import event, events_frame, users_frame

store = open_store("sqlite:///zhiyin.db", Path(sys.argv[1]))
with store.writing() as writer:
    writer._connection.exec_driver_sql("PRAGMA cache_size = 10")  # the open transaction spills to the disk
    writer.put_events(events_frame(event("u", f"item {row}", row) for row in range(20_000)))
    writer.put_users(users_frame([("kept", "changed")]))
    print("written", flush=True)
    time.sleep(60)
"""

OPENED = """
import sys
from pathlib import Path
from zhiyin.store import open_store
from zhiyin.testing.rows import put_users

print("ready", flush=True)
sys.stdin.readline()
for folder in range(4):
    store = open_store(f"sqlite:///{folder}/zhiyin.db", Path(sys.argv[1]))
    put_users(store, [(sys.argv[2], "{}")])
    store.close()
"""


def start(program: str, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", program, *arguments]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    process.stdout.readline()
    return process


def failure(url: str, project: Path) -> StoreError:
    with pytest.raises(StoreError) as caught:
        open_store(url, project).close()
    assert "\n" not in caught.value.line
    assert caught.value.fix
    return caught.value


def test_a_killed_process_leaves_the_store_as_it_was(tmp_path: Path) -> None:
    with closing(open_store(URL, tmp_path)) as store:
        put_users(store, [("kept", "{}")])
    process = start(KILLED, str(tmp_path))
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert (tmp_path / "zhiyin.db-wal").stat().st_size > 1_000_000, "the transaction had reached the disk"
    with closing(open_store(URL, tmp_path)) as store:
        assert store.counts() == {"users": 1, "items": 0, "events": 0}
        assert store.users().rows() == [("kept", "{}")]
        assert put_events(store, [event("u", "i")]) == Written(1, 0, 0)


def test_a_new_database_opened_by_several_processes_at_once(tmp_path: Path) -> None:
    for folder in range(4):
        (tmp_path / str(folder)).mkdir()
    processes = [start(OPENED, str(tmp_path), f"user {number}") for number in range(2)]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    for process in processes:
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors
    for folder in range(4):
        with closing(open_store(URL, tmp_path / str(folder))) as store:
            assert store.users()["user_id"].to_list() == ["user 0", "user 1"]


def test_opening_waits_for_whoever_holds_a_new_file(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "zhiyin.db", isolation_level=None, check_same_thread=False)) as raw:
        raw.execute("BEGIN IMMEDIATE")
        raw.execute("CREATE TABLE t (x)")
        release = threading.Timer(0.3, lambda: raw.execute("ROLLBACK"))
        release.start()
        open_store(URL, tmp_path).close()
        release.join()


def test_another_process_reads_while_one_writes(tmp_path: Path) -> None:
    with closing(open_store(URL, tmp_path)) as one, closing(open_store(URL, tmp_path)) as other:
        put_users(one, [("before", "{}")])
        with one.writing() as writer:
            writer.put_users(users_frame([("during", "{}")]))
            assert other.users()["user_id"].to_list() == ["before"]
        assert other.users()["user_id"].to_list() == ["before", "during"]


def test_settings_of_every_connection(tmp_path: Path) -> None:
    with closing(open_store(URL, tmp_path)) as store, store.writing(), store._engine.connect() as second:
        for pragma, value in (
            ("journal_mode", "wal"),
            ("synchronous", 2),
            ("busy_timeout", 10_000),
            ("foreign_keys", 1),
            ("secure_delete", 1),
        ):
            assert second.exec_driver_sql(f"PRAGMA {pragma}").scalar_one() == value


def test_everything_is_in_the_file_after_close(tmp_path: Path) -> None:
    with closing(open_store(URL, tmp_path)) as store:
        put_events(store, [event("u", "i")])
    assert [path.name for path in tmp_path.iterdir()] == ["zhiyin.db"]


def test_tables_and_migrations_agree(tmp_path: Path) -> None:
    open_store(URL, tmp_path).close()
    engine = create_engine(f"sqlite:///{tmp_path / 'zhiyin.db'}")
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, metadata) == []
    engine.dispose()


def test_head_is_the_newest_migration() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(zhiyin.store.__file__).parent / "migrations"))
    assert ScriptDirectory.from_config(config).get_current_head() == HEAD


def test_a_newer_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    open_store(URL, tmp_path).close()
    with closing(sqlite3.connect(tmp_path / "zhiyin.db")) as raw:
        raw.execute("UPDATE alembic_version SET version_num = '9999'")
        raw.commit()
    before = (tmp_path / "zhiyin.db").read_bytes()
    error = failure(URL, tmp_path)
    assert "9999" in error.what
    assert error.fix == "upgrade Zhiyin"
    assert (tmp_path / "zhiyin.db").read_bytes() == before


def test_a_schema_of_somebody_else_is_refused(tmp_path: Path) -> None:
    open_store(URL, tmp_path).close()
    with closing(sqlite3.connect(tmp_path / "zhiyin.db")) as raw:
        raw.execute("UPDATE alembic_version SET version_num = '0000a1'")
        raw.commit()
    assert "0000a1" in failure(URL, tmp_path).what


def test_tables_of_somebody_else_are_left_alone(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "zhiyin.db")) as raw:
        raw.execute("CREATE TABLE items (x)")
    assert "already exists" in failure(URL, tmp_path).what
    with closing(sqlite3.connect(tmp_path / "zhiyin.db")) as raw:
        assert raw.execute("SELECT name FROM sqlite_master").fetchall() == [("items",)]


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "zhiyin.db").write_bytes(b"user_id,item_id\n" * 100)
    error = failure(URL, tmp_path)
    assert "not a database" in error.what
    assert error.where is not None
    assert "zhiyin.db" in error.where


def test_a_damaged_database(tmp_path: Path) -> None:
    with closing(open_store(URL, tmp_path)) as store:
        put_events(store, [event("u", f"item {row}") for row in range(5000)])
    whole = (tmp_path / "zhiyin.db").read_bytes()
    (tmp_path / "zhiyin.db").write_bytes(whole[:8192] + b"\xff" * (len(whole) - 8192))
    with pytest.raises(StoreError) as caught, closing(open_store(URL, tmp_path)) as store:
        store.events()
    assert "\n" not in caught.value.line


@pytest.mark.parametrize(
    "url",
    [
        "",
        "zhiyin.db",
        "sqlite://zhiyin.db",
        "sqlite://host:port/zhiyin.db",
        "sqlite+nosuchdriver:///zhiyin.db",
        "mysql://user:secret@host/zhiyin",
        "nosuch+thing:///zhiyin.db",
    ],
)
def test_addresses_that_are_not_understood(url: str, tmp_path: Path) -> None:
    error = failure(url, tmp_path)
    assert "sqlite:///zhiyin.db" in error.line
    assert "secret" not in error.line
    assert list(tmp_path.iterdir()) == []


def test_a_missing_folder(tmp_path: Path) -> None:
    assert str(tmp_path / "缺" / "z.db") in failure("sqlite:///缺/z.db", tmp_path).line


def test_a_folder_in_place_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "zhiyin.db").mkdir()
    assert "unable to open" in failure(URL, tmp_path).what


def test_paths(tmp_path: Path) -> None:
    project = tmp_path / "项目 ?#%20&"
    project.mkdir()
    elsewhere = tmp_path / "elsewhere.db"
    for url in (URL, f"sqlite:///{elsewhere}"):
        with closing(open_store(url, project)) as store:
            put_users(store, [("u", "{}")])
    assert [path.name for path in project.iterdir()] == ["zhiyin.db"]
    assert elsewhere.is_file()


def test_in_memory(tmp_path: Path) -> None:
    for url in ("sqlite://", "sqlite:///:memory:"):
        with closing(open_store(url, tmp_path)) as store:
            assert put_events(store, [event("u", "i")]) == Written(1, 0, 0)
            assert store.counts() == {"users": 1, "items": 1, "events": 1}
    assert list(tmp_path.iterdir()) == []


def test_writers_wait_and_then_say_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(open_store(URL, tmp_path)) as one, closing(open_store(URL, tmp_path)) as other:
        with other._engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA busy_timeout = 50")
        with one.writing() as writer:
            writer.put_events(events_frame([event("u", "i")]))
            with pytest.raises(StoreError, match="locked"):
                put_users(other, [("u", "{}")])
        assert put_users(other, [("u", "2")]) == Written(0, 1, 0)


def test_a_full_disk(tmp_path: Path) -> None:
    """What does not fit is undone and said; what was acknowledged stays, and room brings the store back."""
    with closing(open_store(URL, tmp_path)) as store:
        put_events(store, [event("u", "i")])
        with store.writing() as writer:
            size = writer.connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        with store._engine.connect() as connection:
            connection.exec_driver_sql(f"PRAGMA max_page_count = {size + 5}")
        with pytest.raises(StoreUnavailable, match="full") as caught:
            put_events(store, [event("u", f"item {row}") for row in range(5000)])
        assert caught.value.fix == "make room on the disk"
        assert store.counts() == {"users": 1, "items": 1, "events": 1}
        with store._engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA max_page_count = 100000")
        assert put_events(store, [event("u", f"item {row}") for row in range(5000)]) == Written(5000, 0, 0)


def test_a_database_that_may_only_be_read(tmp_path: Path) -> None:
    with closing(open_store(URL, tmp_path)) as store:
        put_events(store, [event("u", "i")])
        with store._engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA query_only = ON")
        with pytest.raises(StoreUnavailable, match="readonly"):
            put_events(store, [event("u", "j")])
        assert store.item_ids() == ["i"]
        with store._engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA query_only = OFF")
        assert put_events(store, [event("u", "j")]) == Written(1, 0, 0)


def test_erased_text_is_in_no_file(tmp_path: Path) -> None:
    """Freed pages and the write-ahead log are overwritten too."""
    secret = "张伟-not-to-be-found"
    with closing(open_store(URL, tmp_path)) as store:
        with store.writing() as writer:
            writer.set_users([(secret, f'{{"note": "{secret}"}}')])
            writer.add_events([(None, secret, f"item {row}", "view", None, row) for row in range(500)])
            writer.add_events([(None, "u", f"item {row}", "view", None, row) for row in range(500)])
        mark = store.changes.mark()
        assert any(secret.encode() in path.read_bytes() for path in tmp_path.iterdir())
        store.erase(secret, b"key", 1)
        assert store.changes.since(mark).rewritten == {secret}
        # Its name stays for a day in what other processes are told.
        assert store.erasures.prune_changes(2**62) > 0
        store.scrub()
        for path in tmp_path.iterdir():
            assert secret.encode() not in path.read_bytes(), path.name
        assert len(store.events()) == 500
