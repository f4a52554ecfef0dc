"""Tasks: children that wait. An `async def` in its supervisor's nursery, where OTP has a port or a blocking
process.

The rules:
- A task says when it is ready (`context.started()`); the next child starts only then. Returning says so too,
  so a step that has to be over before the next child starts is a task that never calls it.
- It is stopped by being cancelled. trio has no kill: what a task shields from the cancel, it shields with
  `context.finishing()`, and that shield ends after the shutdown time-out.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING

import trio

from actors.child import Parent, Readiness
from actors.errors import StartFailed, StartTimedOut, untraced
from actors.introspect import Node
from actors.messages import NORMAL, SHUTDOWN

if TYPE_CHECKING:
    from actors.address import Address
    from actors.spec import TaskSpec
    from actors.system import System

log = logging.getLogger("actors.supervisor")


class TaskRun:
    """One run of a task, as its supervisor holds it."""

    __slots__ = ("ended", "ready", "scope", "shields")

    def __init__(self) -> None:
        self.ready = Readiness()
        self.ended = trio.Event()
        self.scope = trio.CancelScope()
        self.shields: list[trio.CancelScope] = []

    def kill(self) -> None:
        """End what it shields."""
        for shield in self.shields:
            shield.cancel()


class TaskContext:
    """What a task is given.

    Attributes:
        system: the system it runs in.
        path: where it stands in the tree.
    """

    __slots__ = ("_run", "path", "system")

    def __init__(self, system: System, path: str, run: TaskRun) -> None:
        self.system = system
        self.path = path
        self._run = run

    def started(self) -> None:
        """The task is ready; harmless when repeated."""
        self._run.ready.resolve()

    def finishing(self) -> trio.CancelScope:
        """A scope for what has to be finished in spite of the cancel, within the shutdown time-out at the longest."""
        shield = trio.CancelScope(shield=True)
        self._run.shields.append(shield)
        return shield


class TaskChild:
    """A task under a supervisor, over all its runs."""

    def __init__(self, spec: TaskSpec, parent: Parent) -> None:
        self.id = spec.id
        self.path = f"{parent.path}/{spec.id}"
        self.restart = spec.restart
        self.up = False
        self._starts = 0
        self._spec = spec
        self._parent = parent
        self._run: TaskRun | None = None

    async def start(self) -> None:
        """Run it, and wait until it is ready."""
        run = self._run = TaskRun()
        self._starts += 1
        self.up = True
        self._parent.nursery.start_soon(self._supervise, run, name=self.path)
        failure: BaseException | None = None
        with trio.move_on_after(self._spec.start_timeout):
            failure = await run.ready.wait()
        if failure is not None:
            raise StartFailed(self.path) from failure
        if not run.ready.known:
            raise StartTimedOut(self.path, self._spec.start_timeout)

    async def stop(self) -> None:
        """Cancel it and wait for its end; after its shutdown time-out, cancel what it shields as well."""
        self.up = False
        if self._run is None:
            return
        run = self._run
        run.scope.cancel()
        with trio.move_on_after(self._spec.shutdown):
            await run.ended.wait()
        if not run.ended.is_set():
            if self._spec.shutdown:
                log.warning("%s did not stop within %g s: killed", self.path, self._spec.shutdown)
            run.kill()
            await run.ended.wait()

    def close(self, reason: object) -> None:
        """A task keeps nothing between two runs."""

    def addresses(self) -> Iterator[Address]:
        """A task has none."""
        return iter(())

    def describe(self, most: int) -> Node:
        """It, as a part of the tree."""
        return Node(self.id, "task", "running" if self.up else "stopped", max(0, self._starts - 1))

    async def _supervise(self, run: TaskRun) -> None:
        reason: object = SHUTDOWN
        try:
            with run.scope:
                await self._spec.run(TaskContext(self._parent.system, self.path, run))
                reason = NORMAL
        except Exception as error:
            log.error("%s crashed: %r", self.path, error, exc_info=error)
            reason = untraced(error)
        run.ready.resolve(reason if isinstance(reason, BaseException) else None)
        run.ended.set()
        self._parent.child_ended(self, reason)
