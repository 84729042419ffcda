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

HEAD = "0005"
"""Newest migration. An up-to-date database is opened without loading Alembic."""

metadata = MetaData()

# SQLite numbers rows itself only for a column of type INTEGER.
Sequence = BigInteger().with_variant(Integer(), "sqlite")

# Ids sort by code point in every database, whatever its locale.
Id = Text().with_variant(Text(collation="C"), "postgresql")

users = Table(
    "users",
    metadata,
    Column("user_id", Id, primary_key=True),
    Column("attributes", Text, nullable=False, server_default="{}"),
)

items = Table(
    "items",
    metadata,
    Column("item_id", Id, primary_key=True),
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
    Column("event_id", Id, nullable=False),
    Column("user_id", Id, ForeignKey("users.user_id"), nullable=False),
    Column("item_id", Id, ForeignKey("items.item_id"), nullable=False, index=True),
    Column("event_type", Text, nullable=False),
    Column("value", Double),
    Column("time", BigInteger),
    Column("impression_id", Id),
    UniqueConstraint("event_id", name="uq_events_event_id"),
    # One person's events lie together, with all that a list is made from.
    Index("ix_events_user_id_seq", "user_id", "seq", "item_id", "event_type", "value", "time"),
    sqlite_autoincrement=True,
)

links = Table(
    "links",
    metadata,
    Column("user_id", Id, ForeignKey("users.user_id"), primary_key=True),
    Column("other_id", Id, ForeignKey("users.user_id"), primary_key=True, index=True),
    Column("weight", Double, nullable=False, server_default="1"),
    Column("time", BigInteger),
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
    Column("name", Id, primary_key=True),
    Column("created", BigInteger, nullable=False),
    Column("active", Boolean, nullable=False, server_default="0"),
    Column("manifest", Text, nullable=False),
)

llm_cache = Table(
    "llm_cache",
    metadata,
    Column("key", Text, primary_key=True),
    Column("model_id", Text, nullable=False),
    Column("answer", Text, nullable=False),
    Column("created", BigInteger, nullable=False),
)

llm_calls = Table(
    "llm_calls",
    metadata,
    Column("seq", Sequence, primary_key=True, autoincrement=True),
    Column("time", BigInteger, nullable=False),
    Column("tenant", Text, nullable=False),
    Column("job", Text, nullable=False),
    Column("prompt", Text, nullable=False),
    Column("model_id", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("tokens_in", BigInteger, nullable=False),
    Column("tokens_out", BigInteger, nullable=False),
    Column("money", Double, nullable=False),
    Column("seconds", Double, nullable=False),
    Column("asked", Text),
    Column("answered", Text),
    Index("ix_llm_calls_tenant_time", "tenant", "time"),
    sqlite_autoincrement=True,
)

item_features = Table(
    "item_features",
    metadata,
    Column("reader", Text, primary_key=True),
    Column("text_hash", Text, primary_key=True),
    Column("features", Text, nullable=False),
)

topics = Table(
    "topics",
    metadata,
    Column("topic_id", Id, primary_key=True),
    Column("name", Text, nullable=False),
    Column("described", Text, nullable=False, server_default="{}"),
    Column("merged_into", Text),
)

profiles = Table(
    "profiles",
    metadata,
    Column("user_id", Id, primary_key=True),
    Column("bundle", Text, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("state", LargeBinary, nullable=False),
)

profile_edits = Table(
    "profile_edits",
    metadata,
    Column("edit_id", Sequence, primary_key=True, autoincrement=True),
    Column("user_id", Id, nullable=False, index=True),
    Column("time", BigInteger, nullable=False),
    Column("said", Text, nullable=False),
    Column("wishes", Text, nullable=False),
    Column("undone", Boolean, nullable=False, server_default="0"),
    sqlite_autoincrement=True,
)

changes = Table(
    "changes",
    metadata,
    Column("seq", Sequence, primary_key=True, autoincrement=True),
    Column("kind", Text, nullable=False),
    Column("key", Id),
    Column("time", BigInteger, nullable=False),
    sqlite_autoincrement=True,
)

impressions = Table(
    "impressions",
    metadata,
    Column("seq", Sequence, primary_key=True, autoincrement=True),
    Column("impression_id", Id, nullable=False),
    Column("user_id", Id, nullable=False),
    Column("surface", Text, nullable=False),
    Column("variant", Text),
    Column("experiment", Text),
    Column("bundle", Text),
    Column("time", BigInteger, nullable=False),
    Column("items", Text, nullable=False),
    Column("confirmed", Boolean, nullable=False, server_default="0"),
    UniqueConstraint("impression_id", name="uq_impressions_impression_id"),
    Index("ix_impressions_user_id_seq", "user_id", "seq"),
    sqlite_autoincrement=True,
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("prefix", Id, primary_key=True),
    Column("hash", Text, nullable=False),
    Column("salt", Text, nullable=False),
    Column("tenant", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("scopes", Text, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("last_used", BigInteger),
    Column("revoked", BigInteger),
)

audit = Table(
    "audit",
    metadata,
    Column("seq", Sequence, primary_key=True, autoincrement=True),
    Column("time", BigInteger, nullable=False),
    Column("tenant", Text, nullable=False),
    Column("key_prefix", Text),
    Column("action", Text, nullable=False),
    Column("target", Text),
    Column("detail", Text),
    sqlite_autoincrement=True,
)

experiments = Table(
    "experiments",
    metadata,
    Column("name", Id, primary_key=True),
    Column("described", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("changed", BigInteger, nullable=False),
)

leases = Table(
    "leases",
    metadata,
    Column("name", Id, primary_key=True),
    Column("holder", Text, nullable=False),
    Column("since", BigInteger, nullable=False),
    Column("until", BigInteger, nullable=False),
)

erasures = Table(
    "erasures",
    metadata,
    Column("seq", Sequence, primary_key=True, autoincrement=True),
    Column("user_hash", Text, nullable=False),
    Column("time", BigInteger, nullable=False),
    Column("done_bundle", Text),
    sqlite_autoincrement=True,
)

records = Table(
    "records",
    metadata,
    Column("seq", Sequence, primary_key=True, autoincrement=True),
    Column("kind", Id, nullable=False),
    Column("key", Id, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("time", BigInteger, nullable=False),
    UniqueConstraint("kind", "key", "version", name="uq_records_kind_key_version"),
    sqlite_autoincrement=True,
)

circle_members = Table(
    "circle_members",
    metadata,
    Column("circle_id", Id, primary_key=True),
    Column("user_id", Id, primary_key=True, index=True),
    Column("weight", Double, nullable=False, server_default="1"),
)

ad_shows = Table(
    "ad_shows",
    metadata,
    Column("show_id", Id, primary_key=True),
    Column("campaign", Id, nullable=False),
    Column("creative", Id, nullable=False),
    Column("user_id", Id, nullable=False),
    Column("surface", Text, nullable=False),
    Column("time", BigInteger, nullable=False),
    Column("price", BigInteger, nullable=False),
    Column("charged", BigInteger, nullable=False, server_default="0"),
    Column("probability", Double, nullable=False),
    Column("propensity", Double, nullable=False),
    Column("withheld", Boolean, nullable=False, server_default="0"),
    Column("clicked", BigInteger),
    Column("told", Text),
    Index("ix_ad_shows_campaign_time", "campaign", "time"),
    Index("ix_ad_shows_user_id_campaign_time", "user_id", "campaign", "time"),
)

ad_counts = Table(
    "ad_counts",
    metadata,
    Column("campaign", Id, primary_key=True),
    Column("creative", Id, primary_key=True),
    Column("day", BigInteger, primary_key=True),
    Column("shows", BigInteger, nullable=False, server_default="0"),
    Column("clicks", BigInteger, nullable=False, server_default="0"),
    Column("spent", BigInteger, nullable=False, server_default="0"),
)
