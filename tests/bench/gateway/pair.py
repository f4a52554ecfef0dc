"""Two members of a room of two, as a process: one posts a hundred times a second, the other receives.

Run as `python pair.py PORT ROOM TOKEN TOKEN`. It prints a line when it begins, posts until its input says something,
and prints a list of [when it posted, milliseconds to the receipt]; the clock is the one all processes share.
"""

from __future__ import annotations

import json
import select
import sys
import time
from collections import deque
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3]))

from tests.bench.crowd import Crowd, Peer

PER_SECOND = 100


def main() -> None:
    port, room, tokens = int(sys.argv[1]), sys.argv[2], sys.argv[3:]
    crowd = Crowd()
    poster, reader = crowd.connect(("127.0.0.1", port), [(token, room) for token in tokens])
    print("posting", flush=True)
    print(json.dumps(_posts(crowd, poster, reader)), flush=True)


def _posts(crowd: Crowd, poster: Peer, reader: Peer) -> list[tuple[float, float]]:
    """Posts do not wait for those before: a slow server cannot slow down what it is measured by."""
    under_way: deque[float] = deque()
    taken: list[tuple[float, float]] = []

    def heard(_peer: Peer, payload: bytes) -> None:
        if payload.startswith(b'{"op":"message"'):
            posted = under_way.popleft()
            taken.append((posted, (time.perf_counter() - posted) * 1e3))

    reader.heard = heard
    begin, number = time.perf_counter(), 0
    while not select.select([sys.stdin], [], [], 0)[0]:
        under_way.append(time.perf_counter())
        poster.post()
        number += 1
        crowd.run(lambda: False, begin + number / PER_SECOND - time.perf_counter())
    crowd.run(lambda: not under_way, 10)
    return taken


if __name__ == "__main__":
    main()
