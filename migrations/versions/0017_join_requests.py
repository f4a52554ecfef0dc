"""Requests to come into a room: of people whom an invite lets only ask."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

words = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")  # server/store/tables.py says why


def upgrade() -> None:
    op.create_table(
        "join_requests",
        sa.Column("room_id", words, nullable=False),
        sa.Column("user_id", words, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["room_id"], ["rooms.id"], name=op.f("fk_join_requests_room_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_join_requests_user_id")),
        sa.PrimaryKeyConstraint("room_id", "user_id", name=op.f("pk_join_requests")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_join_requests_user_id", "join_requests", ["user_id"])
