"""Server CPU for each delivery, with so many posts on their way before the first one is answered.

The floor is measured twice. At full speed its reader never sleeps: as soon as one fan-out has arrived the next one is
asked for. Any server leaves its reader time to fall asleep between two posts, and then pays for waking it, inside
`send`; so beside each of ours stands the floor in the same rhythm: asked for as many at a time, when ours was.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass

from tests.bench import measure
from tests.bench.crowd import Crowd, Peer, hear_with
from tests.bench.gateway.contestants import Contestant
from tests.bench.gateway.figures import FULL_SPEED, SAME_RHYTHM, contest

IN_FLIGHT = (1, 8)


@dataclass(frozen=True)
class Delivering:
    """Microseconds of CPU for a delivery, all and the main thread's; deliveries a second; ms from asking to asking."""

    cpu_us: float
    main_thread_us: float
    per_second: float
    period_ms: float


def delivering(crowd: Crowd, contestant: Contestant, in_flight: int, seconds: float, period: float = 0.0) -> Delivering:
    """Ask for `in_flight` things at a time, again as soon as all have arrived, or at the earliest after `period`."""
    contestant.rest()
    arrived = wanted = times = 0

    def heard(_peer: Peer, payload: bytes) -> None:
        nonlocal arrived
        arrived += payload.startswith(contestant.opening)

    hear_with(contestant.peers, heard)
    most = contestant.most // in_flight
    begin, before = time.perf_counter(), measure.cpu_seconds(contestant.pid)
    before_in_main = measure.main_thread_seconds(contestant.pid)
    while times < most and (asked := time.perf_counter()) - begin < seconds:
        for _ in range(in_flight):
            contestant.ask()
        times += 1
        wanted += in_flight * contestant.receivers
        crowd.run(lambda wanted=wanted: arrived >= wanted, 10)  # type: ignore[misc]
        assert arrived == wanted, (contestant.name, arrived, wanted)
        time.sleep(max(0.0, asked + period - time.perf_counter()))
    elapsed = time.perf_counter() - begin
    used = measure.cpu_seconds(contestant.pid) - before
    in_main = measure.main_thread_seconds(contestant.pid) - before_in_main
    return Delivering(used / arrived * 1e6, in_main / arrived * 1e6, arrived / elapsed, elapsed / times * 1e3)


def warm(crowd: Crowd, contestants: list[Contestant]) -> None:
    """What follows 200 connects is over, and everyone has done it once, before anything is measured."""
    crowd.run(lambda: False, 3)
    for contestant in contestants:
        delivering(crowd, contestant, 1, 0.5)


def delivering_round(
    crowd: Crowd, ours: list[tuple[Contestant, Contestant]], others: list[Contestant], seconds: float
) -> Iterator[tuple[str, dict[str, float]]]:
    """One round of everyone: who, and what was found.

    `ours` are pairs of what is measured and the floor that sends as many bytes.
    """
    for in_flight in IN_FLIGHT:
        for contestant, floor in ours:
            found = delivering(crowd, contestant, in_flight, seconds)
            same = delivering(crowd, floor, in_flight, seconds, found.period_ms / 1e3)
            full = delivering(crowd, floor, in_flight, seconds)
            ratios = {"of_floor": found.cpu_us / same.cpu_us, "of_floor_at_full_speed": found.cpu_us / full.cpu_us}
            yield contest(contestant.name, in_flight), asdict(found) | ratios
            yield contest(f"{floor.name}, {SAME_RHYTHM}", in_flight), asdict(same)
            yield contest(f"{floor.name}, {FULL_SPEED}", in_flight), asdict(full)
        for other in others:
            yield contest(other.name, in_flight), asdict(delivering(crowd, other, in_flight, seconds))
