"""The room as an actor: what it is told goes to the pure `Room`, and the effects that come back are carried out.

The rules: effects in order; the answer to a question is never held back by a full mailbox; a fan-out tells at most
`SLICE` receivers at a time, and the rest of it waits in the room's own mailbox, so that other rooms have their turn.

Its mailbox refuses what is too much, which its senders answer as `unavailable`. A crash costs the state and the
message: whoever was attached hears `Down`, attaches again, and catches up from the log.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Final

import trio
from msgspec import Struct, field

from actors import Actor, Down, Mailbox, Overflow, Tell
from server.metrics.counts import RoomCounts
from server.protocol.errors import unavailable
from server.rooms.effects import Consult, Effect, FanOut, InTurn, Reply, Rest, TellUser, Unwatch, Watch, Write
from server.rooms.fan_out import AT_ONCE, FanOutQueue, Ordered
from server.rooms.messages import Attach, Request
from server.rooms.room import Room
from server.rooms.sizes import DEFAULT_SIZES, Sizes
from server.store.messages import Done, Failed, Outcomes

ROOMS: Final = "rooms"
"""The id of the dynamic supervisor all rooms live under; its keys are the rooms' ids."""

MAILBOX: Final = Mailbox(limit=10_000, overflow=Overflow.REFUSE)
BEAT_SECONDS: Final = 1.0


class RoomEnvironment(Struct, frozen=True):
    """What all rooms share.

    Attributes
    ----------
    writer, reader
        The inboxes of the store's tasks.
    sizes
        How large rooms may be, and how large until they are told differently.
    refs
        Gives the references of all rooms.
    counts
        Where fan-outs are counted.
    """

    writer: Tell
    reader: Tell
    sizes: Sizes = DEFAULT_SIZES
    refs: Iterator[int] = field(default_factory=count)
    counts: RoomCounts = field(default_factory=RoomCounts)


class Beat(Struct, frozen=True):
    """To itself, once a second while there is something to do."""


class NextSlice(Struct, frozen=True):
    """To itself: go on with the fan-out."""


BEAT: Final = Beat()
NEXT_SLICE: Final = NextSlice()


class RoomActor(Actor):
    """One incarnation of a room. Its key in the supervisor is the room's id."""

    __slots__ = ("_beating", "_environment", "_going_out", "_room")

    def __init__(self, environment: RoomEnvironment) -> None:
        self._environment = environment
        self._going_out: FanOutQueue | None = None  # there is one only while something waits in it
        self._beating = False
        self._room: Room

    def started(self) -> None:
        address = self.address
        environment = self._environment
        self._room = Room(str(address.name), address, address.incarnation, environment.refs, environment.sizes)
        self._carry_out(self._room.started(trio.current_time()))

    def receive(self, message: object) -> None:
        room, now = self._room, trio.current_time()
        match message:
            case Request():
                effects = room.request(message, now)
            case Outcomes():
                effects = room.outcomes(message, now)
            case NextSlice():
                if self._going_out is not None:
                    self._fan_out_slice(self._going_out)
                return
            case Attach():
                effects = room.attach(message)
            case Down(address=session):
                effects = room.session_ended(session)
            case Done():
                effects = room.done(message, now)
            case Failed():
                effects = room.failed(message, now)
            case Beat():
                self._beating = False
                effects = room.beat(now)
            case _:
                raise TypeError(f"a room is not told {type(message).__name__}")
        self._carry_out(effects)

    def stopped(self, reason: object) -> None:
        for effect in self._room.stopped():
            self._do(effect)

    def _carry_out(self, effects: list[Effect]) -> None:
        for effect in effects:
            self._do(effect)
        if not self._beating and self._room.restless:
            self._beating = True
            self.send_after(BEAT_SECONDS, BEAT)

    def _do(self, effect: Effect) -> None:
        match effect:
            case Reply(to=to, message=message):
                to.answer(message)
            case FanOut() | InTurn() | TellUser():
                self._tell_in_order(effect)
            case Write(message=message):
                if not self._environment.writer.tell(message):
                    self._carry_out(self._room.not_taken(message, trio.current_time()))
            case Consult(question=question):
                if not self._environment.reader.tell(question):
                    failed = Failed(question.ref, unavailable())
                    self._carry_out(self._room.failed(failed, trio.current_time()))
            case Watch(session=session):
                self.watch(session)
            case Unwatch(session=session):
                self.unwatch(session)
            case Rest():
                self.stop()

    def _tell_in_order(self, effect: Ordered) -> None:
        """At once where that is possible: most rooms are small, and nothing is going out."""
        if self._going_out is not None:
            self._going_out.add(effect)
        elif isinstance(effect, FanOut) and len(effect.to) > AT_ONCE:
            self._going_out = FanOutQueue()
            self._going_out.add(effect)
            self._fan_out_slice(self._going_out)
        else:
            self._tell(effect)

    def _fan_out_slice(self, queue: FanOutQueue) -> None:
        for part in queue.next_slice():
            self._tell(part)
        if queue:
            self.address.answer(NEXT_SLICE)
        else:
            self._going_out = None

    def _tell(self, effect: Ordered) -> None:
        match effect:
            case FanOut(message=message, to=to):
                counts = self._environment.counts
                counts.fan_outs += 1
                counts.deliveries += len(to)
                for session in to:
                    session.tell(message)
            case InTurn(message=answer, to=asker):
                asker.answer(answer)
            case TellUser(user=user, message=added):
                self.system.broadcast(user, added)
