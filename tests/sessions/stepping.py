"""Actors that take their steps when a test says so: the product's rooms and sessions, without tasks and clocks.

What surrounds them is simulated: addresses with mailboxes that are emptied one message at a time, a supervisor that
starts an actor again, and timers that run out when they are looked at.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable
from typing import Any, cast

from actors import NORMAL, Actor, Address, Down, Gapped
from server.rooms.actor import RoomActor
from server.sessions.actor import SessionActor


class Box:
    """An address: a mailbox, and whoever lives behind it."""

    def __init__(self, world: Runtime, name: Hashable, make: Callable[[], Actor], limit: int = 10_000) -> None:
        self.world = world
        self.name = name
        self.incarnation = 0
        self.alive = True
        self.limit = limit
        self.waiting: deque[object] = deque()
        self.watchers: dict[Any, None] = {}
        self.make = make
        self.actor: Any = None
        self.timers: list[tuple[float, int, object]] = []
        world.boxes.append(self)
        self.begin()

    def begin(self) -> None:
        self.incarnation += 1
        self.actor = self.make()
        self.actor.address = self
        self.actor.started()

    def tell(self, message: object) -> bool:
        if not self.alive:
            return False
        if len(self.waiting) >= self.limit:
            if not isinstance(self.waiting[-1], Gapped):
                self.waiting.append(Gapped())
            return True
        self.waiting.append(message)
        return True

    def answer(self, message: object) -> bool:
        if self.alive:
            self.waiting.append(message)
        return self.alive

    def step(self) -> None:
        self.actor.receive(self.waiting.popleft())

    def end(self, reason: object, *, again: bool) -> None:
        """The incarnation is over; `again`: the supervisor starts the next."""
        self.timers = []
        self.alive = again
        for watcher in self.watchers:
            watcher.answer(Down(cast("Address", self), self.incarnation, reason))
        for group in self.world.groups.values():
            group.pop(self, None)
        for other in self.world.boxes:
            other.watchers.pop(self, None)
        if again:
            self.begin()
        else:
            self.waiting.clear()
            self.world.boxes.remove(self)


class SimulatedTimer:
    """What whoever sets a timer has of it."""

    def __init__(self, box: Box, timer: tuple[float, int, object]) -> None:
        self.box = box
        self.timer = timer
        box.timers.append(timer)

    def cancel(self) -> None:
        if self.timer in self.box.timers:
            self.box.timers.remove(self.timer)


class Simulated(Actor):
    """The runtime's verbs, against the simulated world."""

    __slots__ = ()

    @property
    def _box(self) -> Box:
        return cast("Box", self.address)

    @property
    def system(self) -> Any:
        return self._box.world

    def watch(self, target: Address) -> None:
        box = cast("Box", target)
        if box.alive:
            box.watchers[self._box] = None
        else:
            self._box.answer(Down(target, box.incarnation, NORMAL))

    def unwatch(self, target: Address) -> None:
        cast("Box", target).watchers.pop(self._box, None)

    def send_after(self, seconds: float, message: object) -> Any:
        world = self._box.world
        return SimulatedTimer(self._box, (world.now + seconds, next(world.numbers), message))

    def stop(self, reason: object = NORMAL) -> None:
        self._box.end(reason, again=False)


class SimulatedRoom(Simulated, RoomActor):
    __slots__ = ()


class SimulatedSession(Simulated, SessionActor):
    __slots__ = ()


class Runtime:
    """Stands in for the `System` that actors see."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self.numbers = iter(range(1, 10**9))
        self.boxes: list[Box] = []
        self.groups: dict[Hashable, dict[Box, None]] = {}

    @property
    def now(self) -> float:
        return self._now()

    # --- what actors see of a system --------------------------------------------------------------------------

    def dynamic(self, id: str) -> Runtime:
        assert id == "rooms"
        return self

    def find_or_start(self, key: str) -> Box:
        found = self.find(key)
        return found or Box(self, key, self.new_room)

    def new_room(self) -> Actor:
        """Of whatever key."""
        raise NotImplementedError

    def join(self, group: Hashable, box: Box) -> None:
        self.groups.setdefault(group, {})[box] = None

    def leave(self, group: Hashable, box: Box) -> None:
        self.groups.get(group, {}).pop(box, None)

    def members(self, group: Hashable) -> tuple[Box, ...]:
        return tuple(self.groups.get(group, ()))

    def broadcast(self, group: Hashable, message: object, but: object = None) -> int:
        return sum(box.tell(message) for box in self.members(group) if box is not but)

    # --- what tests do ----------------------------------------------------------------------------------------

    def find(self, key: Hashable) -> Box | None:
        return next((box for box in self.boxes if box.name == key), None)

    def fire_timers(self) -> None:
        for box in list(self.boxes):
            due = sorted(timer for timer in box.timers if timer[0] <= self.now)
            box.timers = [timer for timer in box.timers if timer[0] > self.now]
            for _, _, message in due:
                box.answer(message)

    def run_messages(self, but: Box | None = None) -> None:
        """Until nobody (`but` one) has anything to handle. The store does nothing by itself."""
        while busy := [box for box in self.boxes if box.waiting and box is not but]:
            for box in busy:
                while box.alive and box.waiting:
                    box.step()
