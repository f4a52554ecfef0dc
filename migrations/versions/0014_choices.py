"""Whether somebody keeps to themselves how far they have read."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("users", sa.Column("hides_receipts", sa.Boolean(), nullable=True))
