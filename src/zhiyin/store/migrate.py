"""Bring a database to the newest schema."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, text

from zhiyin.errors import StoreError
from zhiyin.store.schema import HEAD

WRITING = "zhiyin_writing"
"""Execution option of connections that are going to write."""


def migrate(engine: Engine) -> None:
    """Run the migrations that ``engine``'s database lacks; an up-to-date one is left alone.

    Raises StoreError where the database was made by a newer Zhiyin, or by something else.
    """
    with engine.connect() as connection:
        version = current(connection)
    if version == HEAD:
        return
    if version is not None and version > HEAD:
        raise StoreError(
            f"the database has schema {version} and this Zhiyin knows only {HEAD}",
            where=str(engine.url),
            fix="upgrade Zhiyin",
        )
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    with engine.execution_options(**{WRITING: True}).begin() as connection:
        if current(connection) == HEAD:  # another process was quicker
            return
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        except CommandError as unknown:
            raise StoreError(
                f"the database has schema {version}, which is none of Zhiyin's",
                where=str(engine.url),
                fix="set another [store] url",
            ) from unknown


def current(connection: Connection) -> str | None:
    """Version of the schema, or None for an empty database."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()
