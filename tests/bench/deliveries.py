"""Server CPU per delivery in a room of 200, beside a program that loops `sock.send` over as many sockets.

How it is measured, and why the loop is measured in two rhythms: `gateway/delivering.py`. Peers, and what is not
stored, are in `make bench-gateway`.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

from tests.bench.crowd import Crowd
from tests.bench.gateway.contestants import MEMBERS, event_of, frame_bytes, hubbub, loop
from tests.bench.gateway.delivering import IN_FLIGHT, delivering_round, warm
from tests.bench.gateway.figures import FLOOR, FULL_SPEED, SAME_RHYTHM, contest, medians
from tests.bench.stage import tell


def deliveries_figure(folder: Path, rounds: int, seconds: float) -> None:
    """Prints a line for one and for eight posts in flight, and one for the loop beside each."""
    with contextlib.closing(Crowd()) as crowd, hubbub(crowd, folder) as (stored, _):
        size = frame_bytes(event_of(crowd, stored))
        with loop(crowd, FLOOR, size) as floor:
            warm(crowd, [stored, floor])
            pairs = [(stored, floor)]
            found = medians(each for _ in range(rounds) for each in delivering_round(crowd, pairs, [], seconds))
    for in_flight in IN_FLIGHT:
        ours = found[contest(stored.name, in_flight)]
        tell(
            "durable_delivery",
            members=MEMBERS,
            in_flight=in_flight,
            server_cpu_us=ours["cpu_us"],
            per_second=ours["per_second"],
            times_the_send_loop=ours["of_floor"],
            times_the_send_loop_at_full_speed=ours["of_floor_at_full_speed"],
        )
        tell(
            "send_loop",
            unit="us CPU per send",
            bytes=size,
            in_flight=in_flight,
            same_rhythm=found[contest(f"{FLOOR}, {SAME_RHYTHM}", in_flight)]["cpu_us"],
            full_speed=found[contest(f"{FLOOR}, {FULL_SPEED}", in_flight)]["cpu_us"],
        )
