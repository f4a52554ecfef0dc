"""What people did by rights that not everybody has."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

words = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")  # server/store/tables.py says why


def upgrade() -> None:
    op.create_table(
        "audit",
        sa.Column("room_id", words, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("act", words, nullable=False),
        sa.Column("by", words, nullable=False),
        sa.Column("user_id", words, nullable=True),
        sa.Column("reason", words, nullable=True),
        sa.Column("target", sa.BigInteger(), nullable=True),
        sa.Column("news", words, nullable=True),
        sa.ForeignKeyConstraint(["by"], ["users.id"], name=op.f("fk_audit_by")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_audit_user_id")),
        sa.PrimaryKeyConstraint("room_id", "number", name=op.f("pk_audit")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_audit_at"), "audit", ["at"])
