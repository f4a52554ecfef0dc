"""The reactor's passes, one by one, over real sockets with owners that only take notes."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from server.gateway.messages import Signal
from server.gateway.reactor import Reactor


class Owner:
    """Notes what it is told, like an actor that has not run yet."""

    def __init__(self) -> None:
        self.told: list[object] = []
        self.alive = True

    def answer(self, message: object) -> bool:
        if self.alive:
            self.told.append(message)
        return self.alive


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Ours, non-blocking, and the peer's."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        peer = socket.create_connection(listening.getsockname())
        ours, _ = listening.accept()
    ours.setblocking(False)
    with peer, ours:
        yield ours, peer


async def registered(sock: socket.socket) -> tuple[Reactor, Owner]:
    reactor, owner = Reactor(), Owner()
    reactor.register(sock, owner)  # type: ignore[arg-type]
    return reactor, owner


async def test_a_socket_gives_no_second_chunk_before_the_first_is_taken(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    ours, peer = pair
    reactor, owner = await registered(ours)
    peer.send(b"first")
    reactor._pass(1.0)
    peer.send(b"second")
    reactor._pass(2.0)
    assert owner.told == [b"first"]
    reactor.taken(ours)
    reactor._pass(3.0)
    assert owner.told == [b"first", b"second"]


async def test_a_chunk_is_bounded(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, peer = pair
    reactor, owner = await registered(ours)
    peer.sendall(b"x" * 100_000)
    reactor._pass(1.0)
    (chunk,) = owner.told
    assert isinstance(chunk, bytes)
    assert 0 < len(chunk) <= 64 * 1024


async def test_a_paused_socket_is_not_read_and_its_silence_does_not_count(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    ours, peer = pair
    reactor, owner = await registered(ours)
    reactor.pause(ours)
    peer.send(b"wait")
    reactor._pass(1.0)
    assert owner.told == []
    assert list(reactor.silences(0, 10_000, 0.0, 1e9)) == []
    reactor.resume(ours)
    reactor._pass(2.0)
    assert owner.told == [b"wait"]


async def test_a_paused_socket_that_was_reset_is_told_once_and_never_spins(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    ours, peer = pair
    reactor, owner = await registered(ours)
    reactor.pause(ours)
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.close()
    for _ in range(3):
        reactor._pass(1.0)
    assert owner.told == [Signal.HUNG_UP]
    assert reactor._epoll.poll(0) == []


async def test_the_end_of_the_stream_is_told_once_behind_what_was_sent(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    ours, peer = pair
    reactor, owner = await registered(ours)
    peer.send(b"last words")
    peer.close()
    for _ in range(3):
        reactor._pass(1.0)
        reactor.taken(ours)
    assert owner.told == [b"last words", Signal.HUNG_UP]


async def test_writable_is_told_once_for_each_time_it_is_awaited(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, _peer = pair
    reactor, owner = await registered(ours)
    reactor._pass(1.0)
    assert owner.told == []
    for times in (1, 2):
        reactor.await_writable(ours)
        assert reactor.statistics().waiting_to_write == 1
        reactor._pass(1.0)
        reactor._pass(1.0)
        assert owner.told == [Signal.WRITABLE] * times


async def test_a_paused_socket_can_still_become_writable(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, _peer = pair
    reactor, owner = await registered(ours)
    reactor.pause(ours)
    reactor.await_writable(ours)
    reactor._pass(1.0)
    assert owner.told == [Signal.WRITABLE]
    assert reactor.statistics().paused == 1


async def test_what_has_no_living_owner_is_closed_at_its_next_event(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, peer = pair
    reactor, owner = await registered(ours)
    owner.alive = False
    peer.send(b"anybody?")
    reactor._pass(1.0)
    assert ours.fileno() == -1
    assert reactor.registered == 0


async def test_to_unregister_twice_or_after_the_close_is_harmless(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, _peer = pair
    reactor, _owner = await registered(ours)
    reactor.unregister(ours)
    reactor.unregister(ours)
    ours.close()
    reactor.unregister(ours)
    assert reactor.statistics().registered == 0


async def test_a_descriptor_that_is_used_again_starts_from_nothing(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, peer = pair
    reactor, owner = await registered(ours)
    peer.send(b"told, and never taken")
    reactor._pass(1.0)
    reactor.pause(ours)
    reactor.unregister(ours)
    later = Owner()
    reactor.register(ours, later)  # type: ignore[arg-type]
    peer.send(b"new")
    reactor._pass(2.0)
    assert later.told == [b"new"]
    assert len(owner.told) == 1


async def test_silence_is_counted_from_the_last_byte(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, peer = pair
    reactor, _ = await registered(ours)
    peer.send(b"here")
    reactor._pass(100.0)
    ((_descriptor, _owner, silence),) = reactor.silences(0, 10_000, 5.0, 107.0)
    assert silence == 7.0
    assert list(reactor.silences(0, 10_000, 8.0, 107.0)) == []


async def test_a_walk_over_all_owners_survives_those_who_leave_meanwhile() -> None:
    reactor = Reactor()
    with ExitStack() as opened:
        ours = [opened.enter_context(sock) for _ in range(4) for sock in socket.socketpair()]
        owners = {sock.fileno(): Owner() for sock in ours}
        for sock in ours:
            reactor.register(sock, owners[sock.fileno()])  # type: ignore[arg-type]
        by_descriptor = sorted(ours, key=socket.socket.fileno)
        walk = reactor.owners()
        seen: list[object] = [next(walk), next(walk)]
        for gone in (0, 1, 3):
            reactor.unregister(by_descriptor[gone])
        seen.extend(walk)
        assert seen == [owners[by_descriptor[number].fileno()] for number in (0, 1, 2, 4, 5, 6, 7)]
        left: list[object] = list(reactor.owners())
        assert left == [owners[by_descriptor[number].fileno()] for number in (2, 4, 5, 6, 7)]
