"""Small nodes of one process: a network, systems on it, and a codec for the tests' own messages."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, fields
from typing import Any

import trio
import trio.testing

from actors import (
    ActorSpec,
    Address,
    Distribution,
    DistributionLimits,
    DynamicSpec,
    Intensity,
    LinkLimits,
    Mailbox,
    MemoryNetwork,
    Reply,
    SupervisorSpec,
    System,
    TaskSpec,
    find_by_name,
    open_system,
)
from tests.actors.small_actors import Add, Counter, Crash, End, Ponder, Read, Recorder

CROSSING = {kind.__name__: kind for kind in (Add, Crash, End, Ponder, Read)}


@dataclass(frozen=True)
class Hello:
    """Says who it is from."""

    sender: Address
    text: str = "hello"


CROSSING["Hello"] = Hello  # type: ignore[assignment]


UNKNOWN: set[str] = set()
"""Messages that nobody can read: those of newer nodes."""


class JsonCodec:
    """The tests' messages, as JSON; numbers and strings as they are."""

    def __init__(self, distribution: Distribution) -> None:
        self._distribution = distribution

    def encode(self, message: object) -> bytes:
        """See `Codec.encode`."""
        return json.dumps(self._plain(message)).encode()

    def decode(self, data: bytes) -> object:
        """See `Codec.decode`."""
        plain = json.loads(data)
        if not isinstance(plain, dict):
            return plain
        name = plain.pop("is")
        if name in UNKNOWN:
            raise ValueError(f"{name} is not known here")
        kind = CROSSING[name]
        return kind(**{name: self._read(value) for name, value in plain.items()})

    def _plain(self, message: object) -> object:
        name = type(message).__name__
        if name not in CROSSING:
            if message is None or isinstance(message, (int, str)):
                return message
            raise TypeError(f"{message!r} cannot cross")
        return {"is": name, **{field.name: self._value(getattr(message, field.name)) for field in fields(message)}}  # type: ignore[arg-type]

    def _value(self, value: object) -> object:
        return [self._distribution.export(value)] if isinstance(value, (Address, Reply)) else value

    def _read(self, value: object) -> Any:
        return self._distribution.imported(value[0]) if isinstance(value, list) else value


LIMITS = DistributionLimits(LinkLimits(window=100_000, packet=10_000, time_out=1.0, acknowledge=0.05), questions=50)


def resolve(system: System, name: str, start: bool) -> Address | None:
    """As usual, and counters are started on demand."""
    found = find_by_name(system, name)
    if found is None and start and name.startswith("counters/"):
        return system.dynamic("counters").start(name.removeprefix("counters/"))
    return found


class Place:
    """One node.

    Attributes:
        system: what runs on it.
        there: its distribution.
        log: what its recorder has written down.
    """

    def __init__(self, system: System, there: Distribution, log: list[object]) -> None:
        self.system = system
        self.there = there
        self.log = log

    @property
    def recorder(self) -> Address:
        """Its recorder."""
        found = self.system.whereis("recorder")
        assert found is not None
        return found


@asynccontextmanager
async def open_place(
    network: MemoryNetwork, node: str, limits: DistributionLimits = LIMITS, mailbox: Mailbox | None = None
) -> AsyncIterator[Place]:
    """A node that has joined the network."""
    log: list[object] = []
    distribution = Distribution(node, network.transport(node), JsonCodec, resolve, limits)
    tree = SupervisorSpec(
        "root",
        [
            TaskSpec("links", distribution.run),
            ActorSpec("recorder", Recorder, (log,), name="recorder"),
            DynamicSpec("counters", Counter, mailbox=mailbox or Mailbox()),
            DynamicSpec("recorders", Recorder),
        ],
        intensity=Intensity(1_000, 1.0),
    )
    async with open_system(tree, distribution=distribution) as system:
        network.join(distribution)
        yield Place(system, distribution, log)
    await trio.testing.wait_all_tasks_blocked()
    if node in network.nodes:
        network.leave(node)


@asynccontextmanager
async def open_places(
    *nodes: str, limits: DistributionLimits = LIMITS
) -> AsyncIterator[tuple[MemoryNetwork, Sequence[Place]]]:
    """Several nodes, and the network between them."""
    network = MemoryNetwork()
    async with trio.open_nursery() as nursery, AsyncExitStack() as stack:
        nursery.start_soon(network.run)
        yield network, [await stack.enter_async_context(open_place(network, node, limits)) for node in nodes]
        nursery.cancel_scope.cancel()
