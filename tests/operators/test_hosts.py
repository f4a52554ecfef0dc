"""Which names of a `Host` field mean this machine for itself."""

from __future__ import annotations

import pytest

from server.operators.hosts import is_loopback, without_port


@pytest.mark.parametrize("host", ["localhost", "LocalHost:8001", "127.0.0.1", "127.9.9.9:1", "[::1]", "[::1]:8001"])
def test_these_do(host: str) -> None:
    assert is_loopback(without_port(host))


@pytest.mark.parametrize(
    "host", ["", ":8001", "example.org", "localhost.evil.example", "10.0.0.1:80", "0.0.0.0", "[::]", "[", "2130706433"]
)
def test_these_do_not(host: str) -> None:
    assert not is_loopback(without_port(host))
