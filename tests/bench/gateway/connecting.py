"""Connects a second on one core: the upgrade, and with us the token and the rooms, until the welcome is read.

The client opens a hundred at a time and may be what bounds the rate, so CPU for each connect stands beside it.
"""

from __future__ import annotations

import ssl
import time
from typing import Any

from tests.bench import measure
from tests.bench.crowd import Crowd

SOME = 2_000


def connecting(
    crowd: Crowd,
    pid: int,
    address: tuple[str, int],
    arrivals: list[tuple[str | None, Any]],
    tls: ssl.SSLContext | None = None,
) -> dict[str, float]:
    """All of them connect, and leave again."""
    begin, before = time.perf_counter(), measure.cpu_seconds(pid)
    peers = crowd.connect(address, arrivals, tls)
    taken, used = time.perf_counter() - begin, measure.cpu_seconds(pid) - before
    crowd.leave(peers)
    _settle(pid)
    return {"per_second": len(peers) / taken, "cpu_us": used / len(peers) * 1e6}


def _settle(pid: int) -> None:
    """Until the server has seen them leave: until it does nothing for a while, or for three seconds."""
    end = time.perf_counter() + 3
    used = -1.0
    while time.perf_counter() < end and (now := measure.cpu_seconds(pid)) - used > 0.01:
        used = now
        time.sleep(0.2)
