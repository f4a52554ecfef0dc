"""Whom messages mention."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

words = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")  # server/store/tables.py says why


def upgrade() -> None:
    op.add_column("entries", sa.Column("mentions", words, nullable=True))
    op.create_table(
        "mentions",
        sa.Column("room_id", words, nullable=False),
        sa.Column("user_id", words, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("author", words, nullable=False),
        sa.ForeignKeyConstraint(["room_id"], ["rooms.id"], name=op.f("fk_mentions_room_id")),
        sa.ForeignKeyConstraint(["author"], ["users.id"], name=op.f("fk_mentions_author")),
        sa.PrimaryKeyConstraint("room_id", "user_id", "seq", name=op.f("pk_mentions")),
        sqlite_with_rowid=False,
    )
