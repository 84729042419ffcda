"""Connections to PostgreSQL, by psycopg 3 (the extra ``postgres``)."""

from __future__ import annotations

from sqlalchemy import URL, Connection, Engine, create_engine, event

from zhiyin.errors import StoreError
from zhiyin.store.dialect import take_turn
from zhiyin.store.migrate import WRITING

CONNECT_SECONDS = 5
AT_ONCE = 20
"""Connections of one process at the most."""


def connect(address: URL, patience: float) -> Engine:
    """An engine whose connections wait ``patience`` seconds for a lock. A connection is tried before it is handed out,
    so that a server that was gone is no error once it is back. Raises StoreError where the driver is missing."""
    try:
        engine = create_engine(
            address,
            pool_pre_ping=True,
            pool_size=5,
            max_overflow=AT_ONCE - 5,
            pool_timeout=patience,
            connect_args={"connect_timeout": CONNECT_SECONDS} | _named(address),
        )
    except ImportError as missing:
        raise StoreError(
            "the driver for PostgreSQL is not installed",
            where="[store] url",
            fix="pip install 'zhiyin[postgres]'",
        ) from missing

    @event.listens_for(engine, "connect")
    def set_up(connection, _record) -> None:  # type: ignore[no-untyped-def]  # the driver's own type
        connection.execute(f"SET lock_timeout = {round(patience * 1000)}")
        # An acknowledged write is on the disk, whatever the server's default says.
        connection.execute("SET synchronous_commit = on")
        connection.commit()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        if connection.get_execution_options().get(WRITING, False):
            take_turn(connection)

    return engine


def _named(address: URL) -> dict[str, str]:
    return {} if "application_name" in address.query else {"application_name": "zhiyin"}
