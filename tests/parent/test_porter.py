"""The porter: which doors are open, and what becomes of a turn whose worker does not let anybody in."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from server.listening import open_listeners
from server.parent.porter import LOOK_SECONDS, PATIENCE_LOOKS, Porter
from server.turns import Turns, memory_for, send_to, waiting_at
from tests.parent.conftest import StubServer, ask, until

DOORS = 3


class Doors:
    def __init__(self, opened: ExitStack) -> None:
        self.listeners = [opened.enter_context(closing(each)) for each in open_listeners("127.0.0.1", 0, DOORS)]
        self.turns = Turns(memory_for(DOORS), DOORS)
        opened.callback(os.close, self.turns.memory)
        self.porter = Porter(self.turns, self.listeners)
        self._opened = opened

    def comes_to(self) -> int:
        """At whose door somebody stands who comes now."""
        before = [waiting_at(each) for each in self.listeners]
        self._opened.enter_context(socket.create_connection(self.listeners[0].getsockname(), timeout=10))
        (index,) = [index for index, each in enumerate(self.listeners) if waiting_at(each) > before[index]]
        return index

    def lets_in(self, index: int) -> None:
        self.listeners[index].accept()[0].close()
        self.turns.let_in[index] += 1

    @property
    def open(self) -> list[int]:
        return [index for index in range(DOORS) if self.turns.is_open[index]]

    @property
    def reached(self) -> list[int]:
        return [index for index in range(DOORS) if self.turns.is_reached[index]]


@pytest.fixture
def doors() -> Iterator[Doors]:
    with ExitStack() as opened:
        yield Doors(opened)


def test_the_doors_of_those_that_serve_are_open(doors: Doors) -> None:
    assert doors.open == []
    doors.porter.serve([0, 2])
    assert doors.open == [0, 2]


def test_the_turn_of_a_worker_that_ended_goes_to_another(doors: Doors) -> None:
    doors.porter.serve([0, 1, 2])
    send_to(doors.listeners[0], 1)
    doors.porter.serve([0, 2])
    assert {doors.comes_to() for _ in range(5)} == {2}


def test_the_last_that_ends_leaves_it_to_the_kernel(doors: Doors) -> None:
    doors.porter.serve([1])
    send_to(doors.listeners[0], 1)
    doors.porter.serve([])
    assert len({doors.comes_to() for _ in range(60)}) == DOORS


def test_where_somebody_waits_in_vain_nobody_more_is_sent_until_they_are_let_in(doors: Doors) -> None:
    doors.porter.serve([0, 1, 2])
    send_to(doors.listeners[0], 1)
    assert doors.comes_to() == 1
    assert doors.porter.look(1.0) == set()
    assert doors.porter.look(2.0) == {1}
    assert doors.open == [0, 2]
    assert doors.comes_to() == 2
    doors.lets_in(2)
    assert doors.porter.look(3.0) == set(), "it is known already"
    assert doors.open == [0, 2]
    doors.lets_in(1)
    assert doors.porter.look(4.0) == set()
    assert doors.open == [0, 1, 2]


def test_whose_door_is_shut_is_reached_until_it_counts_as_hanging(doors: Doors) -> None:
    doors.porter.serve([0, 1, 2])
    send_to(doors.listeners[0], 1)
    doors.comes_to()
    doors.porter.look(0.0)
    for now in range(PATIENCE_LOOKS - 1):
        doors.porter.look(now + 1.0)
        assert (doors.open, doors.reached) == ([0, 2], [0, 1, 2])
    doors.porter.look(100.0)
    assert doors.reached == [0, 2]
    doors.porter.serve([0, 1])
    assert doors.reached == [0]
    doors.lets_in(1)
    doors.porter.look(101.0)
    assert doors.reached == [0, 1]


def test_who_does_not_serve_is_not_reached(doors: Doors) -> None:
    assert doors.reached == []
    doors.porter.serve([0, 2])
    assert doors.reached == [0, 2]


def test_a_crowd_that_is_let_in_does_not_wait_in_vain(doors: Doors) -> None:
    doors.porter.serve([0, 1, 2])
    send_to(doors.listeners[0], 1)
    for now in range(5):
        for _ in range(2):
            doors.comes_to()
        doors.lets_in(1)
        assert doors.porter.look(float(now)) == set()
    assert doors.open == [0, 1, 2]


def test_who_was_sent_to_a_shut_door_too_late_is_the_last(doors: Doors) -> None:
    """A worker saw the door open, and had the kernel told after the parent had."""
    doors.porter.serve([0, 1, 2])
    doors.porter.serve([0, 2])
    send_to(doors.listeners[2], 1)
    assert doors.comes_to() == 1
    doors.porter.look(1.0)
    doors.porter.look(2.0)
    assert doors.comes_to() == 2


def test_who_was_full_is_tried_again_after_a_look(doors: Doors) -> None:
    doors.porter.serve([0, 1, 2])
    doors.turns.is_full[1] = True
    assert doors.turns.after(0) == 2
    doors.porter.look(1.0)
    assert doors.turns.after(0) == 1


def test_the_next_look_is_a_second_later_and_one_door_needs_none(doors: Doors) -> None:
    doors.porter.look(5.0)
    assert doors.porter.look_at == 5.0 + LOOK_SECONDS
    assert Porter(doors.turns, doors.listeners[:1]).look_at is None


def test_a_stopped_worker_keeps_only_those_who_stood_there(tmp_path: Path) -> None:
    with StubServer(tmp_path) as server:
        stopped = server.everybody()[1]["pid"]
        os.kill(stopped, signal.SIGSTOP)
        try:
            with ExitStack() as waiting:

                def is_noticed() -> bool:
                    waiting.enter_context(socket.create_connection(server.address, timeout=10))
                    return "nobody is let in where somebody waits" in server.log.read_text()

                until(is_noticed)
                assert [ask(server.address)["index"] for _ in range(5)] == [0] * 5
        finally:
            os.kill(stopped, signal.SIGCONT)
        assert set(server.everybody()) == {0, 1}
