"""Two nodes in one process, over a network that loses what a test wants it to lose."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

import trio

from actors import (
    Actor,
    ActorSpec,
    ChildSpec,
    Distribution,
    DynamicSpec,
    Mailbox,
    MemoryNetwork,
    SupervisorSpec,
    System,
    TaskSpec,
    open_system,
)
from server.cluster.codec import NodeCodec


class Session(Actor):
    """One of a user's: hears what concerns the user. Its key is the user's id."""

    __slots__ = ("_heard",)

    def __init__(self, heard: list[object]) -> None:
        self._heard = heard

    def started(self) -> None:
        self.system.join(str(self.address.name), self.address)

    def receive(self, message: object) -> None:
        self._heard.append(message)


SESSIONS = DynamicSpec("sessions", Session, mailbox=Mailbox(limit=10_000))


class Nodes:
    """Nodes `a` and `b`, each with sessions and what else a test gives it."""

    def __init__(self) -> None:
        self.network = MemoryNetwork()
        self.systems: dict[str, System] = {}
        self.distributions = {name: Distribution(name, self.network.transport(name), NodeCodec) for name in ("a", "b")}

    def session(self, node: str, user: str) -> list[object]:
        """What a new session of `user` there hears."""
        heard: list[object] = []
        self.systems[node].dynamic("sessions").start(user, heard)
        return heard

    @asynccontextmanager
    async def living(self, **children: Sequence[ChildSpec]) -> AsyncIterator[Nodes]:
        """`children`: by the name of the node."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.network.run)
            async with AsyncExitStack() as opened:
                for name, distribution in self.distributions.items():
                    tree = SupervisorSpec(name, [TaskSpec("links", distribution.run), SESSIONS, *children[name]])
                    self.systems[name] = await opened.enter_async_context(open_system(tree, distribution=distribution))
                    self.network.join(distribution)
                yield self
            nursery.cancel_scope.cancel()


def named(name: str, start: type[Actor], *args: object, mailbox: Mailbox | None = None) -> ActorSpec:
    return ActorSpec(name, start, args, mailbox=mailbox or Mailbox(), name=name)
