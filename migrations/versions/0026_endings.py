"""Rooms that an operator wants deleted."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

words = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")  # server/store/tables.py says why


def upgrade() -> None:
    op.create_table(
        "endings",
        sa.Column("room_id", words, nullable=False),
        sa.Column("reason", words),
        sa.ForeignKeyConstraint(["room_id"], ["rooms.id"], name=op.f("fk_endings_room_id")),
        sa.PrimaryKeyConstraint("room_id", name=op.f("pk_endings")),
        sqlite_with_rowid=False,
    )
