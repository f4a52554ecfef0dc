"""Memberships by when they began, for who asks every two seconds; and a name for each cluster."""

from __future__ import annotations

import secrets

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(op.f("ix_members_joined_at"), "members", ["joined_at"])
    settings = sa.table("settings", sa.column("name", sa.Text()), sa.column("value", sa.Text()))
    op.bulk_insert(settings, [{"name": "cluster", "value": secrets.token_hex(8)}])
