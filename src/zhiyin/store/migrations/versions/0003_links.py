"""Links between people: who is whose friend, who follows whom."""

import sqlalchemy as sa
from alembic import op

from zhiyin.store.schema import Id

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "links",
        sa.Column("user_id", Id, sa.ForeignKey("users.user_id"), primary_key=True),
        sa.Column("other_id", Id, sa.ForeignKey("users.user_id"), primary_key=True),
        sa.Column("weight", sa.Double, nullable=False, server_default="1"),
        sa.Column("time", sa.BigInteger),
    )
    op.create_index("ix_links_other_id", "links", ["other_id"])


def downgrade() -> None:
    op.drop_table("links")
