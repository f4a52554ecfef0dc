"""Memory of an idle connection: authenticated, welcomed, joined to one room, nothing sent.

The slope of the server's Pss between 2,000 and 8,000 connections, each its own user, after a rest; once with all
of them in one channel, once in rooms of two.
"""

from __future__ import annotations

import time
from pathlib import Path

from tests.bench import measure
from tests.bench.crowd import Crowd
from tests.bench.stage import served, tell

FEW, MANY = 2_000, 8_000


def idle_memory_figure(folder: Path, rest: float) -> None:
    for shape, rooms in {"one channel": [MANY], "rooms of two": [2] * (MANY // 2)}.items():
        with served(folder, rooms) as (server, people):
            crowd = Crowd()
            everyone = [person for room in people.rooms for person in room]
            memory: dict[int, int] = {}
            begin = time.perf_counter()
            for number, person in enumerate(everyone, 1):
                crowd.connect(server.address, person.token)
                if number in (FEW, MANY):
                    taken = time.perf_counter() - begin
                    crowd.run(lambda: False, rest)
                    memory[number] = measure.proportional_memory(server.process.pid)
            crowd.close()
        tell(
            "idle_connection",
            shape=shape,
            bytes_per_connection=round((memory[MANY] - memory[FEW]) / (MANY - FEW)),
            pss_mib={count: round(used / 2**20, 1) for count, used in memory.items()},
            connects_per_second_one_by_one=round(MANY / taken),
            rounds=1,
        )
