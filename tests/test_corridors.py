"""Sockets that go from one worker to another."""

from __future__ import annotations

import array
import os
import socket
from collections.abc import Iterator

import pytest

from server.corridors import MOST_BYTES, Corridors, corridors_for, take_from

WORKERS = 3
MORE_THAN_FIT = 5_000


@pytest.fixture
def corridors() -> Iterator[Corridors]:
    made = corridors_for(WORKERS)
    yield made
    made.close()


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    here, there = socket.socketpair()
    with here, there:
        there.settimeout(5)
        yield here, there


def test_what_was_handed_over_lives_on_when_the_giver_has_closed_it(
    corridors: Corridors, pair: tuple[socket.socket, socket.socket]
) -> None:
    here, there = pair
    assert corridors.hand_over(1, b"words", here.fileno())
    here.close()
    words, descriptor = take_from(corridors.inlet(1))
    with socket.socket(fileno=descriptor) as taken:
        taken.send(b"still there")
        assert (words, there.recv(100)) == (b"words", b"still there")
        assert not os.get_inheritable(descriptor)


def test_nothing_waits_in_the_corridors_of_others(
    corridors: Corridors, pair: tuple[socket.socket, socket.socket]
) -> None:
    corridors.hand_over(1, b"words", pair[0].fileno())
    for other in (0, 2):
        with pytest.raises(BlockingIOError):
            take_from(corridors.inlet(other))


def test_messages_come_whole_and_in_order(corridors: Corridors, pair: tuple[socket.socket, socket.socket]) -> None:
    for words in (b"first", b"", b"x" * MOST_BYTES):
        assert corridors.hand_over(0, words, pair[0].fileno())
    for words in (b"first", b"", b"x" * MOST_BYTES):
        taken, descriptor = take_from(corridors.inlet(0))
        os.close(descriptor)
        assert taken == words


def test_too_long_words_are_not_taken(corridors: Corridors, pair: tuple[socket.socket, socket.socket]) -> None:
    assert not corridors.hand_over(0, b"x" * (MOST_BYTES + 1), pair[0].fileno())
    with pytest.raises(BlockingIOError):
        take_from(corridors.inlet(0))


def test_a_full_corridor_takes_nothing_more_and_loses_nothing(
    corridors: Corridors, pair: tuple[socket.socket, socket.socket]
) -> None:
    taken = 0
    while taken < MORE_THAN_FIT and corridors.hand_over(2, b"%d" % taken, pair[0].fileno()):
        taken += 1
    assert 100 < taken < MORE_THAN_FIT
    for number in range(taken):
        words, descriptor = take_from(corridors.inlet(2))
        os.close(descriptor)
        assert words == b"%d" % number


def test_where_nobody_has_the_inlet_any_more_nothing_is_taken(
    corridors: Corridors, pair: tuple[socket.socket, socket.socket]
) -> None:
    corridors.keep_only(1)
    assert not corridors.hand_over(0, b"words", pair[0].fileno())
    assert corridors.hand_over(1, b"words", pair[0].fileno())


def test_what_waits_when_a_corridor_is_closed_is_closed_with_it(pair: tuple[socket.socket, socket.socket]) -> None:
    here, there = pair
    corridors = corridors_for(1)
    corridors.hand_over(0, b"words", here.fileno())
    here.close()
    corridors.close()
    assert there.recv(100) == b""


def test_of_several_descriptors_one_is_kept_and_none_leaks() -> None:
    outlet, inlet = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    reading, writing = os.pipe()
    with outlet, inlet:
        both = array.array("i", [writing, writing])
        outlet.sendmsg([b"words"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, both)])
        os.close(writing)
        _, descriptor = take_from(inlet)
        if descriptor >= 0:
            os.close(descriptor)
        assert os.read(reading, 1) == b"", "somebody still has the other end"
        os.close(reading)


def test_words_without_a_descriptor_say_so() -> None:
    outlet, inlet = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with outlet, inlet:
        outlet.send(b"words")
        assert take_from(inlet) == (b"words", -1)
