"""Users, items, events, text vectors and bundles in one SQL database."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from zhiyin.errors import StoreError
from zhiyin.store.migrate import WRITING, migrate
from zhiyin.store.sql import SqlStore, store_error


def open_store(url: str, project: Path) -> SqlStore:
    """The store at ``url`` (a relative SQLite path is taken from ``project``), made or migrated where needed.

    Raises StoreError for an address that is not understood, and for a database that cannot be opened.
    """
    try:
        address = make_url(url)
    except ArgumentError as bad:
        raise StoreError(f"'{url}' is no database address", where="[store] url", fix="use sqlite:///zhiyin.db") from bad
    if address.get_backend_name() != "sqlite":
        raise StoreError(
            f"'{address.get_backend_name()}' is no known kind of store",
            where="[store] url",
            fix="use sqlite:///zhiyin.db",
        )
    if address.database and address.database != ":memory:":
        path = project / address.database
        if not path.parent.is_dir():
            raise StoreError("the folder of the database is not there", where=str(path), fix=f"make {path.parent}")
        address = address.set(database=str(path))
    engine = create_engine(address)
    _prepare_sqlite(engine)
    try:
        migrate(engine)
    except DBAPIError as failure:
        raise store_error(failure, str(engine.url)) from failure
    return SqlStore(engine)


def _prepare_sqlite(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def set_up(connection, _record) -> None:  # type: ignore[no-untyped-def]  # the driver's own type
        # Transactions are begun by us: the driver would commit before some statements of its own accord.
        connection.isolation_level = None
        connection.execute("PRAGMA busy_timeout = 10000")
        connection.execute("PRAGMA journal_mode = WAL")
        # FULL: what was acknowledged survives a power cut.
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA cache_size = -65536")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # A transaction that is going to write takes its place at once, so that two of them wait in line.
        writing = connection.get_execution_options().get(WRITING, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")
