"""Invites: codes that let people into a room, and the key that they are signed with."""

from __future__ import annotations

import secrets

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

words = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")  # server/store/tables.py says why

KEY_BYTES = 32


def upgrade() -> None:
    op.create_table(
        "invites",
        sa.Column("id", words, nullable=False),
        sa.Column("room_id", words, nullable=False),
        sa.Column("by", words, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("uses", sa.Integer(), nullable=True),
        sa.Column("used", sa.Integer(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["room_id"], ["rooms.id"], name=op.f("fk_invites_room_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invites")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_invites_room_id", "invites", ["room_id"])
    settings = sa.table("settings", sa.column("name", words), sa.column("value", words))
    op.execute(sa.insert(settings).values(name="invite_key", value=secrets.token_hex(KEY_BYTES)))
