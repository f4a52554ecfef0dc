"""What tests of more than one folder need."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.harness.postgres import own_postgres, postgres
from tests.harness.server import ServerProcess

__all__ = ["own_postgres", "postgres"]

settings.register_profile("untimed", settings(), deadline=None)
settings.load_profile("untimed")  # a machine that is busy is no finding

EXECUTED = ("attacks", "cli/test_serve_command.py")
"""Where the memory of servers is measured, and where `python -m server` is what the tests are about."""


@pytest.fixture(scope="module", autouse=True)
def _servers_begin_with_everything_imported(request: pytest.FixtureRequest) -> Iterator[None]:
    path = str(request.path.relative_to(Path(__file__).parent))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(ServerProcess, "executed", path.startswith(EXECUTED))
        yield
