"""What the scenarios keep: versioned documents, members of circles, advertisements shown and what was spent."""

import sqlalchemy as sa
from alembic import op

from zhiyin.store.schema import Id

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "records",
        sa.Column("seq", NUMBER, primary_key=True, autoincrement=True),
        sa.Column("kind", Id, nullable=False),
        sa.Column("key", Id, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("time", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("kind", "key", "version", name="uq_records_kind_key_version"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "circle_members",
        sa.Column("circle_id", Id, primary_key=True),
        sa.Column("user_id", Id, primary_key=True),
        sa.Column("weight", sa.Double, nullable=False, server_default="1"),
    )
    op.create_index("ix_circle_members_user_id", "circle_members", ["user_id"])
    op.create_table(
        "ad_shows",
        sa.Column("show_id", Id, primary_key=True),
        sa.Column("campaign", Id, nullable=False),
        sa.Column("creative", Id, nullable=False),
        sa.Column("user_id", Id, nullable=False),
        sa.Column("surface", sa.Text, nullable=False),
        sa.Column("time", sa.BigInteger, nullable=False),
        sa.Column("price", sa.BigInteger, nullable=False),
        sa.Column("charged", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("probability", sa.Double, nullable=False),
        sa.Column("propensity", sa.Double, nullable=False),
        sa.Column("withheld", sa.Boolean, nullable=False, server_default="0"),
        sa.Column("clicked", sa.BigInteger),
        sa.Column("told", sa.Text),
    )
    op.create_index("ix_ad_shows_campaign_time", "ad_shows", ["campaign", "time"])
    op.create_index("ix_ad_shows_user_id_campaign_time", "ad_shows", ["user_id", "campaign", "time"])
    op.create_table(
        "ad_counts",
        sa.Column("campaign", Id, primary_key=True),
        sa.Column("creative", Id, primary_key=True),
        sa.Column("day", sa.BigInteger, primary_key=True),
        sa.Column("shows", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("clicks", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("spent", sa.BigInteger, nullable=False, server_default="0"),
    )


def downgrade() -> None:
    for table in ("ad_counts", "ad_shows", "circle_members", "records"):
        op.drop_table(table)
