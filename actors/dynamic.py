"""Dynamic: the supervisor of many like children, found by key and started on demand (OTP's
DynamicSupervisor).

It is no task and has no mailbox: a few synchronous methods over its `Children`, called from actors and tasks
of the trio thread, so finding and starting cannot race. All children share one blueprint; a child costs one
dictionary entry.

The rules:
- With a breaker, a child that crashes too often is quarantined by its key: its address stops for good, and
  the key cannot be started until the backoff is over. Nothing a child does then counts against this
  supervisor.
  Every end that leads to a restart counts as a crash, the orderly end of a permanent child too.
- Without one, restarts count as in OTP, and too many of them make this supervisor give up.
- Children are stopped concurrently: they do not depend on each other.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable, Iterator
from typing import TYPE_CHECKING

import trio

from actors import lifecycle
from actors.address import Address, Cell
from actors.blueprint import Blueprint
from actors.child import Parent
from actors.children import PIECE, Children
from actors.errors import (
    CRASHES,
    AlreadyStarted,
    GaveUp,
    MaxChildren,
    NotRunning,
    Overrun,
    Quarantined,
    StartFailed,
    untraced,
)
from actors.introspect import Node
from actors.messages import SHUTDOWN
from actors.policy import CrashRecord, Restart
from actors.suspending import end_soon

if TYPE_CHECKING:
    from actors.actor import Actor
    from actors.spec import DynamicSpec
    from actors.system import System

log = logging.getLogger("actors.supervisor")

SWEEP = 256
"""So many crash records are never worth a sweep."""

SLICE = 500
"""So many children are asked to end, or killed, before others may run: less than a millisecond."""


class Dynamic:
    """The handle of a dynamic supervisor. Lives as long as the system, over restarts of what it stands for.

    Attributes:
        crashes: of its children, over all lives.
        overruns: those of them that were ended for taking too long.
        restarts: lives of its children after the first.
        quarantines: how often a key could not be started for a while.
    """

    def __init__(self, spec: DynamicSpec, system: System) -> None:
        self.spec = spec
        self.path = spec.id
        self.crashes = self.overruns = self.restarts = self.quarantines = 0
        self._system = system
        self._blueprint = Blueprint(system, self, system.code.current(spec.start), spec.mailbox)
        self._children = Children()
        self._leaving: dict[Address, None] = {}
        self._records: dict[Hashable, CrashRecord] = {}
        self._sweep_at = SWEEP
        self._window: tuple[float, ...] = ()
        self._supervised_by: DynamicChild | None = None
        self._none_leaving: trio.Event | None = None
        """Only while it is being shut."""

    def find(self, key: Hashable) -> Address | None:
        """The child with this key, if it is started."""
        return self._children.find(key)

    def start(self, key: Hashable | None, *args: object) -> Address:
        """Start a child.

        Args:
            key: what it is found by. None: nobody looks for it, and whoever was given its address has its key.
            args: what the specification's `start` is called with, now and at every restart; not kept for
                children that are never restarted.

        Raises:
            AlreadyStarted: there is one with this key.
            Quarantined: it has crashed too often lately.
            MaxChildren: there are as many as there may be.
            NameTaken: it was to have its key as its name, which another actor has.
            NotRunning: this supervisor is not running.
            StartFailed: `start` raised, which is chained.
        """
        children = self._children
        newest = children.newest
        if key in newest or children.older:
            found = children.find(key)
            if found is not None:
                raise AlreadyStarted(found)
        if self._supervised_by is None or self._none_leaving is not None:
            raise NotRunning(f"{self.path} is not running")
        if self._records:
            self._refuse_quarantined(key)
        if self.spec.max_children is not None and len(children) >= self.spec.max_children:
            raise MaxChildren(f"{self.path} has {len(children)} children, which is its limit")
        address = Cell(self._blueprint, key)
        if key is None:
            key = address
        elif self.spec.named:
            self._system.names.register(key, address)
        newest[key] = address
        if len(newest) >= PIECE:
            children.turn()
        try:
            lifecycle.begin(address, args)
        except CRASHES as error:
            children.pop(key)
            lifecycle.close(address, error)
            self._remember_crash(key)
            raise StartFailed(f"{self.path}/{key}") from error
        if args and self.spec.restart is not Restart.TEMPORARY:
            address._more().args = args
        self._blueprint = address._blueprint
        self._system.births += 1
        return address

    def find_or_start(self, key: Hashable, *args: object) -> Address:
        """The child with this key; started with `args` if there is none. Raises as `start`, but `AlreadyStarted`."""
        found = self._children.find(key)
        return self.start(key, *args) if found is None else found

    def stop(self, key: Hashable, reason: object = SHUTDOWN) -> bool:
        """Ask the child with this key to end in order, and not to be restarted; False if there is none."""
        address = self._children.pop(key)
        if address is None:
            return False
        self._leaving[address] = None
        if self.spec.named:
            self._system.names.free(key, address)  # it is as good as gone: the next one may have its name
        return end_soon(address, reason)

    def children(self) -> Iterator[Address]:
        """All children; the iterator does not survive a start or an end of one."""
        return iter(self._children)

    def __len__(self) -> int:
        return len(self._children)

    def path_of(self, address: Address) -> str:
        """Where this child stands in the tree."""
        return f"{self.path}/{_shown(address)}"

    def child_started(self, address: Address) -> None:
        """Nobody waits for a child of this supervisor to be ready."""

    def start_changed(self, address: Address, start: Callable[..., Actor]) -> None:
        """Its own blueprint says so, and goes with it."""

    def child_ended(self, address: Address, reason: object) -> None:
        """Start its next incarnation, or close its address."""
        while self._restarts(address, reason):
            try:
                lifecycle.begin_again(address, () if address._extra is None else address._extra.args)
            except CRASHES as error:
                log.error("%s failed to start: %r", address.path, error, exc_info=error)
                reason = untraced(error)
            else:
                self.restarts += 1
                return
        self._forget(address, reason)

    @property
    def blueprint(self) -> Blueprint:
        """What the next child is made by."""
        return self._blueprint

    def describe(self, most: int) -> tuple[Node, ...]:
        """The first `most` children, as parts of the tree."""
        shown: list[Node] = []
        for address in self._children:
            if len(shown) == most:
                break
            now = address.statistics()
            shown.append(Node(_shown(address), "actor", now.state, now.restarts, now.actor))
        return tuple(shown)

    def open(self, child: DynamicChild) -> None:
        """Its supervisor starts it."""
        self._supervised_by, self.path = child, child.path
        self._window = ()

    async def shut(self, seconds: float) -> None:
        """Stop all children, each without waiting for the other; kill those that have not ended when the time is up."""
        self._none_leaving = trio.Event()
        if seconds:
            with trio.move_on_after(seconds):
                await self._end_all()
            left = len(self._children) + len(self._leaving)
            if left:
                log.warning("%s: %d children did not stop within %g s: killed", self.path, left, seconds)
        for number, address in enumerate(self._take_all(), start=1):
            _kill(address)
            if number % SLICE == 0:
                await trio.lowlevel.cancel_shielded_checkpoint()
        self._supervised_by = self._none_leaving = None

    async def _end_all(self) -> None:
        """A slice at a time, the next when all of that have gone: a million at once are a long queue."""
        while self._children or self._leaving:
            self._none_leaving = trio.Event()
            for _ in range(min(SLICE, len(self._children))):
                address = self._children.pop_last()
                self._leaving[address] = None
                end_soon(address, SHUTDOWN)
            await self._none_leaving.wait()

    def _restarts(self, address: Address, reason: object) -> bool:
        """Whether this child, which has ended, is to be started again; what its end means beyond that is done here."""
        crashed = isinstance(reason, BaseException)
        if crashed:
            self.crashes += 1
            self.overruns += isinstance(reason, Overrun)
        key = _key_of(address)
        expected = self._children.find(key) is not address or self._none_leaving is not None
        applies = not expected and self.spec.restart.applies(crashed)
        if self.spec.breaker is not None:
            if not crashed and not applies:
                return False
            return self._remember_crash(key) and applies
        return applies and self._within_intensity(address, reason)

    def _remember_crash(self, key: Hashable) -> bool:
        """Note a crash for the breaker; False if the key is quarantined by it."""
        breaker = self.spec.breaker
        if breaker is None:
            return True
        now = trio.current_time()
        if len(self._records) >= self._sweep_at:
            self._records = {key: record for key, record in self._records.items() if not breaker.clean(record, now)}
            self._sweep_at = max(SWEEP, 2 * len(self._records))
        record = self._records[key] = breaker.after_crash(self._records.get(key, CrashRecord()), now)
        seconds = record.retry_after(now)
        if seconds:
            self.quarantines += 1
            log.warning("%s/%s is quarantined for %g s", self.path, key, seconds)
        return not seconds

    def _refuse_quarantined(self, key: Hashable) -> None:
        record = self._records.get(key)
        if record is not None:
            seconds = record.retry_after(trio.current_time())
            if seconds:
                raise Quarantined(f"{self.path}/{key}", seconds)

    def _within_intensity(self, address: Address, reason: object) -> bool:
        """Count a restart as OTP does; past the intensity, end everything and report to the supervisor."""
        intensity = self.spec.intensity
        self._window = intensity.window(self._window, trio.current_time())
        if not intensity.exceeded(self._window):
            return True
        supervisor, self._supervised_by = self._supervised_by, None
        gave_up = GaveUp(address.path, f"was restarted more than {intensity.restarts} times in {intensity.seconds:g} s")
        gave_up.__cause__ = reason if isinstance(reason, BaseException) else None
        for address in self._take_all():
            _kill(address)
        if supervisor is not None:
            supervisor.gave_up(gave_up)
        return False

    def _take_all(self) -> list[Address]:
        """All that are left; as they end, they are nobody's."""
        left = [*self._children, *self._leaving]
        self._children = Children()
        return left

    def _forget(self, address: Address, reason: object) -> None:
        key = _key_of(address)
        if self._children.find(key) is address:
            self._children.pop(key)
        self._leaving.pop(address, None)
        lifecycle.close(address, reason)
        if self._none_leaving is not None and not self._leaving:
            self._none_leaving.set()


def _key_of(address: Address) -> Hashable:
    return address if address._key is None else address._key


def _shown(address: Address) -> str:
    """Its key in a path; of one without, what no other that lives now has."""
    return f"@{id(address):x}" if address._key is None else str(address._key)


def _kill(address: Address) -> None:
    if address.living:
        lifecycle.kill(address, SHUTDOWN)
    else:
        lifecycle.close(address, SHUTDOWN)


class DynamicChild:
    """A dynamic supervisor, as a child of a supervisor that is a task."""

    def __init__(self, spec: DynamicSpec, parent: Parent) -> None:
        self.id = spec.id
        self.path = f"{parent.path}/{spec.id}"
        self.restart = Restart.PERMANENT
        self.up = False
        self._starts = 0
        self._spec = spec
        self._parent = parent
        self._dynamic = parent.system.dynamic(spec.id)

    async def start(self) -> None:
        """Take children from now on."""
        self.open()

    def open(self) -> None:
        """As `start`; there is nothing to wait for."""
        self._starts += 1
        self.up = True
        self._dynamic.open(self)

    async def stop(self) -> None:
        """Stop all children."""
        if self.up:
            self.up = False
            await self._dynamic.shut(self._spec.shutdown)

    def gave_up(self, failure: GaveUp) -> None:
        """Without a breaker, its children were restarted too often."""
        self._parent.child_ended(self, failure)

    def close(self, reason: object) -> None:
        """It keeps nothing between two lives."""

    def addresses(self) -> Iterator[Address]:
        """Those of its children."""
        return self._dynamic.children()

    def describe(self, most: int) -> Node:
        """It, as a part of the tree."""
        shown = self._dynamic.describe(most)
        count = len(self._dynamic)
        return Node(
            self.id,
            "dynamic",
            "running" if self.up else "stopped",
            max(0, self._starts - 1),
            f"{count} children, {self._dynamic.restarts} restarts",
            shown,
            count - len(shown),
        )
