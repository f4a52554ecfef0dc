"""Memory of an idle connection: the slope from 2,000 to 18,000, after a rest, of Pss and of what of it backs no file.

Where the two differ, the share of the libraries moved, because another process with the same ones came or went.

Ours are authenticated, welcomed, and in one room; the peers' are upgraded. Measured once each: it takes minutes.
"""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

from tests.bench import measure
from tests.bench.crowd import Crowd
from tests.bench.stage import served, started
from tests.harness.authority import Authority

FEW, MANY = 2_000, 18_000


def memory_of_ours(folder: Path, rest: float, authority: Authority | None = None) -> dict[str, float]:
    """Bytes for each connection; under TLS where there is an authority."""
    tls = None if authority is None else authority.trusting()
    with served(folder, [MANY], authority=authority) as (server, people):
        return _slope(server.process.pid, server.address, list(people.arrivals()), rest, tls)


def memory_of_peer(command: list[str], rest: float) -> dict[str, float]:
    """Bytes for each connection."""
    with started(*command) as (process, address):
        return _slope(process.pid, address, [(None, None)] * MANY, rest)


def _slope(
    pid: int,
    address: tuple[str, int],
    arrivals: list[tuple[str | None, Any]],
    rest: float,
    tls: ssl.SSLContext | None = None,
) -> dict[str, float]:
    crowd = Crowd()
    try:
        crowd.connect(address, arrivals[:FEW], tls)
        crowd.run(lambda: False, rest)
        few = _memory(pid)
        crowd.connect(address, arrivals[FEW:], tls)
        crowd.run(lambda: False, rest)
        many = _memory(pid)
    finally:
        crowd.close()
    return {name: (many[name] - few[name]) / (MANY - FEW) for name in few}


def _memory(pid: int) -> dict[str, int]:
    return {
        "bytes_per_connection": measure.proportional_memory(pid),
        "anonymous_bytes_per_connection": measure.anonymous_memory(pid),
    }
