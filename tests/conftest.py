"""What tests of more than one folder need."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.postgres import own_postgres, postgres
from tests.harness.server import ServerProcess

__all__ = ["own_postgres", "postgres"]

EXECUTED = ("attacks", "cli/test_serve_command.py")
"""Where the memory of servers is measured, and where `python -m server` is what the tests are about."""


@pytest.fixture(scope="module", autouse=True)
def _servers_begin_with_everything_imported(request: pytest.FixtureRequest) -> Iterator[None]:
    path = str(request.path.relative_to(Path(__file__).parent))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(ServerProcess, "executed", path.startswith(EXECUTED))
        yield
