"""An engine for all tests here, and a port at which nobody listens."""

from __future__ import annotations

import socket

import pytest

from tests.harness.valkey import engine_url

__all__ = ["engine_url"]


@pytest.fixture
def nobodys_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
