"""Users, items, events, text vectors and bundles in one SQL database."""

from __future__ import annotations

import random
import sqlite3
import time
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from zhiyin.errors import StoreError
from zhiyin.store.migrate import WRITING, migrate
from zhiyin.store.sql import SqlStore
from zhiyin.store.trouble import store_error

PATIENCE = 10.0
"""Seconds to wait for another process that writes."""
ASK_SECONDS = (0.0005, 0.0015)
"""Bounds of the pause between two looks at the lock."""
LOG_PAGES = 8000
"""Pages of 4 KiB in SQLite's write-ahead log before they are moved into the file."""


def open_store(url: str, project: Path) -> SqlStore:
    """The store at ``url`` (a relative SQLite path is taken from ``project``), made or migrated where needed.

    Raises StoreError for an address that is not understood, and for a database that cannot be opened; StoreUnavailable
    where it may be opened later.
    """
    address = _address(url)
    if address.get_backend_name() == "postgresql":
        from zhiyin.store.postgres import connect

        return _opened(connect(address, PATIENCE))
    if address.database and address.database != ":memory:":
        path = project / address.database
        if not path.parent.is_dir():
            raise StoreError("the folder of the database is not there", where=str(path), fix=f"make {path.parent}")
        address = address.set(database=str(path))
    engine = create_engine(address)
    _prepare_sqlite(engine)
    return _opened(engine)


def _opened(engine: Engine) -> SqlStore:
    try:
        migrate(engine)
    except DBAPIError as failure:
        engine.dispose()
        raise store_error(failure, str(engine.url)) from failure
    except StoreError:
        engine.dispose()
        raise
    return SqlStore(engine)


def _address(url: str) -> URL:
    fix = "use sqlite:///zhiyin.db, or four slashes and the whole path, or postgresql://USER:PASSWORD@HOST/DATABASE"
    try:
        address = make_url(url)
    except (ArgumentError, ValueError) as bad:
        raise StoreError("not a database address", where="[store] url", fix=fix) from bad
    if address.drivername in ("postgresql", "postgres", "postgresql+psycopg"):
        return address.set(drivername="postgresql+psycopg")
    if address.drivername not in ("sqlite", "sqlite+pysqlite"):
        raise StoreError(f"'{address.drivername}' is no known kind of store", where="[store] url", fix=fix)
    if address.host:
        raise StoreError(f"SQLite has no host '{address.host}'", where="[store] url", fix=fix)
    return address


def _use_wal(connection: sqlite3.Connection) -> None:
    """Switch to the write-ahead log. SQLite does not wait for others by itself here: two processes that open a new
    file at once would see it locked."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as busy:
            if "locked" not in str(busy) or time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def _prepare_sqlite(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def set_up(connection, _record) -> None:  # type: ignore[no-untyped-def]  # the driver's own type
        # Transactions are begun by us: the driver would commit before some statements of its own accord.
        connection.isolation_level = None
        connection.execute(f"PRAGMA busy_timeout = {PATIENCE * 1000:.0f}")
        _use_wal(connection)
        # FULL: what was acknowledged survives a power cut.
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        # What is deleted is overwritten: an erased person is not to be read in the file's free places.
        connection.execute("PRAGMA secure_delete = ON")
        connection.execute("PRAGMA cache_size = -65536")
        # Small transactions touch the same pages again and again: they are moved into the file once for many.
        connection.execute(f"PRAGMA wal_autocheckpoint = {LOG_PAGES}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # A transaction that is going to write takes its place at once, so that two of them wait in line.
        if connection.get_execution_options().get(WRITING, False):
            _begin_writing(connection)
        else:
            connection.exec_driver_sql("BEGIN")


def _begin_writing(connection: Connection) -> None:
    """SQLite by itself looks ever more seldom whether a lock is free, up to every 100 ms: beside a process that writes
    without pause another would hardly ever have its turn. So it is asked often."""
    driver = connection.connection.dbapi_connection
    assert isinstance(driver, sqlite3.Connection)
    deadline = time.monotonic() + PATIENCE
    driver.execute("PRAGMA busy_timeout = 0")
    try:
        while True:
            try:
                driver.execute("BEGIN IMMEDIATE")
                return
            except sqlite3.OperationalError as busy:
                if "locked" not in str(busy) or time.monotonic() > deadline:
                    raise
                time.sleep(random.uniform(*ASK_SECONDS))
    finally:
        driver.execute(f"PRAGMA busy_timeout = {PATIENCE * 1000:.0f}")
