"""What becomes of `WebSocketUser`s under locust, case by case: a program, because gevent is not for pytest's process.

Prints one JSON object: for each case the requests locust counted, its failures, and what is left when the users have
gone.
"""

from __future__ import annotations

import gc
import json
import os
import socket
import ssl
import sys
from collections import defaultdict
from typing import Any

import gevent
import locust  # first of all: it patches the standard library
from locust import constant, task
from locust.env import Environment

from loadtest.users.inbox import WhenFull
from loadtest.users.websocket_user import WebSocketUser

del locust
PLAIN, SECURE, AUTHORITY, SILENT, NOBODY = sys.argv[1:]
PATIENCE = 45
"""Seconds until an answer that must come is missed. On a busy machine five passed without one."""

said: dict[str, Any] = {}


class Case(WebSocketUser):
    """Does one thing, once."""

    abstract = True
    host = PLAIN
    subprotocols = ("other", "chat.v1")
    wait_time = constant(60)


class Echoes(Case):
    path = "/echo?room=1"
    headers = {"X-Who": "ada"}

    @task
    def act(self) -> None:
        self.connect()
        said["subprotocol"] = self.websocket.subprotocol
        said["about"] = json.loads(str(self.receive(PATIENCE).data))
        for sent in ("hellö", b"\x00\xff", "x" * 300_000, ""):
            with self.measure("echo") as measured:
                self.send(sent)
                came = measured.until(self.expect(lambda data, sent=sent: data == sent, timeout=PATIENCE))
            said.setdefault("kinds", []).append(type(came.data).__name__)
        self.connect()  # there is one


class Compresses(Echoes):
    compression = True


class Encrypts(Case):
    host = SECURE
    path = "/echo"
    tls = ssl.create_default_context(cafile=AUTHORITY)

    @task
    def act(self) -> None:
        self.connect()
        with self.measure("echo"):
            self.send("secret")
            self.expect(lambda data: data == "secret", timeout=PATIENCE)


class Distrusts(Encrypts):
    tls = None


class FindsNobody(Case):
    host = NOBODY

    @task
    def act(self) -> None:
        self.connect()


class IsTurnedAway(FindsNobody):
    host = PLAIN
    path = "/full"


class WaitsInVain(FindsNobody):
    host = SILENT
    connect_timeout = 0.05


class IsClosedOn(Case):
    path = "/close"

    @task
    def act(self) -> None:
        self.connect()
        with self.measure("answer"):
            self.send("anybody?")
            self.receive(PATIENCE)


class IsResetOn(IsClosedOn):
    path = "/reset"


class IsNotAnswered(Case):
    path = "/mute"

    @task
    def act(self) -> None:
        self.connect()
        with self.measure("answer"):
            self.expect(lambda data: True, timeout=0.05)


class IsFlooded(Case):
    """Messages 0 to 99, and then `end`, before it looks."""

    path = "/flood"
    inbox_size = 10

    @task
    def act(self) -> None:
        self.connect()
        if self.when_full is WhenFull.DROP_OLDEST:
            while self._inbox.dropped < 91:
                gevent.sleep(0.001)
        numbers: list[Any] = []
        while not numbers or numbers[-1] != "end":
            numbers.append(self.receive(PATIENCE).data)
        said[type(self).__name__] = [len(numbers), numbers[0]]


class DropsTheOldest(IsFlooded):
    when_full = WhenFull.DROP_OLDEST


class IsStoppedWaiting(Case):
    path = "/witness/politely"

    @task
    def act(self) -> None:
        self.connect()
        with self.measure("never"):
            self.receive(60)


class ForgetsToClose(IsStoppedWaiting):
    path = "/witness/forgetful"

    def on_stop(self) -> None:
        pass


class Falls(Case):
    path = "/witness/falling"

    @task
    def act(self) -> None:
        self.connect()
        raise SystemError("a fault of the test")


CASES: list[type[Case]] = [
    Echoes, Compresses, Encrypts, Distrusts, FindsNobody, IsTurnedAway, WaitsInVain, IsClosedOn, IsResetOn,
    IsNotAnswered, IsFlooded, DropsTheOldest, IsStoppedWaiting, ForgetsToClose, Falls,
]  # fmt: skip


def play(case: type[Case]) -> dict[str, Any]:
    environment = Environment(user_classes=[case])
    runner = environment.create_local_runner()
    times: dict[str, list[float]] = defaultdict(list)
    environment.events.request.add_listener(lambda name, response_time, **_: times[name].append(response_time))
    user = runner.spawn_users({case.__name__: 1})[0]
    with gevent.Timeout(60, AssertionError(f"{case.__name__} never came to rest")):
        while user._state != "waiting" and not times.keys() & {"connect"}:
            gevent.sleep(0.005)
        while user._state != "waiting" and not issubclass(case, IsStoppedWaiting):
            gevent.sleep(0.005)
    gevent.sleep(0.02)
    runner.quit()
    gevent.sleep(0)
    errors = environment.stats.errors.values()
    return {
        "requests": {name: len(found) for name, found in times.items()},
        "rounded": [time for found in times.values() for time in found if time and time == round(time)],
        "failures": {error.name: [repr(error.error), error.occurrences] for error in errors},
        "exceptions": [error["msg"] for error in runner.exceptions.values()],
    }


def living() -> int:
    """Greenlets that somebody spawned, and open sockets of the Internet."""
    gc.collect()
    greenlets = [found for found in gc.get_objects() if isinstance(found, gevent.Greenlet) and not found.dead]
    return len(greenlets) + sockets()


def sockets() -> int:
    count = 0
    for descriptor in os.listdir("/proc/self/fd"):
        try:
            with socket.socket(fileno=os.dup(int(descriptor))) as found:
                count += found.family in (socket.AF_INET, socket.AF_INET6)
        except OSError:
            continue
    return count


played = {case.__name__: play(case) for case in CASES}
print(json.dumps({"cases": played, "said": said, "left": living()}))
