"""Threads: what begins them, what is in them, and how far each reader has read."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

words = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")  # server/store/tables.py says why


def upgrade() -> None:
    op.add_column("entries", sa.Column("thread", sa.BigInteger(), nullable=True))
    op.add_column("entries", sa.Column("replies", sa.Integer(), nullable=True))
    op.add_column("entries", sa.Column("last_reply", sa.BigInteger(), nullable=True))
    in_one, begins_one = sa.text("thread IS NOT NULL"), sa.text("last_reply IS NOT NULL")
    op.create_index(
        "ix_entries_room_id_thread_seq", "entries", ["room_id", "thread", "seq"],
        sqlite_where=in_one, postgresql_where=in_one,
    )  # fmt: skip
    op.create_index(
        "ix_entries_room_id_last_reply", "entries", ["room_id", "last_reply"],
        sqlite_where=begins_one, postgresql_where=begins_one,
    )  # fmt: skip
    op.create_table(
        "thread_marks",
        sa.Column("room_id", words, nullable=False),
        sa.Column("target", sa.BigInteger(), nullable=False),
        sa.Column("user_id", words, nullable=False),
        sa.Column("read", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["room_id"], ["rooms.id"], name=op.f("fk_thread_marks_room_id")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_thread_marks_user_id")),
        sa.PrimaryKeyConstraint("room_id", "target", "user_id", name=op.f("pk_thread_marks")),
        sqlite_with_rowid=False,
    )
