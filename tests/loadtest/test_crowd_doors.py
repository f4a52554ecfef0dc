"""A crowd at the doors of several servers: who comes where, from where, and what becomes of who is not let in."""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterator, Sequence

import pytest

from clients.endpoint import Endpoint
from loadtest.crowd.crowd import Crowd
from loadtest.crowd.doors import sources_of
from loadtest.crowd.watcher import Watcher
from loadtest.ledger import Ledger
from loadtest.people import People

PEOPLE = People.made(40, "all")
SOON, NEVER = 10.0, 0.1
REFUSED = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 0\r\n\r\n"
FORBIDDEN = b"HTTP/1.1 401 Unauthorized\r\n\r\n"


class Troubles(Watcher):
    def __init__(self) -> None:
        self.refusals: list[int] = []
        self.failures: list[int] = []
        self.impatient: list[int] = []

    def refused(self, status: int) -> None:
        self.refusals.append(status)

    def failed(self, number: int) -> None:
        self.failures.append(number)

    def late(self, number: int, seconds: float) -> None:
        self.impatient.append(number)


class Door:
    """Where somebody knocks, and is answered what the test says."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.setblocking(False)
        self.inside: list[socket.socket] = []
        self.sources: list[str] = []

    @property
    def endpoint(self) -> Endpoint:
        return Endpoint("127.0.0.1", self._listener.getsockname()[1], tls=False)

    def knocks(self) -> int:
        """How many have come so far."""
        try:
            while True:
                accepted, (source, _) = self._listener.accept()
                self.inside.append(accepted)
                self.sources.append(source)
        except BlockingIOError:
            return len(self.inside)

    def answer(self, said: bytes) -> None:
        """To everybody who waits here, and send them away."""
        self.knocks()
        for accepted in self.inside:
            accepted.settimeout(SOON)
            accepted.recv(65_536)
            accepted.sendall(said)
            accepted.close()
        self.inside.clear()

    def close(self) -> None:
        self._listener.close()
        for accepted in self.inside:
            accepted.close()


@pytest.fixture
def doors() -> Iterator[list[Door]]:
    opened = [Door(), Door()]
    yield opened
    for door in opened:
        door.close()


@pytest.fixture
def troubles() -> Troubles:
    return Troubles()


def crowd(doors: Sequence[Door], troubles: Troubles, *, at_once: int = 0, connects: float = 0.0, patience: float = 60.0,
          hurry: bool = True) -> Crowd:  # fmt: skip
    return Crowd(
        PEOPLE, range(PEOPLE.count), [door.endpoint for door in doors], troubles, Ledger(), at_once=at_once,
        connects=connects, patience=patience, hurry=hurry, chance=lambda: 0.01,
    )  # fmt: skip


def bring(crowd: Crowd, count: int) -> None:
    for number in range(count):
        crowd.bring(number)


def test_everybody_comes_to_the_next_door_in_turn(doors: list[Door], troubles: Troubles) -> None:
    with crowd(doors, troubles) as coming:
        bring(coming, 6)
        coming.step(0)
        assert [door.knocks() for door in doors] == [3, 3]
        assert (coming.wanted, coming.in_flight, coming.ready, coming.connected) == (6, 6, 0, 6)


def test_they_come_from_many_addresses(doors: list[Door], troubles: Troubles) -> None:
    with crowd(doors[:1], troubles) as coming:
        bring(coming, 32)
        coming.step(0)
        doors[0].knocks()
        assert len(set(doors[0].sources)) == 16


def test_no_two_processes_come_from_the_same_address() -> None:
    sources = [source for player in range(600) for source in sources_of(player)]
    assert len(set(sources)) == len(sources)
    assert all(socket.inet_aton(source)[0] == 127 for source in sources)


def test_no_more_than_so_many_are_under_way_at_once(doors: list[Door], troubles: Troubles) -> None:
    with crowd(doors[:1], troubles, at_once=4) as coming:
        bring(coming, 10)
        assert not coming.run(lambda: doors[0].knocks() > 4, NEVER)
        coming.drop(range(3))
        assert coming.run(lambda: doors[0].knocks() == 7, SOON), "as many as went away"


def test_no_more_than_so_many_come_in_a_second(doors: list[Door], troubles: Troubles) -> None:
    with crowd(doors[:1], troubles, connects=0.5) as coming:
        bring(coming, 10)
        assert not coming.run(lambda: doors[0].knocks() > 1, NEVER)
        coming.arrivals.connects = 1_000.0
        assert coming.run(lambda: doors[0].knocks() == 10, SOON)


def test_who_finds_a_door_closed_comes_to_another_one(doors: list[Door], troubles: Troubles) -> None:
    closed, opened = doors
    with crowd(doors, troubles) as coming:
        closed.close()
        bring(coming, 2)
        assert coming.run(lambda: opened.knocks() >= 2, SOON)
    assert set(troubles.failures) == {errno.ECONNREFUSED}


@pytest.mark.parametrize("hurry", [True, False])
def test_who_is_refused_for_now_comes_again(doors: list[Door], troubles: Troubles, hurry: bool) -> None:
    with crowd(doors[:1], troubles, hurry=hurry) as coming:
        bring(coming, 3)
        coming.step(0)
        doors[0].answer(REFUSED)
        assert coming.run(lambda: doors[0].knocks() == 3, SOON)
        assert coming.wanted == 3
    assert troubles.refusals == [503, 503, 503]


def test_who_is_sent_away_for_good_stays_away(doors: list[Door], troubles: Troubles) -> None:
    with crowd(doors[:1], troubles) as coming:
        bring(coming, 3)
        coming.step(0)
        doors[0].answer(FORBIDDEN)
        assert coming.run(lambda: coming.wanted == 0, SOON)
        assert not coming.run(lambda: doors[0].knocks() > 0, NEVER)
    assert troubles.refusals == [401, 401, 401]


def test_who_is_not_answered_at_all_hangs_up_and_comes_again(doors: list[Door], troubles: Troubles) -> None:
    with crowd(doors[:1], troubles, patience=0.2) as coming:
        bring(coming, 2)
        assert coming.run(lambda: doors[0].knocks() == 4, SOON)
        assert coming.wanted == 2
    assert sorted(set(troubles.impatient)) == [0, 1]


def test_who_was_dropped_does_not_come(doors: list[Door], troubles: Troubles) -> None:
    with crowd(doors[:1], troubles, at_once=1) as coming:
        bring(coming, 3)
        coming.step(0)
        coming.drop([0, 1])
        assert coming.run(lambda: doors[0].knocks() == 2, SOON), "the one that was there, and the last"
        assert (coming.wanted, coming.in_flight) == (1, 1)


def test_a_crowd_that_leaves_keeps_no_descriptor(doors: list[Door], troubles: Troubles) -> None:
    with crowd(doors[:1], troubles) as coming:
        bring(coming, 3)
        coming.step(0)
        doors[0].knocks()
    for accepted in doors[0].inside:
        accepted.settimeout(SOON)
        assert b"GET" in accepted.recv(65_536)
        assert accepted.recv(1) == b""
