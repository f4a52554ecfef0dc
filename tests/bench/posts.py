"""Acknowledged durable posts a second, and the time from post to acknowledgement, beside a bare fdatasync loop.

N posters with one outstanding post each, in N/2 rooms of two (one poster: a room of two with a listener).
"""

from __future__ import annotations

import time
from pathlib import Path

from tests.bench import measure
from tests.bench.crowd import Crowd, Peer, hear_with
from tests.bench.stage import served, tell


def posts_figure(folder: Path, rounds: int, seconds: float) -> None:
    """Prints a line for 1, 10 and 200 posters, and one for the disk, all from interleaved rounds."""
    rates: dict[int, list[float]] = {1: [], 10: [], 200: []}
    halves: dict[int, list[float]] = {count: [] for count in rates}
    tails: dict[int, list[float]] = {count: [] for count in rates}
    cpu: dict[int, list[float]] = {count: [] for count in rates}
    disk_half: list[float] = []
    disk_tail: list[float] = []
    with served(folder, [2] * 100) as (server, people):
        crowd = Crowd()
        peers = crowd.connect(server.address, people.arrivals())
        for _ in range(rounds):
            synced = measure.fdatasync_loop(folder, min(2.0, seconds))
            disk_half.append(measure.percentile(synced, 0.5))
            disk_tail.append(measure.percentile(synced, 0.99))
            for count in rates:
                before, begin = measure.cpu_seconds(server.process.pid), time.perf_counter()
                latencies = answered_posts(crowd, peers[: max(count, 2)], count, seconds)
                taken = time.perf_counter() - begin
                rates[count].append(len(latencies) / taken)
                halves[count].append(measure.percentile(latencies, 0.5))
                tails[count].append(measure.percentile(latencies, 0.99))
                cpu[count].append((measure.cpu_seconds(server.process.pid) - before) / len(latencies) * 1e6)
        crowd.close()
    tell("fdatasync", unit="ms", p50=measure.spread(disk_half), p99=measure.spread(disk_tail))
    for count in rates:
        tell(
            "durable_posts",
            posters=count,
            per_second=measure.spread(rates[count]),
            p50_ms=measure.spread(halves[count]),
            p99_ms=measure.spread(tails[count]),
            server_cpu_us_per_post=measure.spread(cpu[count]),
        )


def answered_posts(crowd: Crowd, peers: list[Peer], count: int, seconds: float) -> list[float]:
    """Milliseconds from post to acknowledgement of every post of one round."""
    latencies: list[float] = []
    sent: dict[Peer, float] = {}
    end = time.perf_counter() + seconds

    def post(peer: Peer) -> None:
        sent[peer] = time.perf_counter()
        peer.post()

    def heard(peer: Peer, payload: bytes) -> None:
        assert not payload.startswith(b'{"op":"error"'), payload
        if not payload.startswith(b'{"op":"ok"'):
            return
        now = time.perf_counter()
        latencies.append((now - sent.pop(peer)) * 1000)
        if now < end:
            post(peer)

    hear_with(peers, heard)
    for peer in peers[:count]:
        post(peer)
    crowd.run(lambda: not sent, seconds + 15)
    assert not sent, "posts without an answer"
    crowd.run(lambda: False, 0.2)
    return latencies
