"""Attacks by who has no token, and mostly not even a whole request."""

from __future__ import annotations

import select
import socket
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress

from tests.attacks.intruder import PATIENCE, Intruder, begin_to_connect, reset, upgrade
from tests.attacks.scale import sizes
from tests.harness.people import call
from tests.harness.server import ServerProcess

SOURCES = tuple(f"127.0.2.{number}" for number in range(1, 9))


class Crowd:
    """Many sockets of attackers, and what the server answered to each before it closed it."""

    def __init__(self, sockets: list[socket.socket]) -> None:
        self.open = {sock.fileno(): sock for sock in sockets}
        self.answers: Counter[bytes] = Counter()
        """Status codes; empty where the server closed without a word."""
        self._said: dict[int, bytes] = {}
        self._poll = select.epoll()
        for descriptor in self.open:
            self._poll.register(descriptor, select.EPOLLIN)

    def send(self, data: bytes) -> None:
        """The same by each of them, if the kernel takes it."""
        for sock in self.open.values():
            with suppress(OSError):
                sock.send(data)

    def listen(self, seconds: float) -> None:
        """Take in what the server says meanwhile."""
        end = time.monotonic() + seconds
        while self.open and (left := end - time.monotonic()) > 0:
            for descriptor, _ in self._poll.poll(left):
                self._read(descriptor)

    def _read(self, descriptor: int) -> None:
        try:
            data = self.open[descriptor].recv(4096)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            self._said.setdefault(descriptor, data)
            return
        self.answers[self._said.pop(descriptor, b"")[9:12]] += 1
        self._poll.unregister(descriptor)
        self.open.pop(descriptor).close()

    def leave(self) -> None:
        for sock in self.open.values():
            reset(sock)
        self._poll.close()


@contextmanager
def crowd(server: ServerProcess, count: int) -> Iterator[Crowd]:
    """So many sockets, connected as fast as can be, from several addresses."""
    sockets = [begin_to_connect(server.address, SOURCES[number % len(SOURCES)]) for number in range(count)]
    attackers = Crowd(sockets)
    try:
        yield attackers
    finally:
        attackers.leave()


def ended(attackers: Crowd, drip: bytes = b"") -> None:
    """Every socket is closed by the server, however often `drip` is sent."""
    end = time.monotonic() + PATIENCE
    while attackers.open:
        assert time.monotonic() < end, f"{len(attackers.open)} are served for ever"
        if drip:
            attackers.send(drip)
        attackers.listen(0.1)


# --- heads that never end ----------------------------------------------------------------------------------------


@sizes(300, 4_000)
def test_slow_headers_are_cut_off_at_the_deadline(server: ServerProcess, count: int) -> None:
    with crowd(server, count) as attackers:
        attackers.send(b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ")
        ended(attackers, drip=b"x")
        assert attackers.answers == {b"408": count}


@sizes(300, 4_000)
def test_sockets_that_say_nothing_are_closed_without_a_word(server: ServerProcess, count: int) -> None:
    with crowd(server, count) as attackers:
        ended(attackers)
        assert attackers.answers == {b"": count}


@sizes(100, 2_000)
def test_half_closed_sockets_are_not_waited_for(server: ServerProcess, count: int) -> None:
    with crowd(server, count) as attackers:
        attackers.send(b"GET / HTTP/1.1\r\nHost:")
        for sock in attackers.open.values():
            sock.shutdown(socket.SHUT_WR)
        ended(attackers)
        assert attackers.answers == {b"400": count}


@sizes(50, 1_000)
def test_a_head_without_end_is_refused_by_its_size(server: ServerProcess, count: int) -> None:
    with crowd(server, count) as attackers:
        attackers.send(b"GET / HTTP/1.1\r\nHost: x\r\nX-Long: " + b"x" * 20_000)
        ended(attackers)
        assert attackers.answers == {b"431": count}


@sizes(100, 2_000)
def test_a_body_that_never_comes_is_not_waited_for(server: ServerProcess, count: int) -> None:
    with crowd(server, count) as attackers:
        attackers.send(b"POST /v1/login HTTP/1.1\r\nHost: x\r\nContent-Length: 999\r\n\r\n{")
        ended(attackers, drip=b" ")
        assert attackers.answers == {b"408": count}


# --- handshakes without end --------------------------------------------------------------------------------------


@sizes(100, 3_000)
def test_websockets_without_a_hello_are_closed(server: ServerProcess, count: int) -> None:
    with crowd(server, count) as attackers:
        attackers.send(upgrade())
        ended(attackers)
        assert attackers.answers == {b"101": count}


@sizes(2_000, 100_000)
def test_requests_sent_ahead_without_reading_are_slowed_by_their_own_socket(server: ServerProcess, count: int) -> None:
    with closing(socket.create_connection(server.address)) as greedy:
        greedy.settimeout(0.5)
        with suppress(OSError):
            greedy.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n" * count)
        reset(greedy)


@sizes(20, 500)
def test_upgrades_again_and_again_on_one_connection_end_with_the_first(server: ServerProcess, count: int) -> None:
    with Intruder(server.address) as intruder:
        intruder.push(upgrade() * count)
        assert intruder.close_code() == 4502


# --- connect, and go -------------------------------------------------------------------------------------------------


@sizes(2_000, 200_000)
def test_connects_and_drops_by_the_thousand(server: ServerProcess, count: int) -> None:
    begun = time.monotonic()
    for number in range(count):
        reset(begin_to_connect(server.address, SOURCES[number % len(SOURCES)]))
    print(f"\n  {count / (time.monotonic() - begun):,.0f} connects and drops a second")


@sizes(500, 10_000)
def test_upgrades_and_drops_by_the_thousand(server: ServerProcess, count: int) -> None:
    for number in range(count):
        sock = begin_to_connect(server.address, SOURCES[number % len(SOURCES)])
        select.select([], [sock], [], 1.0)
        with suppress(OSError):
            sock.send(upgrade())
        reset(sock)


@sizes(50, 500)
def test_logins_that_fail_by_the_hundred_cost_their_caller(server: ServerProcess, count: int) -> None:
    guess = {"name": "victim", "password": "guessed at"}
    statuses = Counter(call(server.url, "/v1/login", guess)[0] for _ in range(count))
    assert statuses.keys() == {401, 429}
    assert statuses[401] <= 20, "ten a minute, and no more are hashed"
