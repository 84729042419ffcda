"""The tables, as SQLAlchemy Core sees them. Migrations make them; a test checks that both agree."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

HEAD = "0001"
"""Newest migration. An up-to-date database is opened without loading Alembic."""

metadata = MetaData()

# SQLite numbers rows itself only for a column of type INTEGER.
Sequence = BigInteger().with_variant(Integer(), "sqlite")

users = Table(
    "users",
    metadata,
    Column("user_id", Text, primary_key=True),
    Column("attributes", Text, nullable=False, server_default="{}"),
)

items = Table(
    "items",
    metadata,
    Column("item_id", Text, primary_key=True),
    Column("title", Text),
    Column("description", Text),
    Column("categories", Text, nullable=False, server_default="[]"),
    Column("attributes", Text, nullable=False, server_default="{}"),
    Column("time", BigInteger),
    Column("hidden", Boolean, nullable=False, server_default="0"),
)

events = Table(
    "events",
    metadata,
    Column("seq", Sequence, primary_key=True, autoincrement=True),
    Column("event_id", Text, nullable=False),
    Column("user_id", Text, ForeignKey("users.user_id"), nullable=False),
    Column("item_id", Text, ForeignKey("items.item_id"), nullable=False, index=True),
    Column("event_type", Text, nullable=False),
    Column("value", Double),
    Column("time", BigInteger),
    UniqueConstraint("event_id", name="uq_events_event_id"),
    Index("ix_events_user_id_seq", "user_id", "seq"),
    sqlite_autoincrement=True,
)

vectors = Table(
    "vectors",
    metadata,
    Column("model_id", Text, primary_key=True),
    Column("text_hash", Text, primary_key=True),
    Column("vector", LargeBinary, nullable=False),
)

bundles = Table(
    "bundles",
    metadata,
    Column("name", Text, primary_key=True),
    Column("created", BigInteger, nullable=False),
    Column("active", Boolean, nullable=False, server_default="0"),
    Column("manifest", Text, nullable=False),
)
