"""What a delivery is made of: the turns of its actors without the kernel, and `send` and `recv` without the actors.

`python -m tests.bench.gateway.delivery_parts` prints a JSON object a figure. *Turns*: a room's slices, real sessions
and real connections, over sockets whose `send` does nothing. *Kernel*: a loop of `send` over as many sockets, to a
process that reads; in the order in which the sockets were made, and in no order. It is CPU time of both ends, so it may
be run beside other work, but caches are shared: trust what was measured in turns.

In a network namespace of its own the kernel's table of connections can be made as full as a million make it
(docs/figures.md, "What a delivery costs among many"):

    sysctl net.ipv4.tcp_child_ehash_entries=4096
    unshare -n sh -c 'ip link set lo up; python -m tests.bench.gateway.delivery_parts --sockets 16000'
"""

from __future__ import annotations

import argparse
import gc
import os
import random
import select
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from statistics import median
from typing import Any, cast

import trio

from actors import ActorSpec, Address, DynamicSpec, SupervisorSpec, System, open_system
from server.gateway.connection import Connection
from server.gateway.dialects import PLAIN_JSON
from server.gateway.gateway import Gateway
from server.gateway.limits import GatewayLimits
from server.gateway.parsing import ParserPool
from server.gateway.reactor import Reactor
from server.metrics.counts import RoomCounts
from server.protocol.entries import MessageEntry
from server.protocol.objects import User
from server.protocol.replies import Limits
from server.rooms.easing import Easing
from server.rooms.effects import FanOut
from server.rooms.messages import Delivery
from server.rooms.telling import NextSlice, Telling
from server.sessions.actor import SessionActor
from server.sessions.environment import SessionEnvironment
from server.store.user_messages import Identity
from tests.bench import measure
from tests.bench.stage import CLIENT_CPU, pinned, tell

ROOM = "r_all"
SENDER = User(user="u_ann", name="ann")
FRAME = b"x" * 200
SOURCES = 50
"""Addresses that the clients come from, so that their ports suffice."""


# --- turns -------------------------------------------------------------------------------------------------------


class NullSocket:
    """Takes everything."""

    __slots__ = ("_descriptor",)

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def fileno(self) -> int:
        return self._descriptor

    def send(self, data: bytes) -> int:
        return len(data)

    def close(self) -> None:
        pass


class NullReactor(Reactor):
    """Watches nobody."""

    def register(self, sock: object, owner: Address) -> None:
        pass

    def unregister(self, sock: object) -> None:
        pass

    def taken(self, sock: object) -> None:
        pass

    def resume(self, sock: object) -> None:
        pass


class Taker:
    """A store that takes every question, and answers none."""

    def tell(self, _message: object, /) -> bool:
        return True


class Crier(Telling):
    """Tells as rooms do."""

    __slots__ = ("_counted", "_never")

    def __init__(self) -> None:
        super().__init__()
        self._counted, self._never = RoomCounts(), Easing()

    @property
    def _counts(self) -> RoomCounts:
        return self._counted

    @property
    def _easing(self) -> Easing:
        return self._never

    def receive(self, message: object) -> None:
        match message:
            case FanOut():
                self._tell_in_order(message)
            case NextSlice():
                self._tell_next_slice()


async def turns(members: int, rooms_each: int, rounds: int) -> float:
    """Microseconds of CPU for each of so many sessions, from the room to `send`, without it."""
    taker = Taker()
    limits = Limits(frame=65_536, text=4_000, unanswered=32)
    environment = SessionEnvironment(
        writer=taker, reader=taker, limits=limits, node="n", heartbeat=lambda: 30_000, used=lambda session, at: None
    )
    gateway = Gateway(
        limits=GatewayLimits(), reactor=NullReactor(), parsers=ParserPool(1), reader=taker, app=cast("Any", None)
    )
    kinds = [
        DynamicSpec("sessions", partial(SessionActor, environment)),
        DynamicSpec("connections", partial(Connection, gateway)),
    ]
    async with open_system(SupervisorSpec("turns", kinds)) as system:
        people = tuple([await _arrived(system, number, rooms_each) for number in range(members)])
        crier = system.spawn(ActorSpec("crier", Crier))
        gc.collect()
        gc.freeze()
        return median([await _told(system, crier, people, seq) for seq in range(1, rounds + 1)]) / members * 1e6


async def _arrived(system: System, number: int, rooms_each: int) -> Address:
    """A session with a connection that is ready, at rest: as it is behind `welcome`."""
    me = Identity(User(user=f"u_{number}", name="x"), f"s_{number}", None, administrator=False)
    session = system.dynamic("sessions").start(f"s_{number}", me)
    address = system.dynamic("connections").start(None, NullSocket(number), None, PLAIN_JSON)
    await trio.lowlevel.checkpoint()
    while system.scheduler.ready:
        await trio.lowlevel.checkpoint()
    feed = cast("SessionActor", session._actor)._feed
    feed.opened(address, {})
    for room in (ROOM, *(f"r_{nth}_{number // 10}" for nth in range(rooms_each - 1))):
        feed.follow(room, 0, asker=None, others_from=0)
    connection = cast("Connection", address._actor)
    connection._session = session
    connection._leave_opening()
    connection._busy_with = None
    return session


async def _told(system: System, crier: Address, people: tuple[Address, ...], seq: int) -> float:
    entry = MessageEntry(room=ROOM, seq=seq, at="2026-01-01T00:00:00.000Z", from_=SENDER, text="x" * 100, reactions=())
    begin = time.thread_time()
    crier.tell(FanOut(Delivery(ROOM, [entry]), people))
    while system.scheduler.ready:
        await trio.lowlevel.checkpoint()
    return time.thread_time() - begin


# --- kernel ------------------------------------------------------------------------------------------------------


@contextmanager
def reading(sockets: int) -> Iterator[tuple[list[socket.socket], int, int]]:
    """So many sockets, the process that reads their other ends, and a pipe: a byte when all have read once more."""
    with socket.create_server(("127.0.0.1", 0), backlog=4_096) as listening:
        done, told = os.pipe()
        reader = os.fork()
        if not reader:
            _read_all(listening.getsockname(), sockets, told)
        os.close(told)
        accepted = [listening.accept()[0] for _ in range(sockets)]
    for each in accepted:
        each.setblocking(False)
        each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        os.read(done, 1)
        yield accepted, reader, done
    finally:
        for each in accepted:
            each.close()
        os.waitpid(reader, 0)
        os.close(done)


def _read_all(address: tuple[str, int], sockets: int, told: int) -> None:
    """The reader's process, until the other side closes."""
    with pinned(CLIENT_CPU), closing(select.epoll()) as epoll:
        reads: dict[int, Callable[[int], bytes]] = {}
        for number in range(sockets):
            each = socket.create_connection(address, source_address=(f"127.0.0.{2 + number % SOURCES}", 0))
            each.setblocking(False)
            epoll.register(each.fileno(), select.EPOLLIN)
            reads[each.fileno()] = each.recv
        os.write(told, b"r")
        heard = 0
        while True:
            for descriptor, _ in epoll.poll(-1, 512):
                if not reads[descriptor](65_536):
                    os._exit(0)
                heard += 1
            if heard == sockets:
                heard = 0
                os.write(told, b"d")


def kernel(sockets: int, rounds: int) -> Iterator[tuple[str, float, float]]:
    """For each order: microseconds of CPU of the sender and of the reader for each `send`."""
    with reading(sockets) as (accepted, reader, done):
        shuffled = random.Random(1).sample(accepted, len(accepted))
        found: dict[str, list[tuple[float, float]]] = {"as made": [], "shuffled": []}
        for _ in range(rounds):
            for order, some in zip(found, (accepted, shuffled), strict=True):
                found[order].append(_sent(some, reader, done))
    for order, pairs in found.items():
        sender, receiver = (median(side) / sockets * 1e6 for side in zip(*pairs, strict=True))
        yield order, sender, receiver


def _sent(sockets: list[socket.socket], reader: int, done: int) -> tuple[float, float]:
    time.sleep(0.02)  # the reader has fallen asleep
    begin, read_before = time.thread_time(), measure.cpu_seconds(reader)
    for each in sockets:
        each.send(FRAME)
    sent = time.thread_time() - begin
    os.read(done, 1)
    return sent, measure.cpu_seconds(reader) - read_before


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--sockets", type=int, nargs="+", default=[200, 2_000, 16_000])
    arguments.add_argument("--rounds", type=int, default=9)
    given = arguments.parse_args()
    for number in given.sockets:
        for order, sender, receiver in kernel(number, given.rounds):
            tell("kernel", sockets=number, order=order, send_us=round(sender, 2), read_us=round(receiver, 2))
    for number in given.sockets:
        for rooms_each in (1, 2):
            found = trio.run(turns, number, rooms_each, given.rounds)
            tell("turns", members=number, rooms_each=rooms_each, us=round(found, 2))


if __name__ == "__main__":
    main()
