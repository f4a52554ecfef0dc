"""The reactor's passes, one by one, over real sockets with owners that only take notes."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest
import trio
from trio.testing import MockClock

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


async def test_who_is_not_welcome_stands_in_the_lobby(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, peer = pair
    reactor, owner = Reactor(lobby_seconds=0.03), Owner()
    reactor.register(ours, owner)  # type: ignore[arg-type]
    peer.send(b"hello")
    reactor._pass(1.0)
    assert owner.told == []
    reactor._pass(1.0, reactor._lobby)
    assert owner.told == [b"hello"]
    reactor.taken(ours)
    reactor.settle(ours)
    reactor.settle(ours)
    peer.send(b"post")
    reactor._pass(1.0, reactor._lobby)
    assert owner.told == [b"hello"]
    reactor._pass(1.0)
    assert owner.told == [b"hello", b"post"]


async def test_what_was_asked_for_in_the_lobby_is_asked_for_inside(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, peer = pair
    reactor, owner = Reactor(lobby_seconds=0.03), Owner()
    reactor.register(ours, owner)  # type: ignore[arg-type]
    reactor.pause(ours)
    reactor.await_writable(ours)
    reactor.settle(ours)
    peer.send(b"wait")
    reactor._pass(1.0)
    assert owner.told == [Signal.WRITABLE]
    reactor.resume(ours)
    reactor._pass(1.0)
    assert owner.told == [Signal.WRITABLE, b"wait"]


async def test_who_hangs_up_in_the_lobby_or_is_forgotten_there_leaves_nothing(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    ours, peer = pair
    reactor, owner = Reactor(lobby_seconds=0.03), Owner()
    reactor.register(ours, owner)  # type: ignore[arg-type]
    peer.close()
    reactor._pass(1.0, reactor._lobby)
    assert owner.told == [Signal.HUNG_UP]
    reactor.settle(ours)
    reactor._pass(1.0)
    reactor.unregister(ours)
    assert (reactor.registered, reactor._newcomers) == (0, 0)
    reactor.register(ours, owner)  # type: ignore[arg-type]
    reactor.unregister(ours)
    assert (reactor.registered, reactor._newcomers) == (0, 0)


async def test_a_crowd_in_the_lobby_is_looked_at_now_and_then(autojump_clock: MockClock) -> None:
    """And who is inside at once: nothing of the crowd is seen in between."""
    with ExitStack() as stack:
        reactor = Reactor(lobby_seconds=5.0)
        pairs = [stack.enter_context(connected()) for _ in range(20)]
        owners = [Owner() for _ in pairs]
        for (ours, _), owner in zip(pairs, owners, strict=True):
            reactor.register(ours, owner)  # type: ignore[arg-type]
        reactor.settle(pairs[0][0])
        async with trio.open_nursery() as nursery:
            nursery.start_soon(reactor.run, Started())  # type: ignore[arg-type]
            pairs[1][1].send(b"first")
            await told(owners[1])
            pairs[2][1].send(b"second")
            pairs[0][1].send(b"inside")
            await told(owners[0])
            assert owners[2].told == []
            await told(owners[2])
            assert trio.current_time() >= 5.0
            nursery.cancel_scope.cancel()


class Started:
    def started(self) -> None:
        """As a task's context."""


@contextmanager
def connected() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, peer = socket.socketpair()
    ours.setblocking(False)
    with ours, peer:
        yield ours, peer


async def told(owner: Owner) -> None:
    while not owner.told:  # noqa: ASYNC110 - it only takes notes
        await trio.sleep(0.001)
