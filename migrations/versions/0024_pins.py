"""What is pinned in a room."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

words = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")  # server/store/tables.py says why


def upgrade() -> None:
    op.create_table(
        "pins",
        sa.Column("room_id", words, nullable=False),
        sa.Column("target", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("by", words, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["room_id"], ["rooms.id"], name=op.f("fk_pins_room_id")),
        sa.PrimaryKeyConstraint("room_id", "target", name=op.f("pk_pins")),
        sqlite_with_rowid=False,
    )
