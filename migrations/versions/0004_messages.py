"""What becomes of a message: entries that concern an earlier one, edits, and who reacted with what."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

words = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")  # server/store/tables.py says why


def upgrade() -> None:
    op.add_column("entries", sa.Column("target", sa.BigInteger(), nullable=True))
    op.add_column("entries", sa.Column("edited_seq", sa.BigInteger(), nullable=True))
    op.add_column("entries", sa.Column("edited_at", sa.BigInteger(), nullable=True))
    op.add_column("entries", sa.Column("reactions", words, nullable=True))
    op.create_table(
        "reactions",
        sa.Column("room_id", words, nullable=False),
        sa.Column("target", sa.BigInteger(), nullable=False),
        sa.Column("user_id", words, nullable=False),
        sa.Column("emoji", words, nullable=False),
        sa.ForeignKeyConstraint(["room_id"], ["rooms.id"], name=op.f("fk_reactions_room_id")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_reactions_user_id")),
        sa.PrimaryKeyConstraint("room_id", "target", "user_id", "emoji", name=op.f("pk_reactions")),
        sqlite_with_rowid=False,
    )
