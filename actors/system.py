"""System: everything of one process that belongs to all actors, and the life of its tree.

`run` is that life: the scheduler, the timers and the root supervisor, until it is cancelled or the root gives
up. A cancel does not reach into the tree: it asks the root to stop, and the tree then stops in order, child
by child, under a shield. So whoever runs a system bounds its stop by the shutdown time-outs of the tree, not
by a second cancel.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Hashable, Iterator
from contextlib import asynccontextmanager, nullcontext
from typing import TYPE_CHECKING

import trio

from actors.code_change import Code
from actors.dead_letters import DeadLetters
from actors.dynamic import Dynamic
from actors.errors import GaveUp, NameTaken, RootGaveUp
from actors.garbage import FreezePolicy, Freezer
from actors.introspect import Node, TopBy, top, tree_lines
from actors.links import Links
from actors.names import Groups, Names
from actors.runaways import RunawayPolicy, Runaways
from actors.sampling import Samples
from actors.scheduler import Budget, Scheduler
from actors.spec import DynamicSpec, SupervisorSpec, dynamics_of
from actors.supervisor import Supervisor
from actors.timers import Timers

if TYPE_CHECKING:
    from actors.actor import Actor
    from actors.address import Address
    from actors.blueprint import Blueprint
    from actors.distribution.distribution import Distribution
    from actors.spec import ActorSpec
    from actors.tracing import Trace


class System:
    """One per process.

    Args:
        root: the whole tree.
        budget: how long an actor, and all actors together, may run at a time.
        freeze: when to take what has lived long out of the collector's sight; None: never.
        runaways: which handlers are interrupted, and what is reported; None: nothing.
        distribution: the other nodes; None: there are none.
    """

    def __init__(
        self,
        root: SupervisorSpec,
        budget: Budget | None = None,
        freeze: FreezePolicy | None = None,
        runaways: RunawayPolicy | None = None,
        distribution: Distribution | None = None,
    ) -> None:
        self.distribution = distribution
        """The other nodes, if it was given any."""
        self.samples = Samples()
        """Who uses the time; stays empty without `runaways`."""
        self._freezer = None if freeze is None else Freezer(freeze, lambda: self.births)
        self._runaways = None if runaways is None else Runaways(runaways, self.samples)
        self.scheduler = Scheduler(budget or Budget(), None if self._runaways is None else self._runaways.slice_over)
        self.timers = Timers()
        self.names = Names()
        self.groups = Groups()
        self.links = Links()
        self.dead_letters = DeadLetters()
        """Messages told to, or left in the mailbox of, actors that had stopped."""
        self.code = Code()
        self.traces: dict[Address | type[Actor], Trace] = {}
        """Those that have not ended, by the address or the class of actors that is traced."""
        self.suspended: dict[Address, Actor] = {}
        """Those who receive nothing for now; see `suspending`."""
        self.births = 0
        """Actors started so far."""
        self._dynamics: dict[str, Dynamic] = {}
        for spec in dynamics_of(root):
            if spec.id in self._dynamics:
                raise ValueError(f"the tree has several dynamic supervisors called {spec.id}")
            self._dynamics[spec.id] = Dynamic(spec, self)
        self._root = Supervisor(root, root.id, self)
        if distribution is not None:
            distribution.attach(self)

    @property
    def freezes(self) -> int:
        """How often what had lived long was taken out of the collector's sight."""
        return 0 if self._freezer is None else self._freezer.freezes

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
        named = spec.name is not None
        if named and self.names.find(spec.name) is not None:
            raise NameTaken(f"{spec.name!r} is taken")
        alone = DynamicSpec(spec.id, spec.start, spec.mailbox, spec.restart, spec.shutdown, named=named)
        dynamic = self._dynamics[spec.id] = Dynamic(alone, self)
        self._root.adopt(alone)
        return dynamic.start(spec.name if named else spec.id, *spec.args)

    def addresses(self) -> Iterator[Address]:
        """The addresses of all actors, in start order of the tree; does not survive a start or an end of one."""
        return self._root.addresses()

    def blueprints(self) -> Iterator[Blueprint]:
        """What the next children of all dynamic supervisors are made by."""
        return (dynamic.blueprint for dynamic in self._dynamics.values())

    def find(self, path: str) -> Address | None:
        """The actor at this place in the tree. Looks through all: 40 ms for 100,000 actors."""
        return next((address for address in self.addresses() if address.path == path), None)

    def top(self, most: int, by: TopBy) -> list[tuple[Address, float]]:
        """Which actors have the most of something, and how much; the first has most, and who has none is left out.

        Args:
            most: how many at most.
            by: "time" (seconds of CPU, sampled), "mailbox" (messages that wait) or "messages" (handled so far).
        """
        return self.samples.top(most) if by == "time" else top(self.addresses(), most, by)

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
                self._freezer.start()
            if on_ready is not None:
                on_ready(self)

        failure: GaveUp | None = None
        guard = nullcontext() if self._runaways is None else self._runaways.armed()
        try:
            with guard:
                failure = await self._run_tree(ready)
        finally:
            if self._freezer is not None:
                self._freezer.stop()
        return failure

    async def _run_tree(self, ready: Callable[[], None]) -> GaveUp | None:
        failure: GaveUp | None = None
        async with trio.open_nursery() as runtime:
            runtime.start_soon(self.scheduler.run, name="actors scheduler")
            runtime.start_soon(self.timers.run, name="actors timers")
            failure = await self._root.run(ready)
            for trace in tuple(self.traces.values()):
                trace.stop()
            runtime.cancel_scope.cancel()
        return failure

    async def _stop_when_cancelled(self) -> None:
        try:
            await trio.sleep_forever()
        finally:
            self._root.stop()


FREEZE = FreezePolicy()
"""What a system that runs does about garbage unless told otherwise."""

RUNAWAYS = RunawayPolicy()
"""What it does about runaways unless told otherwise."""


async def run(
    root: SupervisorSpec,
    *,
    on_ready: Callable[[System], None] | None = None,
    budget: Budget | None = None,
    freeze: FreezePolicy | None = FREEZE,
    runaways: RunawayPolicy | None = RUNAWAYS,
    distribution: Distribution | None = None,
) -> None:
    """Run a tree until this is cancelled; then, or when the root gives up, stop it in order.

    Args:
        root: the tree.
        on_ready: called once all children are ready.
        budget: how long an actor, and all actors together, may run at a time.
        freeze: when to take what has lived long out of the collector's sight; None: never.
        runaways: which handlers are interrupted, and what is reported; None: nothing. In the main thread only.
        distribution: the other nodes; its task has to be in the tree. None: there are none.

    Raises:
        RootGaveUp: the root could not start, or had to restart its children too often.
    """
    await System(root, budget, freeze, runaways, distribution).run(on_ready)


@asynccontextmanager
async def open_system(
    root: SupervisorSpec,
    *,
    budget: Budget | None = None,
    runaways: RunawayPolicy | None = None,
    distribution: Distribution | None = None,
) -> AsyncIterator[System]:
    """A running tree for the length of a block, ready when it begins: for tests, and for a look at
    a tree. No garbage policy; and unless asked for, no signal, no thread and nothing that depends on a clock.

    Raises:
        RootGaveUp: the root could not start, or gave up during the block, which is cancelled then.
    """
    system = System(root, budget, runaways=runaways, distribution=distribution)
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
