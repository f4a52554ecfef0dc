"""Accounts that were deleted: whose rooms are still to be left, and which names nobody can have for a while."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

words = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")  # server/store/tables.py says why


def upgrade() -> None:
    op.create_table(
        "departures",
        sa.Column("user_id", words, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_departures_user_id")),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_departures")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "retired_names",
        sa.Column("name", words, nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_retired_names")),
        sqlite_with_rowid=False,
    )
