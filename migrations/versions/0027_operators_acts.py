"""Acts of operators, who are nobody's account."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

words = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")  # server/store/tables.py says why


def upgrade() -> None:
    if op.get_bind().dialect.name != "sqlite":
        op.alter_column("audit", "by", existing_type=words, nullable=True)
        return
    op.rename_table("audit", "audit_before")  # SQLite changes no column that is there
    op.drop_index(op.f("ix_audit_at"), "audit_before")
    op.create_table(
        "audit",
        sa.Column("room_id", words, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("act", words, nullable=False),
        sa.Column("by", words, nullable=True),
        sa.Column("user_id", words, nullable=True),
        sa.Column("reason", words, nullable=True),
        sa.Column("target", sa.BigInteger(), nullable=True),
        sa.Column("news", words, nullable=True),
        sa.ForeignKeyConstraint(["by"], ["users.id"], name=op.f("fk_audit_by")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_audit_user_id")),
        sa.PrimaryKeyConstraint("room_id", "number", name=op.f("pk_audit")),
        sqlite_with_rowid=False,
    )
    columns = 'room_id, number, at, act, "by", user_id, reason, target, news'
    op.execute(f"INSERT INTO audit ({columns}) SELECT {columns} FROM audit_before")  # noqa: S608 - our own words
    op.drop_table("audit_before")
    op.create_index(op.f("ix_audit_at"), "audit", ["at"])
