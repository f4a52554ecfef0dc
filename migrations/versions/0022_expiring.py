"""Messages that disappear."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

words = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")  # server/store/tables.py says why


def upgrade() -> None:
    op.create_table(
        "expiring",
        sa.Column("room_id", words, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["room_id"], ["rooms.id"], name=op.f("fk_expiring_room_id")),
        sa.PrimaryKeyConstraint("room_id", "seq", name=op.f("pk_expiring")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_expiring_at"), "expiring", ["at"])
