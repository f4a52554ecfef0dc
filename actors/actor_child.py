"""One actor under a static supervisor, over all its lives.

Its address is made at the first start and kept until the supervisor will not start it again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import trio

from actors import lifecycle
from actors.address import Address, Cell
from actors.blueprint import Blueprint
from actors.child import Parent, Readiness
from actors.errors import CRASHES, StartFailed, untraced
from actors.introspect import Node
from actors.messages import SHUTDOWN
from actors.suspending import end_soon

if TYPE_CHECKING:
    from actors.actor import Actor
    from actors.spec import ActorSpec

log = logging.getLogger("actors.supervisor")


class ActorChild:
    """An actor, as a child of a supervisor that is a task; also the owner its lifecycle reports to."""

    def __init__(self, spec: ActorSpec, parent: Parent) -> None:
        self.id = spec.id
        self.path = f"{parent.path}/{spec.id}"
        self.restart = spec.restart
        self.up = False
        self._starts = 0
        self._spec = spec
        self._parent = parent
        self._address: Address | None = None
        self._ready = Readiness()
        self._gone: trio.Event | None = None

    async def start(self) -> None:
        """Make an incarnation, and wait until its `started` hook has run."""
        self._ready = Readiness()
        try:
            address = self._own_address()
            has_lived = address._blueprint.actor_class is not None
            (lifecycle.begin_again if has_lived else lifecycle.begin)(address, self._spec.args)
        except CRASHES as error:
            log.error("%s failed to start: %r", self.path, error, exc_info=error)
            raise StartFailed(self.path) from untraced(error)
        self._starts += 1
        self.up = True
        if not address._blueprint.has_started:
            self._ready.resolve()
        else:
            failure = await self._ready.wait()
            if failure is not None:
                raise StartFailed(self.path) from failure

    async def stop(self) -> None:
        """Ask it to stop, and kill it when its time is up."""
        address, self.up = self._address, False
        if address is None or not address.living:
            return
        self._gone = trio.Event()
        if self._spec.shutdown:
            end_soon(address, SHUTDOWN)
            with trio.move_on_after(self._spec.shutdown) as time:
                await self._gone.wait()
            if time.cancelled_caught:
                log.warning("%s did not stop within %g s: killed", self.path, self._spec.shutdown)
        lifecycle.kill(address, SHUTDOWN)
        self._parent.system.scheduler.withdraw(address)
        self._gone = None

    def close(self, reason: object) -> None:
        """Close its address, and free its name."""
        address, self._address = self._address, None
        if address is not None:
            lifecycle.close(address, reason)

    def describe(self, most: int) -> Node:
        """It, as a part of the tree."""
        if self._address is None:
            return Node(self.id, "actor", "stopped", max(0, self._starts - 1))
        now = self._address.statistics()
        return Node(self.id, "actor", now.state, max(0, self._starts - 1), now.actor)

    def addresses(self) -> Iterator[Address]:
        """Its own."""
        if self._address is not None:
            yield self._address

    def path_of(self, address: Address) -> str:
        """The address has no siblings."""
        return self.path

    def child_started(self, address: Address) -> None:
        """Its `started` hook has run."""
        self._ready.resolve()

    def child_ended(self, address: Address, reason: object) -> None:
        """The incarnation is over: asked to, or failed to start, or for its parent to decide."""
        if self._gone is not None:
            self._gone.set()
        elif not self._ready.known and isinstance(reason, BaseException):
            self._ready.resolve(reason)
        else:
            self._ready.resolve()
            self._parent.child_ended(self, reason)

    def start_changed(self, address: Address, start: Callable[..., Actor]) -> None:
        """Also when its supervisor, restarted, makes it anew from its specification."""
        self._parent.system.code.starts[self.path] = start

    def _own_address(self) -> Address:
        if self._address is None:
            spec = self._spec
            system = self._parent.system
            blueprint = Blueprint(system, self, system.code.start_of(self.path, spec.start), spec.mailbox)
            address = Cell(blueprint, spec.name)
            if spec.name is not None:
                system.names.register(spec.name, address)
            self._address = address
        return self._address
