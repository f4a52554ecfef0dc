"""Memory of an idle connection: authenticated, welcomed, joined to one room, nothing sent.

The slope of the server's memory between 2,000 and 18,000 connections, each its own user, after a rest; once with all of
them in one channel, once in rooms of two. Of Pss, and of the part of it that backs no file: where the two differ, the
share of the libraries moved, because another Python came or went meanwhile.
"""

from __future__ import annotations

import time
from pathlib import Path

from tests.bench import measure
from tests.bench.crowd import Crowd
from tests.bench.stage import served, tell

FEW, MANY = 2_000, 18_000


def idle_memory_figure(folder: Path, rest: float) -> None:
    for shape, rooms in {"one channel": [MANY], "rooms of two": [2] * (MANY // 2)}.items():
        with served(folder, rooms) as (server, people):
            crowd, arrivals = Crowd(), people.arrivals()
            begin = time.perf_counter()
            crowd.connect(server.address, arrivals[:FEW])
            few = _at_rest(crowd, server.process.pid, rest)
            crowd.connect(server.address, arrivals[FEW:])
            taken = time.perf_counter() - begin - rest
            many = _at_rest(crowd, server.process.pid, rest)
            crowd.close()
        pss, anonymous = ((after - before) / (MANY - FEW) for before, after in zip(few, many, strict=True))
        tell(
            "idle_connection",
            shape=shape,
            bytes_per_connection=round(pss),
            anonymous_bytes_per_connection=round(anonymous),
            pss_mib={FEW: round(few[0] / 2**20, 1), MANY: round(many[0] / 2**20, 1)},
            connects_per_second=round(MANY / taken),
            rounds=1,
        )


def _at_rest(crowd: Crowd, pid: int, rest: float) -> tuple[int, int]:
    """Pss, and what of it backs no file."""
    crowd.run(lambda: False, rest)
    return measure.proportional_memory(pid), measure.anonymous_memory(pid)
