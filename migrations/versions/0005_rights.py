"""Who may do what in a room, beside the roles: who is banned, who is muted, and what a `room` entry says."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

words = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")  # server/store/tables.py says why


def upgrade() -> None:
    op.add_column("rooms", sa.Column("quiet_until", sa.BigInteger(), nullable=True))
    op.add_column("entries", sa.Column("news", words, nullable=True))
    op.create_table(
        "bans",
        sa.Column("room_id", words, nullable=False),
        sa.Column("user_id", words, nullable=False),
        sa.Column("by", words, nullable=False),
        sa.Column("reason", words, nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["room_id"], ["rooms.id"], name=op.f("fk_bans_room_id")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_bans_user_id")),
        sa.PrimaryKeyConstraint("room_id", "user_id", name=op.f("pk_bans")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "mutes",
        sa.Column("room_id", words, nullable=False),
        sa.Column("user_id", words, nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["room_id"], ["rooms.id"], name=op.f("fk_mutes_room_id")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_mutes_user_id")),
        sa.PrimaryKeyConstraint("room_id", "user_id", name=op.f("pk_mutes")),
        sqlite_with_rowid=False,
    )
