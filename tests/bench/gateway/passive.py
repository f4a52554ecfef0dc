"""A room of 10,000 in which nine of ten do not look: what a post costs there, beside one that all are looking at.

    .venv/bin/python tests/bench/gateway/passive.py --folder build

The same server, room and people for both: all connect as `passive`, and say `focus` or look away between two turns.
Somebody posts at an even pace; counted is all that the server's processor does meanwhile, divided by the posts. What
`activity` costs does not depend on the pace, so the ratio does: each pace has its own. Rounds are interleaved, figures
are medians. Nothing is asserted.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3]))

from tests.bench import measure
from tests.bench.crowd import Crowd, Peer, hear_with
from tests.bench.stage import CLIENT_CPU, disk, machine, pinned, served, tell

MEMBERS = 10_000
LOOKING = 1_000
SETTLED_SECONDS = 2.0
LEAD_SECONDS = 4.0  # of posts, before anything is counted: until rounds of `activity` follow each other


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=Path("build"), help="where the database goes: a disk, not tmpfs")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=15.0, help="length of a turn")
    parser.add_argument("--pace", type=float, action="append", help="posts a second; may be given again")
    parser.add_argument("--members", type=int, default=MEMBERS)
    given = parser.parse_args()
    given.folder.mkdir(exist_ok=True)
    folder = disk(given.folder.resolve())
    tell("machine", **machine(folder))
    with pinned(CLIENT_CPU), served(folder, [given.members]) as (server, people):
        crowd = Crowd()
        peers = crowd.connect(server.address, people.arrivals(), passive=True)
        most = peers[given.members * LOOKING // MEMBERS :]
        crowd.run(lambda: False, 3)
        _look(crowd, peers)
        for pace in given.pace or [1.0, 2.0, 4.0]:
            found: dict[str, list[float]] = {"all_look": [], "one_in_ten_looks": []}
            for _ in range(given.rounds):
                _look(crowd, most)
                found["all_look"].append(_cpu_ms_of_a_post(crowd, peers, server.process.pid, pace, given.seconds))
                _look_away(crowd, most)
                found["one_in_ten_looks"].append(
                    _cpu_ms_of_a_post(crowd, peers, server.process.pid, pace, given.seconds)
                )
            ratios = [few / all_ for all_, few in zip(*found.values(), strict=True)]
            medians = {f"{who}_cpu_ms": round(statistics.median(each), 2) for who, each in found.items()}
            tell("passive", posts_a_second=pace, **medians, ratio=measure.spread(ratios))
        crowd.close()


def _look(crowd: Crowd, peers: list[Peer]) -> None:
    for peer in peers:
        _say(crowd, [peer], {"op": "focus", "id": 1, "room": peer.tag})
    crowd.run(lambda: False, SETTLED_SECONDS)


def _look_away(crowd: Crowd, peers: list[Peer]) -> None:
    _say(crowd, peers, {"op": "focus", "id": 1})
    crowd.run(lambda: False, SETTLED_SECONDS)


def _say(crowd: Crowd, peers: list[Peer], command: dict[str, object]) -> None:
    payload = json.dumps(command).encode()
    for peer in peers:
        peer.say(payload)
    crowd.run(lambda: False, 0)


def _cpu_ms_of_a_post(crowd: Crowd, peers: list[Peer], server: int, pace: float, seconds: float) -> float:
    messages = activities = 0

    def heard(_peer: Peer, payload: bytes) -> None:
        nonlocal messages, activities
        messages += payload.startswith(b'{"op":"message"')
        activities += payload.startswith(b'{"op":"activity"')

    hear_with(peers, heard)
    _post(crowd, peers[0], pace, round(pace * LEAD_SECONDS))
    messages = activities = 0
    posts = round(pace * seconds)
    before = measure.cpu_seconds(server)
    _post(crowd, peers[0], pace, posts)
    used = measure.cpu_seconds(server) - before
    tell("turn", posts=posts, messages=messages, activities=activities, cpu_s=round(used, 3))
    return used / posts * 1e3


def _post(crowd: Crowd, poster: Peer, pace: float, times: int) -> None:
    begin = time.perf_counter()
    for number in range(times):
        poster.post()
        crowd.run(lambda: False, max(0.0, begin + (number + 1) / pace - time.perf_counter()))


if __name__ == "__main__":
    main()
