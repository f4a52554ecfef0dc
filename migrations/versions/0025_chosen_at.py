"""When people changed last what they have chosen, for nodes that did not hear of it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("users", sa.Column("chosen_at", sa.BigInteger(), nullable=True))
    is_known = sa.text("chosen_at IS NOT NULL")
    op.create_index("ix_users_chosen_at", "users", ["chosen_at"], sqlite_where=is_known, postgresql_where=is_known)
