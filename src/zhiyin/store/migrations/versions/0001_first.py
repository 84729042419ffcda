"""Users, items, events, vectors, bundles."""

import sqlalchemy as sa
from alembic import op

from zhiyin.store.schema import Id

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "users",
        sa.Column("user_id", Id, primary_key=True),
        sa.Column("attributes", sa.Text, nullable=False, server_default="{}"),
    )
    op.create_table(
        "items",
        sa.Column("item_id", Id, primary_key=True),
        sa.Column("title", sa.Text),
        sa.Column("description", sa.Text),
        sa.Column("categories", sa.Text, nullable=False, server_default="[]"),
        sa.Column("attributes", sa.Text, nullable=False, server_default="{}"),
        sa.Column("time", sa.BigInteger),
        sa.Column("hidden", sa.Boolean, nullable=False, server_default="0"),
    )
    op.create_table(
        "events",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("event_id", Id, nullable=False),
        sa.Column("user_id", Id, sa.ForeignKey("users.user_id"), nullable=False),
        sa.Column("item_id", Id, sa.ForeignKey("items.item_id"), nullable=False),
        sa.Column("event_type", sa.Text, nullable=False),
        sa.Column("value", sa.Double),
        sa.Column("time", sa.BigInteger),
        sa.UniqueConstraint("event_id", name="uq_events_event_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_events_user_id_seq", "events", ["user_id", "seq"])
    op.create_index("ix_events_item_id", "events", ["item_id"])
    op.create_table(
        "vectors",
        sa.Column("model_id", sa.Text, primary_key=True),
        sa.Column("text_hash", sa.Text, primary_key=True),
        sa.Column("vector", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "bundles",
        sa.Column("name", Id, primary_key=True),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("active", sa.Boolean, nullable=False, server_default="0"),
        sa.Column("manifest", sa.Text, nullable=False),
    )


def downgrade() -> None:
    for table in ("bundles", "vectors", "events", "items", "users"):
        op.drop_table(table)
