"""How people want to be shown, and what they say of themselves."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

words = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")  # server/store/tables.py says why


def upgrade() -> None:
    for name in ("status", "status_text", "status_emoji"):
        op.add_column("users", sa.Column(name, words, nullable=True))
