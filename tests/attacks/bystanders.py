"""Two people who go on talking while somebody else attacks, and how long each of their messages took.

They are a process of their own (`python -m tests.attacks.bystanders URL`): what they see is to be the server's doing,
and not that of an attacker who has the interpreter. It writes the milliseconds of each exchange as a line, and stops
when its standard input ends.
"""

from __future__ import annotations

import secrets
import subprocess
import sys
import threading
import time

from tests.bench.measure import percentile
from tests.harness.people import Talker, register, talk

PAUSE = 0.02  # seconds; well below what one connection may say
LEAST = 3
PATIENCE = 30.0


class Bystanders:
    """Two of them.

    Attributes
    ----------
    taken
        Milliseconds from each post until both its acknowledgement and its delivery.
    """

    def __init__(self, url: str) -> None:
        self.taken: list[float] = []
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.attacks.bystanders", url],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
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

    def leave(self) -> None:
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


def exchange(ann: Talker, bob: Talker, room: str) -> float:
    """One message: posted, acknowledged, delivered. How many milliseconds it took."""
    begun = time.perf_counter()
    answer = ann.post(room, secrets.token_hex(50))
    assert answer["op"] == "ok", answer
    for talker in (bob, ann):
        heard = talker.expect("message")
        assert heard["seq"] == answer["seq"], (heard, answer)
    return (time.perf_counter() - begun) * 1000


def _await_the_end_of_input(told_to_leave: threading.Event) -> None:
    sys.stdin.read()
    told_to_leave.set()


def main(url: str) -> None:
    name = f"bystander{secrets.token_hex(4)}"
    (_, anns), (bob_user, bobs) = register(url, f"{name}.ann"), register(url, f"{name}.bob")
    websocket_url = url.replace("http://", "ws://") + "/v1/ws"
    told_to_leave = threading.Event()
    threading.Thread(target=_await_the_end_of_input, args=(told_to_leave,), daemon=True).start()
    with talk(websocket_url, anns) as ann, talk(websocket_url, bobs) as bob:
        room = ann.ask("create_room", kind="dm", members=[bob_user], nonce="by")["room"]
        while not told_to_leave.wait(PAUSE):
            print(exchange(ann, bob, room), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
