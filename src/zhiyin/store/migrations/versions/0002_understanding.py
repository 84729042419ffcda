"""Answers and calls of language models, features of items, topics, profiles and what people said of them."""

import sqlalchemy as sa
from alembic import op

from zhiyin.store.schema import Id

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "llm_cache",
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("model_id", sa.Text, nullable=False),
        sa.Column("answer", sa.Text, nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "llm_calls",
        sa.Column("seq", NUMBER, primary_key=True, autoincrement=True),
        sa.Column("time", sa.BigInteger, nullable=False),
        sa.Column("tenant", sa.Text, nullable=False),
        sa.Column("job", sa.Text, nullable=False),
        sa.Column("prompt", sa.Text, nullable=False),
        sa.Column("model_id", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("tokens_in", sa.BigInteger, nullable=False),
        sa.Column("tokens_out", sa.BigInteger, nullable=False),
        sa.Column("money", sa.Double, nullable=False),
        sa.Column("seconds", sa.Double, nullable=False),
        sa.Column("asked", sa.Text),
        sa.Column("answered", sa.Text),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_llm_calls_tenant_time", "llm_calls", ["tenant", "time"])
    op.create_table(
        "item_features",
        sa.Column("reader", sa.Text, primary_key=True),
        sa.Column("text_hash", sa.Text, primary_key=True),
        sa.Column("features", sa.Text, nullable=False),
    )
    op.create_table(
        "topics",
        sa.Column("topic_id", Id, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("described", sa.Text, nullable=False, server_default="{}"),
        sa.Column("merged_into", sa.Text),
    )
    op.create_table(
        "profiles",
        sa.Column("user_id", Id, primary_key=True),
        sa.Column("bundle", sa.Text, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("state", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "profile_edits",
        sa.Column("edit_id", NUMBER, primary_key=True, autoincrement=True),
        sa.Column("user_id", Id, nullable=False),
        sa.Column("time", sa.BigInteger, nullable=False),
        sa.Column("said", sa.Text, nullable=False),
        sa.Column("wishes", sa.Text, nullable=False),
        sa.Column("undone", sa.Boolean, nullable=False, server_default="0"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_profile_edits_user_id", "profile_edits", ["user_id"])


def downgrade() -> None:
    for table in ("profile_edits", "profiles", "topics", "item_features", "llm_calls", "llm_cache"):
        op.drop_table(table)
