"""The directory of channels: by which texts each is found."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from server.store.channel_terms import terms_of

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

words = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")  # server/store/tables.py says why

ROOMS_AT_ONCE = 1_000


def upgrade() -> None:
    terms = op.create_table(
        "channel_terms",
        sa.Column("room_id", words, nullable=False),
        sa.Column("term", words, nullable=False),
        sa.ForeignKeyConstraint(["room_id"], ["rooms.id"], name=op.f("fk_channel_terms_room_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("room_id", "term", name=op.f("pk_channel_terms")),
        sqlite_with_rowid=False,
    )
    connection = op.get_bind()
    channels = connection.exec_driver_sql("SELECT id, name, topic FROM rooms WHERE kind = 'channel'")
    while some := channels.fetchmany(ROOMS_AT_ONCE):
        rows = [{"room_id": room, "term": term} for room, name, topic in some for term in terms_of(name, topic)]
        connection.execute(sa.insert(terms), rows)
    op.create_index("ix_channel_terms_term_room_id", "channel_terms", ["term", "room_id"])
