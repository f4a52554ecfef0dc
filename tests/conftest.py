"""What tests of more than one folder need."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.postgres import own_postgres, postgres
from tests.harness.server import ServerProcess

__all__ = ["own_postgres", "postgres"]

EXECUTED = ("attacks", "cli")
"""Folders whose tests measure the memory of servers, or are about the command."""


@pytest.fixture(scope="module", autouse=True)
def _servers_begin_with_everything_imported(request: pytest.FixtureRequest) -> Iterator[None]:
    folder = request.path.relative_to(Path(__file__).parent).parts[0]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(ServerProcess, "executed", folder in EXECUTED)
        yield
