"""Turns at the doors: the rule, what workers pass on to each other, and what the kernel makes of it."""

from __future__ import annotations

import os
import select
import socket
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing
from itertools import permutations

import pytest

from server.listening import open_listeners
from server.turns import (
    FAR_AHEAD,
    FEW_SECONDS,
    MOST_MORE,
    PORTION,
    Door,
    Turns,
    is_over,
    memory_for,
    open_those,
    send_to,
    waiting_at,
)

DOORS = 4
SOON = FEW_SECONDS / 100


@pytest.fixture
def turns() -> Iterator[Turns]:
    made = Turns(memory_for(DOORS), DOORS)
    open_those(made, range(DOORS))
    yield made
    os.close(made.memory)


@pytest.fixture
def listeners() -> Iterator[list[socket.socket]]:
    with ExitStack() as opened:
        yield [opened.enter_context(closing(each)) for each in open_listeners("127.0.0.1", 0, DOORS)]


class Crowd:
    """Connects, and looks at whose door they wait."""

    def __init__(self, listeners: list[socket.socket]) -> None:
        self._listeners = listeners
        self._sockets = ExitStack()

    def __enter__(self) -> Crowd:
        return self

    def __exit__(self, *_: object) -> None:
        self._sockets.close()

    def comes(self, number: int) -> Counter[int]:
        before = self.waits()
        for _ in range(number):
            self._sockets.enter_context(socket.create_connection(self._listeners[0].getsockname(), timeout=10))
        return self.waits() - before

    def waits(self) -> Counter[int]:
        return Counter({index: waiting_at(listener) for index, listener in enumerate(self._listeners)})


# The rule.


@pytest.mark.parametrize(
    ("taken", "people", "mean", "gap", "over"),
    [
        (1, 10, 10.0, FEW_SECONDS, True),
        (1, 10, 10.0, SOON, False),
        (PORTION - 1, 10, 10.0, SOON, False),
        (PORTION, 10, 10.0, SOON, True),
        (PORTION, 1_000, 10.0, SOON, True),
        (PORTION, 0, 100.0, SOON, False),
        (PORTION + 100, 0, 100.0, SOON, True),
        (PORTION + MOST_MORE - 1, 0, 10_000.0, SOON, False),
        (PORTION + MOST_MORE, 0, 10_000.0, SOON, True),
    ],
)
def test_a_turn_is_over_when_few_come_or_when_the_portion_is_in(
    taken: int, people: int, mean: float, gap: float, over: bool
) -> None:
    assert is_over(taken, people, mean, gap) is over


def test_after_a_door_comes_the_next_that_is_open_and_round_to_the_first(turns: Turns) -> None:
    assert [turns.after(index) for index in range(DOORS)] == [1, 2, 3, 0]
    open_those(turns, [1, 3])
    assert [turns.after(index) for index in range(DOORS)] == [1, 3, 3, 1]
    open_those(turns, [1])
    assert turns.after(1) is None


def test_who_is_full_is_passed_over_while_somebody_has_room(turns: Turns) -> None:
    turns.is_full[1] = turns.is_full[2] = True
    assert turns.after(0) == 3
    turns.is_full[3] = True
    assert turns.after(0) == 1


def test_who_is_far_ahead_lets_others_go_first_while_these_have_room(turns: Turns) -> None:
    turns.people[1] = turns.people[2] = 2 * FAR_AHEAD  # on average FAR_AHEAD
    assert turns.after(0) == 1, "not far enough"
    turns.people[1] += 5
    assert turns.after(0) == 2
    turns.people[2] += 5
    assert turns.after(0) == 3
    turns.is_full[3] = True
    assert turns.after(0) == 1, "rather ahead than full"
    turns.is_full[1] = turns.is_full[2] = True
    assert turns.after(0) == 1, "somebody has to say no"


@pytest.mark.parametrize("order", list(permutations(range(DOORS)))[::7])
def test_all_are_filled_alike_though_some_get_people_to_their_rooms_sooner(
    turns: Turns, order: tuple[int, ...]
) -> None:
    """The owner of the rooms at once. Each of the others takes a turn only while few of its people are on their way."""
    settles = {door: (1_000, 40, 30, 20)[place] for place, door in enumerate(order)}
    whose, unsettled = 0, [0] * DOORS
    for step in range(1_000):
        if unsettled[whose] <= 2 * PORTION:
            turns.people[whose] += PORTION
            unsettled[whose] += PORTION
        turns.is_full[whose] = unsettled[whose] > 2 * PORTION
        unsettled = [max(0, each - settles[door]) for door, each in enumerate(unsettled)]
        if step % 10 == 0:  # as the parent does
            turns.is_full[0:DOORS] = memoryview(bytearray(4 * DOORS)).cast("I")
        following = turns.after(whose)
        assert following is not None
        whose = following
    assert sum(turns.people) >= 900 * PORTION
    assert max(turns.people) - min(turns.people) <= FAR_AHEAD + MOST_MORE


def test_the_mean_is_that_of_open_doors(turns: Turns) -> None:
    turns.people[0], turns.people[1], turns.people[2] = 10, 30, 500
    open_those(turns, [0, 1])
    assert turns.mean_people() == 20
    open_those(turns, [])
    assert turns.mean_people() == 0


# Workers.


def test_who_comes_while_few_come_is_the_next_workers(turns: Turns, listeners: list[socket.socket]) -> None:
    doors = [Door(turns, index, listener) for index, listener in enumerate(listeners)]
    with Crowd(listeners) as crowd:
        found, now = [], 100.0
        send_to(listeners[0], 0)
        for _ in range(2 * DOORS):
            (index,) = crowd.comes(1)
            listeners[index].accept()[0].close()
            doors[index].let_in(1, 1, now := now + 1)
            found.append(index)
    assert found == [*range(DOORS)] * 2


def test_of_a_crowd_each_takes_a_portion(turns: Turns, listeners: list[socket.socket]) -> None:
    door, now = Door(turns, 2, listeners[2]), 100.0
    door.let_in(1, 1, now)  # nobody had come for a while
    with Crowd(listeners) as crowd:
        send_to(listeners[2], 2)
        for _ in range(PORTION - 1):
            door.let_in(1, 1, now := now + SOON)
        assert crowd.comes(3) == {2: 3}
        door.let_in(1, 1, now + SOON)
        assert crowd.comes(3) == {3: 3}


def test_a_worker_that_was_started_anew_takes_more(turns: Turns, listeners: list[socket.socket]) -> None:
    for other in range(1, DOORS):
        turns.people[other] = 300
    door, now = Door(turns, 0, listeners[0]), 100.0
    door.let_in(1, 1, now)
    with Crowd(listeners) as crowd:
        send_to(listeners[0], 0)
        door.let_in(2 * PORTION, 2 * PORTION, now + SOON)
        assert crowd.comes(1) == {0: 1}
        door.let_in(PORTION, 3 * PORTION, now + 2 * SOON)
        assert crowd.comes(1) == {1: 1}


def test_a_worker_that_is_full_sends_people_on_at_once(turns: Turns, listeners: list[socket.socket]) -> None:
    door = Door(turns, 1, listeners[1])
    door.let_in(1, 1, 100.0)
    with Crowd(listeners) as crowd:
        send_to(listeners[1], 1)
        door.let_in(1, 1, 100.0 + SOON, is_full=True)
        assert crowd.comes(2) == {2: 2}
        assert turns.is_full[1]
        door.let_in(1, 1, 100.0 + 2 * SOON)
        assert not turns.is_full[1]


def test_a_worker_that_pauses_gives_its_turn_away_and_gets_none_for_a_while(
    turns: Turns, listeners: list[socket.socket]
) -> None:
    door = Door(turns, 1, listeners[1])
    with Crowd(listeners) as crowd:
        send_to(listeners[1], 1)
        door.pause()
        assert crowd.comes(2) == {2: 2}
        assert turns.after(0) == 2
        door.let_in(4, 4, 100.0)
        assert turns.after(0) == 1


def test_a_worker_whose_people_have_left_is_ahead_no_more(turns: Turns, listeners: list[socket.socket]) -> None:
    door = Door(turns, 1, listeners[1])
    door.let_in(1, 10 * FAR_AHEAD, 100.0)
    assert turns.after(0) == 2
    door.has(3)
    assert turns.after(0) == 1


def test_alone_a_worker_keeps_the_turn(turns: Turns, listeners: list[socket.socket]) -> None:
    open_those(turns, [1])
    send_to(listeners[1], 1)
    Door(turns, 1, listeners[1]).let_in(1_000, 1_000, 100.0)
    with Crowd(listeners) as crowd:
        assert crowd.comes(5) == {1: 5}


def test_what_one_process_writes_another_reads(turns: Turns) -> None:
    """As after a fork, or in the program that takes the parent's place."""
    other = Turns(os.dup(turns.memory), DOORS)
    open_those(turns, [3])
    turns.people[2] = 2**32 - 1
    turns.let_in_at[0] = 12.5
    assert (list(other.is_open), other.people[2], other.let_in_at[0]) == ([0, 0, 0, 1], 2**32 - 1, 12.5)
    os.close(other.memory)


def test_memory_of_another_form_is_refused(turns: Turns) -> None:
    with pytest.raises(ValueError, match="other than 5 doors"):
        Turns(turns.memory, DOORS + 1)


def test_the_count_of_those_let_in_begins_again(turns: Turns, listeners: list[socket.socket]) -> None:
    turns.let_in[0] = 2**32 - 1
    Door(turns, 0, listeners[0]).let_in(2, 2, 100.0)
    assert turns.let_in[0] == 1


# The kernel.


def test_who_is_sent_to_a_door_stands_there(listeners: list[socket.socket]) -> None:
    with Crowd(listeners) as crowd:
        for index in (2, 0, 3):
            send_to(listeners[1], index)
            assert crowd.comes(10) == {index: 10}


def test_taken_back_the_kernel_spreads_as_it_did(listeners: list[socket.socket]) -> None:
    send_to(listeners[0], None)
    send_to(listeners[0], 2)
    send_to(listeners[0], None)
    with Crowd(listeners) as crowd:
        assert len(crowd.comes(60)) == DOORS


def test_a_number_that_no_listener_has_spreads_too(listeners: list[socket.socket]) -> None:
    send_to(listeners[0], DOORS)
    with Crowd(listeners) as crowd:
        assert len(crowd.comes(60)) == DOORS


def test_where_the_kernel_cannot_be_told_nothing_happens() -> None:
    """Of a socket that is closed, say."""
    sock = socket.socket()
    sock.close()
    send_to(sock, 1)


def test_who_was_let_in_waits_no_more(listeners: list[socket.socket]) -> None:
    send_to(listeners[0], 1)
    with Crowd(listeners) as crowd:
        crowd.comes(2)
        assert select.select([listeners[1]], [], [], 10)[0]
        listeners[1].accept()[0].close()
        assert waiting_at(listeners[1]) == 1
