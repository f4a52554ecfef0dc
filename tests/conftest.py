"""What tests of more than one folder need."""

from __future__ import annotations

from tests.harness.postgres import own_postgres, postgres

__all__ = ["own_postgres", "postgres"]
