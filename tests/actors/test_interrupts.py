"""Thousands of interrupts, at any moment, of actors that use what they share with others: nothing of it is torn."""

from __future__ import annotations

import io
import logging
import re
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest
import trio

from actors import (
    Actor,
    ActorSpec,
    Address,
    Breaker,
    DynamicSpec,
    Mailbox,
    MaxChildren,
    Quarantined,
    RunawayPolicy,
    SupervisorSpec,
    System,
    cpu_timer,
    open_system,
    runaways,
)
from tests.actors.common_ground import Ledger, Wire
from tests.actors.small_actors import recorder

log = logging.getLogger("tests.interrupts")

NEVER_MIND = Breaker(window=1e-9)


class Saboteur(Actor):
    """Uses what it shares with the others, for ever."""

    __slots__ = ("ground",)

    def __init__(self, ground: Ground) -> None:
        self.ground = ground

    def started(self) -> None:
        self.address.tell(None)

    def receive(self, message: object) -> None:
        self.address.tell(None)
        group, many = self.address.name, self.system.dynamic("many")
        number = 0
        while True:
            number += 1
            match number % 7:
                case 0:
                    self.ground.wire.send(b"x" * (number % 50))
                case 1:
                    self.ground.ledger.write(number)
                case 2:
                    log.warning("saboteur at %d", number)
                case 3:
                    self.system.join(group, self.address)
                case 4:
                    self.system.leave(group, self.address)
                case 5:
                    with suppress(Quarantined, MaxChildren):
                        many.find_or_start((group, number % 30)).tell(number)
                case _:
                    many.stop((group, number % 30))


class Brief(Actor):
    """One of the many that saboteurs start and stop."""

    __slots__ = ("number",)

    def __init__(self) -> None:
        self.number = 0

    def receive(self, message: object) -> None:
        self.number += 1


class Passing(Actor):
    """Innocent: hands a number on to a recorder."""

    __slots__ = ()

    def receive(self, message: object) -> None:
        recorder = self.system.whereis("recorder")
        assert recorder is not None
        recorder.tell(message)


class Ground:
    """What saboteurs share."""

    def __init__(self, sock: socket.socket) -> None:
        self.wire = Wire(sock)
        self.ledger = Ledger()


async def read_frames(sock: trio.socket.SocketType, frames: list[int]) -> None:
    """Read frames until the end, and see that each of them is whole."""
    data = bytearray()
    while chunk := await sock.recv(65_536):
        data += chunk
        while len(data) >= 4 and len(data) >= 4 + (size := struct.unpack_from("!I", data)[0]):
            assert data[4 : 4 + size] == b"x" * size
            del data[: 4 + size]
            frames.append(size)
    assert not data


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> Iterator[logging.StreamHandler[io.StringIO]]:
    """A handler for all that is logged, in the place of pytest's, which would show it."""
    handler = logging.StreamHandler(io.StringIO())
    handler.setFormatter(logging.Formatter("(%(message)s)"))
    for logger in (log, logging.getLogger("actors")):
        monkeypatch.setattr(logger, "propagate", False)
        logger.addHandler(handler)
    yield handler
    for logger in (log, logging.getLogger("actors")):
        logger.removeHandler(handler)


async def test_thousands_of_interrupts_tear_nothing_that_is_shared(
    monkeypatch: pytest.MonkeyPatch, logged: logging.StreamHandler[io.StringIO]
) -> None:
    """A tick every quarter of a millisecond, by the clock: they fall into whatever a saboteur is doing just then."""
    monkeypatch.setattr(cpu_timer, "_CLOCK_THREAD_CPUTIME_ID", time.CLOCK_MONOTONIC)
    monkeypatch.setattr(runaways, "TICK", 0.000_25)
    fires, told = 2_000, 500
    ours, theirs = socket.socketpair()
    received: list[object] = []
    frames: list[int] = []
    root = SupervisorSpec(
        "root",
        [
            recorder(received, mailbox=Mailbox(told)),
            ActorSpec("passing", Passing, name="passing", mailbox=Mailbox(told)),
            DynamicSpec("many", Brief),
            DynamicSpec("saboteurs", Saboteur, breaker=NEVER_MIND),
        ],
    )
    with ours, trio.socket.from_stdlib_socket(theirs) as reading:
        ours.setblocking(False)
        ground = Ground(ours)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(read_frames, reading, frames)
            async with open_system(root, runaways=RunawayPolicy(overrun=0.000_5, blocked=None)) as system:
                saboteurs = [system.dynamic("saboteurs").start(number, ground) for number in range(5)]
                passing = system.whereis("passing")
                assert passing is not None
                for number in range(told):
                    passing.tell(number)
                    if number % 10 == 0:
                        await trio.lowlevel.checkpoint()
                with trio.fail_after(60):
                    while sum(saboteur.incarnation for saboteur in saboteurs) < fires:
                        await trio.lowlevel.checkpoint()
                for saboteur in saboteurs:
                    system.dynamic("saboteurs").stop(saboteur.name)
                with trio.fail_after(10):
                    while len(system.dynamic("saboteurs")) or system.scheduler.ready:
                        await trio.lowlevel.checkpoint()
                assert passing.incarnation == 1
                assert received == list(range(told))
                living = [child for saboteur in saboteurs for child in children_of(system, saboteur)]
                assert len(living) == len(system.dynamic("many"))
                assert all(child.alive for child in living)
                assert [system.members(saboteur.name) for saboteur in saboteurs] == [()] * 5
            ours.setblocking(True)
            await trio.to_thread.run_sync(ours.sendall, bytes(ground.wire.pending))
            ours.shutdown(socket.SHUT_WR)
    assert frames
    assert ground.ledger.left == ground.ledger.right
    assert not ground.ledger.lock.locked()
    assert await trio.to_thread.run_sync(lock_is_free, logged)
    warnings = [line for line in logged.stream.getvalue().splitlines() if "saboteur at" in line]
    assert warnings
    assert all(re.fullmatch(r"\(saboteur at \d+\)", line) for line in warnings)


def children_of(system: System, saboteur: Address) -> Iterator[Address]:
    for number in range(30):
        child = system.dynamic("many").find((saboteur.name, number))
        if child is not None:
            yield child


def lock_is_free(handler: logging.Handler) -> bool:
    assert handler.lock is not None
    return handler.lock.acquire(timeout=1.0)
