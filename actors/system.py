"""System: everything of one process that belongs to all actors, and the life of its tree.

`run` is that life: the scheduler, the timers and the root supervisor, until it is cancelled or the root gives
up. A cancel does not reach into the tree: it asks the root to stop, and the tree then stops in order, child
by child, under a shield. So whoever runs a system bounds its stop by the shutdown time-outs of the tree, not
by a second cancel.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Hashable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import trio

from actors.dead_letters import DeadLetters
from actors.dynamic import Dynamic
from actors.errors import GaveUp, NameTaken, RootGaveUp
from actors.garbage import FreezePolicy, Freezer
from actors.introspect import Node, tree_lines
from actors.links import Links
from actors.names import Groups, Names
from actors.scheduler import Budget, Scheduler
from actors.spec import DynamicSpec, SupervisorSpec, dynamics_of
from actors.supervisor import Supervisor
from actors.timers import Timers

if TYPE_CHECKING:
    from actors.address import Address
    from actors.spec import ActorSpec


class System:
    """One per process.

    Args:
        root: the whole tree.
        budget: how long an actor, and all actors together, may run at a time.
        freeze: when to take what has lived long out of the collector's sight; None: never.
    """

    def __init__(self, root: SupervisorSpec, budget: Budget | None = None, freeze: FreezePolicy | None = None) -> None:
        self._freezer = None if freeze is None else Freezer(freeze)
        self.scheduler = Scheduler(budget or Budget(), None if freeze is None else self._look_for_garbage)
        self.timers = Timers()
        self.names = Names()
        self.groups = Groups()
        self.links = Links()
        self.dead_letters = DeadLetters()
        """Messages told to, or left in the mailbox of, actors that had stopped."""
        self.births = 0
        """Actors started so far."""
        self._dynamics: dict[str, Dynamic] = {}
        for spec in dynamics_of(root):
            if spec.id in self._dynamics:
                raise ValueError(f"the tree has several dynamic supervisors called {spec.id}")
            self._dynamics[spec.id] = Dynamic(spec, self)
        self._root = Supervisor(root, root.id, self)

    def dynamic(self, id: str) -> Dynamic:
        """The dynamic supervisor with this id. Raises KeyError if the tree has none."""
        return self._dynamics[id]

    def whereis(self, name: Hashable) -> Address | None:
        """The actor with this name."""
        return self.names.find(name)

    def join(self, group: Hashable, address: Address) -> None:
        """Add an actor to a group, until it leaves or its incarnation ends."""
        self.groups.join(group, address)

    def leave(self, group: Hashable, address: Address) -> None:
        """Take an actor out of a group."""
        self.groups.leave(group, address)

    def members(self, group: Hashable) -> tuple[Address, ...]:
        """Who is in a group."""
        return self.groups.members(group)

    def broadcast(self, group: Hashable, message: object, but: Address | None = None) -> int:
        """Tell all members of a group, but one if named; how many took it."""
        return self.groups.broadcast(group, message, but)

    def spawn(self, spec: ActorSpec) -> Address:
        """Start an actor that the tree does not list, under the root, with a breaker of its own: for tests
        and trials.

        Raises ValueError for an id that is in use, `NameTaken` for a name, and what `Dynamic.start` raises.
        """
        if spec.id in self._dynamics:
            raise ValueError(f"{spec.id} is the id of another dynamic supervisor")
        if spec.name is not None and self.names.find(spec.name) is not None:
            raise NameTaken(f"{spec.name!r} is taken")
        alone = DynamicSpec(spec.id, spec.start, spec.mailbox, spec.restart, spec.shutdown)
        dynamic = self._dynamics[spec.id] = Dynamic(alone, self)
        self._root.adopt(alone)
        address = dynamic.start(spec.id if spec.name is None else spec.name, *spec.args)
        if spec.name is not None:
            self.names.register(spec.name, address)
        return address

    def describe(self, most: int = 10) -> Node:
        """The tree as data, with at most `most` children of each dynamic supervisor."""
        spec = self._root.spec
        return Node(spec.id, "supervisor", "running", 0, spec.strategy.value, self._root.describe(most))

    def tree_text(self, most: int = 10) -> str:
        """The tree, one line a child."""
        return "\n".join(tree_lines(self.describe(most)))

    async def run(self, on_ready: Callable[[System], None] | None = None) -> None:
        """See the function `run`."""
        failure: GaveUp | None = None
        async with trio.open_nursery() as outside:
            outside.start_soon(self._stop_when_cancelled)
            with trio.CancelScope(shield=True):
                failure = await self._run_shielded(on_ready)
            outside.cancel_scope.cancel()
        if failure is not None:
            raise RootGaveUp(failure.path, failure.why) from failure.__cause__

    async def _run_shielded(self, on_ready: Callable[[System], None] | None) -> GaveUp | None:
        def ready() -> None:
            if self._freezer is not None:
                self._freezer.freeze(self.births)
            if on_ready is not None:
                on_ready(self)

        failure: GaveUp | None = None
        async with trio.open_nursery() as runtime:
            runtime.start_soon(self.scheduler.run, name="actors scheduler")
            runtime.start_soon(self.timers.run, name="actors timers")
            failure = await self._root.run(ready)
            runtime.cancel_scope.cancel()
        if self._freezer is not None:
            self._freezer.thaw()
        return failure

    async def _stop_when_cancelled(self) -> None:
        try:
            await trio.sleep_forever()
        finally:
            self._root.stop()

    def _look_for_garbage(self) -> None:
        if self._freezer is not None:
            self._freezer.look(self.births)


FREEZE = FreezePolicy()
"""What a system that runs does about garbage unless told otherwise."""


async def run(
    root: SupervisorSpec,
    *,
    on_ready: Callable[[System], None] | None = None,
    budget: Budget | None = None,
    freeze: FreezePolicy | None = FREEZE,
) -> None:
    """Run a tree until this is cancelled; then, or when the root gives up, stop it in order.

    Args:
        root: the tree.
        on_ready: called once all children are ready.
        budget: how long an actor, and all actors together, may run at a time.
        freeze: when to take what has lived long out of the collector's sight; None: never.

    Raises:
        RootGaveUp: the root could not start, or had to restart its children too often.
    """
    await System(root, budget, freeze).run(on_ready)


@asynccontextmanager
async def open_system(root: SupervisorSpec, *, budget: Budget | None = None) -> AsyncIterator[System]:
    """A running tree for the length of a block, ready when it begins: for tests, and for a look at
    a tree. No garbage policy.

    Raises:
        RootGaveUp: the root could not start, or gave up during the block, which is cancelled then.
    """
    system = System(root, budget)
    ready = trio.Event()
    failures: list[Exception] = []

    async def life(nursery: trio.Nursery) -> None:
        try:
            await system.run(lambda _: ready.set())
        except RootGaveUp as failure:
            failures.append(failure)
            nursery.cancel_scope.cancel()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(life, nursery)
        await ready.wait()
        try:
            yield system
        except Exception as failure:
            failures.append(failure)
        nursery.cancel_scope.cancel()
    if failures:
        raise failures[0]
