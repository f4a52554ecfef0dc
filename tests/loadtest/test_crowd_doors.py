"""A crowd at the doors of several servers, one of which may be closed."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import pytest

from clients.endpoint import Endpoint, endpoint_of
from loadtest.earlier_crowd import Crowd
from loadtest.member import Member


@pytest.fixture
def doors() -> Iterator[list[socket.socket]]:
    """Two places to knock at, where nobody answers."""
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    for listener in listeners:
        listener.setblocking(False)
    yield listeners
    for listener in listeners:
        listener.close()


def endpoint(door: socket.socket) -> Endpoint:
    return endpoint_of(f"http://127.0.0.1:{door.getsockname()[1]}")


def members(count: int) -> list[Member]:
    return [Member(f"u_{number}", "token", lambda fact: None, time.monotonic) for number in range(count)]


def knocks(door: socket.socket) -> int:
    count = 0
    while True:
        try:
            accepted, _ = door.accept()
        except BlockingIOError:
            return count
        accepted.close()
        count += 1


def test_everybody_comes_to_the_next_door_in_turn(doors: list[socket.socket]) -> None:
    with Crowd(*map(endpoint, doors)) as crowd:
        for member in members(6):
            crowd.bring(member)
        crowd.run(lambda: False, 0.1)
        assert [knocks(door) for door in doors] == [3, 3]


def test_who_finds_a_door_closed_comes_to_another_one(doors: list[socket.socket]) -> None:
    closed, opened = doors
    ends = [endpoint(closed), endpoint(opened)]
    closed.close()
    with Crowd(*ends) as crowd:
        for member in members(2):
            crowd.bring(member)
        came = 0

        def both_came() -> bool:
            nonlocal came
            came += knocks(opened)
            return came >= 2

        assert crowd.run(both_came, 10.0)
