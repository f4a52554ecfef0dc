"""Two people who go on talking while somebody else attacks, and how long each of their messages took.

They are a process of their own (`python -m tests.attacks.bystanders`): what they see is to be the server's doing, and
not that of an attacker who has the interpreter. It takes a `Pair` as a line of JSON, writes the milliseconds of each
exchange as a line, and stops when its standard input ends.
"""

from __future__ import annotations

import secrets
import subprocess
import sys
import threading
import time

import msgspec
from msgspec import Struct

from tests.bench.measure import percentile
from tests.harness.people import Talker, register, talk
from tests.harness.server import ServerProcess

PAUSE = 0.02  # seconds; well below what one connection may say
LEAST = 3
PATIENCE = 30.0


class Pair(Struct, frozen=True):
    """Who talks to whom, where: two tokens and a room they are in. `size` is characters of a message."""

    websocket_url: str
    ann: str
    bob: str
    room: str
    size: int = 100

    @classmethod
    def registered(cls, server: ServerProcess) -> Pair:
        """Two newcomers in a room of their own."""
        name = f"bystander{secrets.token_hex(4)}"
        (_, ann), (bob_user, bob) = register(server.url, f"{name}.ann"), register(server.url, f"{name}.bob")
        with talk(server.websocket_url, ann) as talker:
            room = talker.ask("create_room", kind="dm", members=[bob_user], nonce="by")["room"]
        return cls(server.websocket_url, ann, bob, room)


class Bystanders:
    """Two of them.

    Attributes
    ----------
    taken
        Milliseconds from each post until both its acknowledgement and its delivery.
    """

    def __init__(self, pair: Pair) -> None:
        self.taken: list[float] = []
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.attacks.bystanders"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self._process.stdin is not None
        self._process.stdin.write(msgspec.json.encode(pair).decode() + "\n")
        self._process.stdin.flush()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        self.taken.extend(map(float, self._process.stdout))

    def exchange_some_more(self, count: int = LEAST) -> None:
        """Wait until so many more exchanges are through; it fails where the two have come to an end."""
        wanted, end = len(self.taken) + count, time.monotonic() + PATIENCE
        while len(self.taken) < wanted:
            assert self._process.poll() is None, f"somebody else was disturbed: {self._failure()}"
            assert time.monotonic() < end, f"nothing is delivered any more, after {len(self.taken)} messages"
            time.sleep(PAUSE)

    def _failure(self) -> str:
        assert self._process.stderr is not None
        return self._process.stderr.read()

    def __enter__(self) -> Bystanders:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        assert self._process.stderr is not None
        try:
            self._process.stdin.close()
            self._process.wait(PATIENCE)
        finally:
            self._process.kill()
            self._process.wait()
            self._reader.join()
            self._process.stderr.close()
            if self._process.stdout is not None:
                self._process.stdout.close()


def shown(taken: list[float]) -> str:
    """Percentiles of exchanges, for people."""
    return f"p50 {percentile(taken, 0.5):.1f} ms, p99 {percentile(taken, 0.99):.1f} ms of {len(taken)}"


def exchange(ann: Talker, bob: Talker, pair: Pair) -> float:
    """One message: posted, acknowledged, delivered. How many milliseconds it took."""
    begun = time.perf_counter()
    answer = ann.post(pair.room, secrets.token_hex(pair.size // 2))
    assert answer["op"] == "ok", answer
    for talker in (bob, ann):
        heard = talker.expect("message")
        assert heard["seq"] == answer["seq"], (heard, answer)
    return (time.perf_counter() - begun) * 1000


def _await_the_end_of_input(told_to_leave: threading.Event) -> None:
    sys.stdin.read()
    told_to_leave.set()


def main() -> None:
    pair = msgspec.json.decode(sys.stdin.readline(), type=Pair)
    told_to_leave = threading.Event()
    threading.Thread(target=_await_the_end_of_input, args=(told_to_leave,), daemon=True).start()
    with talk(pair.websocket_url, pair.ann) as ann, talk(pair.websocket_url, pair.bob) as bob:
        while not told_to_leave.wait(PAUSE):
            print(exchange(ann, bob, pair), flush=True)


if __name__ == "__main__":
    main()
