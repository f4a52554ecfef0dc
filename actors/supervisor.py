"""The supervisor of a fixed list of children, actors and tasks alike.

It is a trio task with a nursery for its tasks; nothing it has started outlives it. The rules are in `policy`;
here they are carried out, one event after the other:
- start in order, each child ready before the next one starts; a child that fails to, fails the whole start;
- a child that ended: restart it (and, by strategy, its siblings), or not, or give up;
- stop in reverse order, each child within its own time.

A restart that has to wait for its backoff does not hold up those of other children.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from math import inf
from typing import TYPE_CHECKING

import trio

from actors.actor_child import ActorChild
from actors.child import Child, Parent, Readiness
from actors.dynamic import DynamicChild
from actors.errors import GaveUp, StartFailed
from actors.introspect import Node
from actors.messages import SHUTDOWN
from actors.policy import Restart
from actors.spec import ActorSpec, ChildSpec, DynamicSpec, SupervisorSpec, TaskSpec
from actors.task import TaskChild

if TYPE_CHECKING:
    from actors.address import Address
    from actors.system import System

log = logging.getLogger("actors.supervisor")


class Supervisor:
    """One life of a supervisor. `run` is that life; `stop` ends it."""

    nursery: trio.Nursery

    def __init__(self, spec: SupervisorSpec, path: str, system: System) -> None:
        self.spec = spec
        self.path = path
        self.system = system
        self.children: list[Child] = [child_of(child, self) for child in spec.children]
        self._ended: list[tuple[Child, object]] = []
        self._wake = trio.Event()
        self._due: dict[Child, float] = {}
        self._window: tuple[float, ...] = ()
        self._work = trio.CancelScope()

    async def run(self, ready: Callable[[], None]) -> GaveUp | None:
        """Start the children, call `ready`, and keep them running.

        Returns:
            Why it gave up, or None after `stop`. In both cases all children have stopped.
        """
        failure: GaveUp | None = None
        async with trio.open_nursery() as self.nursery:
            with self._work:
                failure = await self._start_all()
                if failure is None:
                    ready()
                    failure = await self._keep_running()
            if failure is not None:
                log.error("%s gives up: %s", self.path, failure)
            await self._stop_all()
        self._part()
        return failure

    def stop(self) -> None:
        """End it in order, wherever it is."""
        self._work.cancel()

    def child_ended(self, child: Child, reason: object) -> None:
        """For children: one has ended."""
        self._ended.append((child, reason))
        self._wake.set()

    def adopt(self, spec: DynamicSpec) -> None:
        """Add a dynamic supervisor to a running tree, behind all other children."""
        child = DynamicChild(spec, self)
        child.open()
        self.children.append(child)

    def addresses(self) -> Iterator[Address]:
        """The addresses of all actors below it, in start order."""
        for child in self.children:
            yield from child.addresses()

    def describe(self, most: int) -> tuple[Node, ...]:
        """The children, as parts of the tree."""
        return tuple(child.describe(most) for child in self.children)

    async def _start_all(self) -> GaveUp | None:
        for child in self.children:
            try:
                await child.start()
            except StartFailed as error:
                return _gave_up(error)
            log.debug("%s is ready", child.path)
        return None

    async def _stop_all(self) -> None:
        for child in reversed(self.children):
            await child.stop()
            child.close(SHUTDOWN)
            log.debug("%s has stopped", child.path)

    def _part(self) -> None:
        """It and its children refer to each other no more, so that a life that is over is not left to the collector."""
        self.children.clear()
        self._due.clear()
        self._ended.clear()
        del self.nursery

    async def _keep_running(self) -> GaveUp | None:
        """Handle one event after the other until one is too much.

        Nothing is started before every end that is known has been dealt with, so a report about a child that is not
        up is old: it was stopped since, or never got ready.
        """
        failure: GaveUp | None = None
        while failure is None:
            with trio.move_on_at(min(self._due.values(), default=inf)):
                await self._wake.wait()
            if self._ended:
                child, reason = self._ended.pop(0)
                if child.up:
                    failure = await self._child_is_down(child, reason)
            else:
                self._wake = trio.Event()
                failure = await self._start_due()
        return failure

    async def _child_is_down(self, child: Child, reason: object) -> GaveUp | None:
        child.up = False
        if child.restart.applies(isinstance(reason, BaseException)):
            return await self._restart(child, reason)
        child.close(reason)
        return None

    async def _restart(self, failed: Child, reason: object) -> GaveUp | None:
        """Stop whoever shares its fate, and note when all of them are to be started again."""
        now = trio.current_time()
        intensity = self.spec.intensity
        self._window = intensity.window(self._window, now)
        if intensity.exceeded(self._window):
            return _gave_up(
                reason, failed.path, f"ended more than {intensity.restarts} times in {intensity.seconds:g} s"
            )
        affected = self.spec.strategy.affected(self.children.index(failed), len(self.children))
        due = now + self.spec.backoff.delay(len(self._window))
        for place in reversed(affected):
            child = self.children[place]
            await child.stop()
            if child.restart is Restart.TEMPORARY:
                child.close(SHUTDOWN)
            else:
                self._due[child] = due
        return None

    async def _start_due(self) -> GaveUp | None:
        """Start, in order, those whose backoff is over."""
        now = trio.current_time()
        for child in self.children:
            if self._due.get(child, inf) <= now:
                del self._due[child]
                try:
                    await child.start()
                except StartFailed as error:
                    return await self._restart(child, error)
        return None


class SupervisorChild:
    """A supervisor under a supervisor, over all its lives."""

    def __init__(self, spec: SupervisorSpec, parent: Parent) -> None:
        self.id = spec.id
        self.path = f"{parent.path}/{spec.id}"
        self.restart = spec.restart
        self.up = False
        self._starts = 0
        self._spec = spec
        self._parent = parent
        self._supervisor: Supervisor | None = None
        self._ready = Readiness()
        self._gone = trio.Event()

    async def start(self) -> None:
        """Start it, and wait until all its children are ready."""
        self._supervisor = Supervisor(self._spec, self.path, self._parent.system)
        self._ready, self._gone = Readiness(), trio.Event()
        self._starts += 1
        self.up = True
        self._parent.nursery.start_soon(self._run, self._supervisor, name=self.path)
        failure = await self._ready.wait()
        if isinstance(failure, GaveUp):
            raise StartFailed(failure.path, failure.why) from failure.__cause__

    async def stop(self) -> None:
        """Stop it; its children have their own time-outs."""
        self.up = False
        if self._supervisor is not None:
            self._supervisor.stop()
            await self._gone.wait()
            self._supervisor = None

    def close(self, reason: object) -> None:
        """It keeps nothing between two lives."""

    def addresses(self) -> Iterator[Address]:
        """Those below it."""
        return iter(()) if self._supervisor is None else self._supervisor.addresses()

    def describe(self, most: int) -> Node:
        """It, as a part of the tree."""
        children = () if self._supervisor is None else self._supervisor.describe(most)
        state = "running" if self.up else "stopped"
        return Node(self.id, "supervisor", state, max(0, self._starts - 1), self._spec.strategy.value, children)

    async def _run(self, supervisor: Supervisor) -> None:
        failure = await supervisor.run(self._ready.resolve)
        self._ready.resolve(failure)
        self._gone.set()
        self._parent.child_ended(self, failure)


def child_of(spec: ChildSpec, parent: Parent) -> Child:
    """The child a specification describes."""
    match spec:
        case ActorSpec():
            return ActorChild(spec, parent)
        case TaskSpec():
            return TaskChild(spec, parent)
        case DynamicSpec():
            return DynamicChild(spec, parent)
        case SupervisorSpec():
            return SupervisorChild(spec, parent)


def _gave_up(reason: object, path: str = "", why: str = "") -> GaveUp:
    """Why a supervisor gave up, named by the child deepest down, with the exception that child ended with."""
    if isinstance(reason, (GaveUp, StartFailed)):
        failure = GaveUp(reason.path, reason.why)
        failure.__cause__ = reason.__cause__ or (reason if isinstance(reason, StartFailed) else None)
    else:
        failure = GaveUp(path, why)
        failure.__cause__ = reason if isinstance(reason, BaseException) else None
    return failure
