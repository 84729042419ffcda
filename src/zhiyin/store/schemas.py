"""One store for each tenant: what tells two addresses apart, and schemas of one PostgreSQL database."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import create_engine, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError

from zhiyin.errors import StoreError

LONGEST = 63
"""Bytes of a name in PostgreSQL; it cuts longer ones off, and two of them could become one.
https://www.postgresql.org/docs/current/sql-syntax-lexical.html"""
TAKEN = ("public", "information_schema")


def is_postgres(url: str) -> bool:
    return url.partition(":")[0].startswith("postgres")


def identity(url: str, project: Path) -> str:
    """The same for two addresses of the same store: the file, or server, database and schema."""
    address = make_url(url)
    if not is_postgres(url):
        if not address.database or address.database == ":memory:":
            return f"memory of {project.resolve()}"
        return str((project / address.database).resolve())
    host = address.host or address.query.get("host", "")
    return repr((host, address.port or 5432, address.database, address.query.get("options", "")))


def own_schema(url: str, name: str) -> str:
    """Make the schema ``name`` in the database at ``url`` where it is missing; the address of it. Raises StoreError."""
    if len(name.encode()) > LONGEST or name in TAKEN or name.startswith("pg_"):
        fix = f"take up to {LONGEST} bytes of UTF-8, none of {', '.join(TAKEN)}, no pg_ in front"
        raise StoreError(f"'{name}' is no name for a schema", where="NAME", fix=fix)
    address = make_url(url).set(drivername="postgresql+psycopg")
    try:
        engine = create_engine(address)
    except ImportError as missing:
        fix = "pip install 'zhiyin[postgres]'"
        raise StoreError("the driver for PostgreSQL is not installed", where="[store] url", fix=fix) from missing
    try:
        with engine.begin() as connection:
            connection.execute(text(f'CREATE SCHEMA IF NOT EXISTS "{name}"'))
    except DBAPIError as failure:
        fix = "let this user make schemas there (GRANT CREATE ON DATABASE), or make it by hand"
        raise StoreError(f"the database says: {str(failure.orig).strip()}", where=str(address), fix=fix) from failure
    finally:
        engine.dispose()
    return _of_schema(address, name).set(drivername="postgresql").render_as_string(hide_password=False)


def _of_schema(address: URL, name: str) -> URL:
    return address.update_query_dict({"options": f'-csearch_path="{name}"'})
