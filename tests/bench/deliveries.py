"""Server CPU per delivery in a room of 200, beside a program that loops `sock.send` over the same sockets.

`in_flight` is the number of posts on their way before the first acknowledgement; the next ones are sent when all
200 members have got the ones before. Server CPU is user and system time of all threads, the commit included.
"""

from __future__ import annotations

import socket
import time
from pathlib import Path

from tests.bench import measure
from tests.bench.crowd import Crowd, Peer, hear_with
from tests.bench.stage import python, served, started, tell

MEMBERS = 200


def deliveries_figure(folder: Path, rounds: int, seconds: float) -> None:
    """Prints the floor, and a line for one and for eight posts in flight, all from interleaved rounds."""
    floor_us: list[float] = []
    ours: dict[int, list[float]] = {1: [], 8: []}
    rates: dict[int, list[float]] = {1: [], 8: []}
    with served(folder, [MEMBERS]) as (server, people):
        crowd = Crowd()
        peers = crowd.connect(server.address, people.arrivals())
        size = _event_size(crowd, peers)
        for _ in range(rounds):
            floor_us.append(_floor_round(size, seconds))
            for in_flight, found in ours.items():
                cpu, rate = _round(server.process.pid, crowd, peers, in_flight, seconds)
                found.append(cpu)
                rates[in_flight].append(rate)
        crowd.close()
    tell("send_loop", unit="us CPU per send", bytes=size, cpu_us=measure.spread(floor_us))
    for in_flight, found in ours.items():
        tell(
            "durable_delivery",
            members=MEMBERS,
            in_flight=in_flight,
            server_cpu_us=measure.spread(found),
            per_second=measure.spread(rates[in_flight]),
            times_the_send_loop=measure.spread([cpu / low for cpu, low in zip(found, floor_us, strict=True)]),
        )


def _event_size(crowd: Crowd, peers: list[Peer]) -> int:
    """Bytes of one event's frame on the wire."""
    sizes: list[int] = []
    hear_with(peers, lambda _, payload: sizes.append(len(payload)) if b'"message"' in payload[:20] else None)
    peers[0].post()
    crowd.run(lambda: len(sizes) >= len(peers), 10)
    return sizes[0] + 4


def _round(pid: int, crowd: Crowd, peers: list[Peer], in_flight: int, seconds: float) -> tuple[float, float]:
    """Microseconds of server CPU per delivery, and deliveries a second."""
    arrived = 0

    def heard(_peer: Peer, payload: bytes) -> None:
        nonlocal arrived
        if payload.startswith(b'{"op":"message"'):
            arrived += 1

    hear_with(peers, heard)
    wanted, begin, before = 0, time.perf_counter(), measure.cpu_seconds(pid)
    while time.perf_counter() - begin < seconds:
        for _ in range(in_flight):
            peers[0].post()
        wanted += in_flight * len(peers)
        crowd.run(lambda wanted=wanted: arrived >= wanted, 10)  # type: ignore[misc]
        assert arrived == wanted, (arrived, wanted)
    return (measure.cpu_seconds(pid) - before) / arrived * 1e6, arrived / (time.perf_counter() - begin)


def _floor_round(size: int, seconds: float) -> float:
    """Microseconds of CPU per send of the bare loop, read by the same crowd code."""
    with started(*python(Path(__file__).with_name("floor.py"), MEMBERS, size)) as (process, address):
        crowd, arrived = Crowd(), 0

        def heard(_peer: Peer, _payload: bytes) -> None:
            nonlocal arrived
            arrived += 1

        for _ in range(MEMBERS):
            crowd.add(Peer(socket.create_connection(address)))
        hear_with(crowd.peers, heard)
        wanted, begin, before = 0, time.perf_counter(), measure.cpu_seconds(process.pid)
        while time.perf_counter() - begin < seconds:
            crowd.peers[0].socket.send(b"!")
            wanted += MEMBERS
            crowd.run(lambda wanted=wanted: arrived >= wanted, 10)  # type: ignore[misc]
        used = measure.cpu_seconds(process.pid) - before
        crowd.close()
    return used / arrived * 1e6
