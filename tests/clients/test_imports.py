"""What must work without trio: the load harness runs it in gevent's world."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize("module", ["checker", "conversation", "wire", "backoff", "backlog", "endpoint"])
def test_the_parts_without_io_load_neither_trio_nor_the_rest_of_the_server(module: str) -> None:
    program = (
        f"import sys, clients.{module}; "
        "print([m for m in sys.modules if m == 'trio' or m.startswith('server.') and 'protocol' not in m])"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert ended.stdout == "[]\n"


def test_the_checker_needs_the_standard_library_only() -> None:
    program = "import sys, clients.checker; print([m for m in ('msgspec', 'server', 'wsproto') if m in sys.modules])"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert ended.stdout == "[]\n"
