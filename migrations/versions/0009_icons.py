"""What a room is shown with."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

words = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")  # server/store/tables.py says why


def upgrade() -> None:
    op.add_column("rooms", sa.Column("icon", words, nullable=True))
