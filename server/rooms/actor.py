"""The room as an actor: what it is told goes to the pure `Room`, and the effects that come back are carried out.

The rules: effects in order; the answer to a question is never held back by a full mailbox; a large fan-out goes out in
slices (`telling.py`). A room that is not this node's stops at once, and whoever looked for it looks again.

Its mailbox refuses what is too much, which its senders answer as `unavailable`. A crash costs the state and the
message: whoever was attached hears `Down`, attaches again, and catches up from the log.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Final

import trio
from msgspec import Struct, field

from actors import NORMAL, Address, Down, Mailbox, Overflow, Tell
from server.metrics.counts import RoomCounts
from server.placement.ownership import Alone, Ownership
from server.protocol.errors import unavailable
from server.relays.messages import Admit, Delivered, Forwarded, Here, Subscribe
from server.rooms.announcing import Announcing
from server.rooms.easing import Easing
from server.rooms.effects import (
    Announce,
    Consult,
    Effect,
    FanOut,
    GoOn,
    InTurn,
    Reply,
    Rest,
    TellUser,
    Unwatch,
    Watch,
    Write,
)
from server.rooms.fan_out import Ordered
from server.rooms.heads import HeadsTable
from server.rooms.messages import MOVED, Appears, Attach, HandOver, News, Remind, Request
from server.rooms.opening import Applicant
from server.rooms.room import Room
from server.rooms.sizes import DEFAULT_SIZES, Sizes
from server.rooms.telling import NextPortion, NextSlice, Telling
from server.rooms.unfinished import Unfinished
from server.store.account_messages import BlockChange
from server.store.log_messages import Outcomes
from server.store.questions import Done, Failed
from server.store.room_messages import MarksSaved

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
    easing
        Says when a large fan-out may go on.
    ownership
        Which rooms are this node's.
    heads
        Where it is noted how far the logs reach that relays follow.
    announcing
        When they may say who came and who went.
    unfinished
        Marks that were acknowledged, and are not told or not on disk: outlives crashes of rooms.
    elsewhere
        Told the `News` of memberships that begin, for the users' sessions on other nodes. None: there are none.
    """

    writer: Tell
    reader: Tell
    sizes: Sizes = DEFAULT_SIZES
    refs: Iterator[int] = field(default_factory=count)
    counts: RoomCounts = field(default_factory=RoomCounts)
    easing: Easing = field(default_factory=Easing)
    ownership: Ownership = field(default_factory=lambda: Alone(""))
    heads: HeadsTable = field(default_factory=HeadsTable)
    announcing: Announcing = field(default_factory=Announcing)
    unfinished: Unfinished = field(default_factory=Unfinished)
    elsewhere: Tell | None = None


class Beat(Struct, frozen=True):
    """To itself, once a second while there is something to do."""


BEAT: Final = Beat()


class Turn(Struct, frozen=True):
    """To itself: it is this room's turn to say who came and who went."""


TURN: Final = Turn()


class Behind(Struct, frozen=True):
    """To itself: there is more of what it was told while it opened."""


BEHIND: Final = Behind()


class RoomActor(Telling):
    """One incarnation of a room. Its key in the supervisor is the room's id."""

    __slots__ = ("_beating", "_environment", "_room")

    def __init__(self, environment: RoomEnvironment) -> None:
        super().__init__()
        self._environment = environment
        self._beating = False
        self._room: Room

    def started(self) -> None:
        address = self.address
        environment = self._environment
        room = str(address.name)
        self._room = Room(
            room, address, address.incarnation, environment.refs, environment.sizes, environment.announcing,
            environment.unfinished,
        )  # fmt: skip
        ownership = environment.ownership
        if ownership.is_mine(room):
            self._carry_out(self._room.started(trio.current_time(), is_inherited=ownership.is_inherited(room)))
        else:
            self.stop()

    @property
    def _counts(self) -> RoomCounts:
        return self._environment.counts

    @property
    def _easing(self) -> Easing:
        return self._environment.easing

    def _listens(self, session: Address) -> bool:
        return self._room.listens(session)

    def receive(self, message: object) -> None:
        room, now = self._room, trio.current_time()
        match message:
            case Request():
                effects = room.request(message, now)
            case Outcomes():
                effects = room.outcomes(message, now)
            case NextSlice():
                self._tell_next_slice()
                return
            case NextPortion():
                self._tell_next_portion()
                return
            case Forwarded():
                effects = room.forwarded(message, now)
            case Attach():
                effects = room.attach(message)
            case Admit():
                effects = room.admit(message)
            case Here():
                effects = room.here(message)
            case Subscribe():
                epoch = self._environment.ownership.epoch_of(str(self.address.name))
                effects = room.subscribe(Applicant(message, epoch))
            case Down(address=listener):
                effects = room.ended(listener)
            case Remind(session=session):
                effects = room.remind(session)
            case Done():
                effects = room.done(message, now)
            case Failed():
                effects = room.failed(message, now)
            case Beat():
                self._beating = False
                effects = room.beat(now)
            case Turn():
                effects = room.announce(now)
            case Behind():
                effects = room.go_on(now)
            case Appears():
                effects = room.appears(message)
            case MarksSaved():
                effects = room.saved(message)
            case BlockChange():
                effects = room.blocked(message)
            case HandOver():
                effects = room.hand_over(now)
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
            case GoOn():
                self.address.answer(BEHIND)
            case Announce(seconds=seconds):
                self.send_after(seconds, TURN)
            case Rest(clean=clean):
                self._stop_when_told(NORMAL if clean else MOVED)

    def _tell(self, effect: Ordered) -> None:
        super()._tell(effect)
        match effect:
            case FanOut(message=Delivered(epoch=epoch, entries=entries), to=relays):
                self._environment.heads.moved(str(self.address.name), epoch, entries[-1].seq or 0, relays)
            case TellUser(user=user, message=added, is_news=True) if self._environment.elsewhere is not None:
                self._environment.elsewhere.tell(News(user, added))
            case _:
                pass
