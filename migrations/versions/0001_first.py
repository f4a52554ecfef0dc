"""Users, tokens, rooms, members, entries, settings: what two people need to talk."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

words = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")  # server/store/tables.py says why


def upgrade() -> None:
    op.create_table(
        "users",
        sa.Column("id", words, nullable=False),
        sa.Column("name", words, nullable=True),
        sa.Column("display_name", words, nullable=True),
        sa.Column("password_hash", words, nullable=False),
        sa.Column("administrator", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("last_seen", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("name", name=op.f("uq_users_name")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "tokens",
        sa.Column("id", words, nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("user_id", words, nullable=False),
        sa.Column("device", words, nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("last_used", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_tokens_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tokens")),
        sa.UniqueConstraint("hash", name=op.f("uq_tokens_hash")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_tokens_user_id"), "tokens", ["user_id"])
    op.create_index(op.f("ix_tokens_ended_at"), "tokens", ["ended_at"])
    op.create_table(
        "rooms",
        sa.Column("id", words, nullable=False),
        sa.Column("log", words, nullable=False),
        sa.Column("kind", words, nullable=False),
        sa.Column("name", words, nullable=True),
        sa.Column("topic", words, nullable=True),
        sa.Column("last_seq", sa.BigInteger(), nullable=False),
        sa.Column("members", sa.Integer(), nullable=False),
        sa.Column("creator", words, nullable=False),
        sa.Column("nonce", words, nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("first_peer", words, nullable=True),
        sa.Column("second_peer", words, nullable=True),
        sa.ForeignKeyConstraint(["creator"], ["users.id"], name=op.f("fk_rooms_creator")),
        sa.ForeignKeyConstraint(["first_peer"], ["users.id"], name=op.f("fk_rooms_first_peer")),
        sa.ForeignKeyConstraint(["second_peer"], ["users.id"], name=op.f("fk_rooms_second_peer")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rooms")),
        sa.UniqueConstraint("creator", "nonce", name=op.f("uq_rooms_creator_nonce")),
        sa.UniqueConstraint("first_peer", "second_peer", name=op.f("uq_rooms_first_peer_second_peer")),
        postgresql_with={"fillfactor": 80},
        sqlite_with_rowid=False,
    )
    op.create_index(
        "uq_rooms_channel_name",
        "rooms",
        ["name"],
        unique=True,
        sqlite_where=sa.text("kind = 'channel'"),
        postgresql_where=sa.text("kind = 'channel'"),
    )
    op.create_table(
        "members",
        sa.Column("room_id", words, nullable=False),
        sa.Column("user_id", words, nullable=False),
        sa.Column("name", words, nullable=False),
        sa.Column("role", words, nullable=False),
        sa.Column("joined_at", sa.BigInteger(), nullable=False),
        sa.Column("received", sa.BigInteger(), nullable=False),
        sa.Column("read", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["room_id"], ["rooms.id"], name=op.f("fk_members_room_id")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_members_user_id")),
        sa.PrimaryKeyConstraint("room_id", "user_id", name=op.f("pk_members")),
        postgresql_with={"fillfactor": 80},
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_members_user_id"), "members", ["user_id"])
    op.create_index(op.f("ix_members_room_id_name"), "members", ["room_id", "name"])
    op.create_table(
        "entries",
        sa.Column("room_id", words, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("kind", words, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("user_id", words, nullable=False),
        sa.Column("nonce", words, nullable=True),
        sa.Column("digest", sa.LargeBinary(), nullable=True),
        sa.Column("text", words, nullable=True),
        sa.Column("reply_to", sa.BigInteger(), nullable=True),
        sa.Column("by", words, nullable=True),
        sa.Column("reason", words, nullable=True),
        sa.ForeignKeyConstraint(["room_id"], ["rooms.id"], name=op.f("fk_entries_room_id")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_entries_user_id")),
        sa.PrimaryKeyConstraint("room_id", "seq", name=op.f("pk_entries")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "uq_entries_nonce",
        "entries",
        ["room_id", "user_id", "nonce"],
        unique=True,
        sqlite_where=sa.text("nonce IS NOT NULL"),
        postgresql_where=sa.text("nonce IS NOT NULL"),
    )
    op.create_table(
        "settings",
        sa.Column("name", words, nullable=False),
        sa.Column("value", words, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_settings")),
        sqlite_with_rowid=False,
    )
