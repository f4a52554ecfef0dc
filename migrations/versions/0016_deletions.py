"""Rooms that are deleted: since when, and of which the log is not gone yet."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

words = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")  # server/store/tables.py says why


def upgrade() -> None:
    op.add_column("rooms", sa.Column("deleted_at", sa.BigInteger(), nullable=True))
    op.create_table(
        "erasures",
        sa.Column("room_id", words, nullable=False),
        sa.ForeignKeyConstraint(["room_id"], ["rooms.id"], name=op.f("fk_erasures_room_id")),
        sa.PrimaryKeyConstraint("room_id", name=op.f("pk_erasures")),
        sqlite_with_rowid=False,
    )
