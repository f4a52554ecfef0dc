"""The index of what was said, and how far the log of each room is in it. The server takes in what is there already,
while it serves."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TSVECTOR

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

words = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")  # server/store/tables.py says why

FTS5 = """
    CREATE VIRTUAL TABLE document_words USING fts5(
        words, content = 'documents', content_rowid = 'doc', columnsize = 0, prefix = '3',
        tokenize = "ascii tokenchars '_'"
    )
"""


def upgrade() -> None:
    op.create_table(
        "documents",
        sa.Column("doc", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("room_id", words, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("words", sa.Text().with_variant(TSVECTOR(), "postgresql"), nullable=False),
        sa.PrimaryKeyConstraint("doc", name=op.f("pk_documents")),
    )
    op.create_table(
        "indexed",
        sa.Column("room_id", words, nullable=False),
        sa.Column("upto", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("room_id", name=op.f("pk_indexed")),
        sqlite_with_rowid=False,
        postgresql_with={"fillfactor": 80},
    )
    if op.get_bind().dialect.name == "sqlite":
        op.execute(FTS5)
        op.execute("INSERT INTO document_words (document_words, rank) VALUES ('secure-delete', 1)")
    else:
        op.execute("CREATE INDEX document_words ON documents USING gin (words)")
