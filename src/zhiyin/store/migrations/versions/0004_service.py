"""What a service keeps: changes that others must see, lists shown, keys, audit, experiments, leases, erasures."""

import sqlalchemy as sa
from alembic import op

from zhiyin.store.schema import Id

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("events", sa.Column("impression_id", Id))
    op.drop_index("ix_events_user_id_seq", "events")
    op.create_index("ix_events_user_id_seq", "events", ["user_id", "seq", "item_id", "event_type", "value", "time"])
    op.create_table(
        "changes",
        sa.Column("seq", NUMBER, primary_key=True, autoincrement=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("key", Id),
        sa.Column("time", sa.BigInteger, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "impressions",
        sa.Column("seq", NUMBER, primary_key=True, autoincrement=True),
        sa.Column("impression_id", Id, nullable=False),
        sa.Column("user_id", Id, nullable=False),
        sa.Column("surface", sa.Text, nullable=False),
        sa.Column("variant", sa.Text),
        sa.Column("experiment", sa.Text),
        sa.Column("bundle", sa.Text),
        sa.Column("time", sa.BigInteger, nullable=False),
        sa.Column("items", sa.Text, nullable=False),
        sa.Column("confirmed", sa.Boolean, nullable=False, server_default="0"),
        sa.UniqueConstraint("impression_id", name="uq_impressions_impression_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_impressions_user_id_seq", "impressions", ["user_id", "seq"])
    op.create_table(
        "api_keys",
        sa.Column("prefix", Id, primary_key=True),
        sa.Column("hash", sa.Text, nullable=False),
        sa.Column("salt", sa.Text, nullable=False),
        sa.Column("tenant", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("scopes", sa.Text, nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("last_used", sa.BigInteger),
        sa.Column("revoked", sa.BigInteger),
    )
    op.create_table(
        "audit",
        sa.Column("seq", NUMBER, primary_key=True, autoincrement=True),
        sa.Column("time", sa.BigInteger, nullable=False),
        sa.Column("tenant", sa.Text, nullable=False),
        sa.Column("key_prefix", sa.Text),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("target", sa.Text),
        sa.Column("detail", sa.Text),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "experiments",
        sa.Column("name", Id, primary_key=True),
        sa.Column("described", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("changed", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "leases",
        sa.Column("name", Id, primary_key=True),
        sa.Column("holder", sa.Text, nullable=False),
        sa.Column("since", sa.BigInteger, nullable=False),
        sa.Column("until", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "erasures",
        sa.Column("seq", NUMBER, primary_key=True, autoincrement=True),
        sa.Column("user_hash", sa.Text, nullable=False),
        sa.Column("time", sa.BigInteger, nullable=False),
        sa.Column("done_bundle", sa.Text),
        sqlite_autoincrement=True,
    )


def downgrade() -> None:
    for table in ("erasures", "leases", "experiments", "audit", "api_keys", "impressions", "changes"):
        op.drop_table(table)
    op.drop_index("ix_events_user_id_seq", "events")
    op.create_index("ix_events_user_id_seq", "events", ["user_id", "seq"])
    with op.batch_alter_table("events") as events:
        events.drop_column("impression_id")
