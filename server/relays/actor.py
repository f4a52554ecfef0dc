"""The relay as an actor: what it is told goes to the pure `Relay`, and the effects that come back are carried out.

To sessions it is the room: its key is the room's id, its mailbox as large, and what they hear of its end means the
same. What it forwards is bounded by the link to the owner's node, which refuses what is too much.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Final

import trio
from msgspec import Struct, field

from actors import NORMAL, Address, Down, Tell, Timer
from actors.distribution.remote_address import RemoteAddress
from server.metrics.counts import RoomCounts
from server.placement.ownership import Ownership
from server.protocol.errors import unavailable
from server.relays.effects import Effects, RelayEffect, Seek, ToOwner
from server.relays.messages import (
    Admitted,
    Answered,
    Delivered,
    HeadOf,
    NotSubscribed,
    PassedOn,
    Removed,
    Subscribed,
)
from server.relays.relay import PATIENT_SECONDS, QUIET_SECONDS, RETRY_SECONDS, Relay
from server.relays.window import Windows
from server.rooms.actor import ROOMS
from server.rooms.easing import Easing
from server.rooms.effects import Consult, FanOut, InTurn, Reply, Rest, TellUser, Unwatch, Watch
from server.rooms.messages import MOVED, Appears, Attach, HandOver, Orphaned, Remind, Request
from server.rooms.telling import NextPortion, NextSlice, Telling
from server.store.questions import Done, Failed

RELAYS: Final = "relays"
"""The id of the dynamic supervisor all relays live under; its keys are the rooms' ids."""
SEEKS_PER_SECOND: Final = 2_000
"""By all relays of a node that has a processor for itself, while the owners of their rooms cannot be reached: a tenth
of that."""


class RelayEnvironment(Struct, frozen=True):
    """What all relays of a node share.

    Attributes
    ----------
    node
        This node's name.
    reader
        The inbox of the store's reader.
    ownership
        Where the owner of a room is looked up.
    refs
        Gives the references of all relays.
    counts
        Where fan-outs are counted.
    easing
        Says when a large fan-out may go on.
    unanswered
        Which relays may ask owners now, and who waits for that: few people are let in while they are many.
    seeking
        The relays whose owner cannot be reached. Where a worker of 18,000 rooms lost the owner of all, each of them
        looked four times a second, and the worker did nothing else, not even say that it lives (docs/figures.md).
    processors
        What this process can count on: at most 1.
    """

    node: str
    reader: Tell
    ownership: Ownership
    refs: Iterator[int] = field(default_factory=lambda: count(1))
    counts: RoomCounts = field(default_factory=RoomCounts)
    easing: Easing = field(default_factory=Easing)
    unanswered: Windows = field(default_factory=Windows)
    seeking: set[Address] = field(default_factory=set)
    processors: float = 1.0

    @property
    def seek_seconds(self) -> float:
        """Until a relay looks again for its owner: all together may look so often a second."""
        return max(RETRY_SECONDS, len(self.seeking) / (SEEKS_PER_SECOND * self.processors))


class Beat(Struct, frozen=True):
    """To itself, while there is something to do."""


BEAT: Final = Beat()


class MayAsk(Struct, frozen=True):
    """To a relay: it may ask the owner of its room what it has to. It does when it has settled."""


MAY_ASK: Final = MayAsk()


class _NextBeat(Struct, frozen=True, gc=False):
    """`seconds`: after which it comes, as it was set."""

    seconds: float
    timer: Timer


class RelayActor(Telling):
    """One incarnation of a relay. Its key in the supervisor is the room's id."""

    __slots__ = ("_environment", "_next_beat", "_relay")

    def __init__(self, environment: RelayEnvironment) -> None:
        super().__init__()
        self._environment = environment
        self._next_beat: _NextBeat | None = None
        self._relay: Relay

    @property
    def _counts(self) -> RoomCounts:
        return self._environment.counts

    @property
    def _easing(self) -> Easing:
        return self._environment.easing

    def _listens(self, session: Address) -> bool:
        return self._relay.audience.user_of(session) is not None

    def started(self) -> None:
        address = self.address
        self._relay = Relay(str(address.name), address, address.incarnation, self._environment.refs)
        self._carry_out(self._relay.started(trio.current_time()))

    def receive(self, message: object) -> None:
        relay, now = self._relay, trio.current_time()
        match message:
            case Delivered():
                effects = relay.delivered(message, now)
            case Request():
                effects = relay.request(message, now)
            case Answered():
                effects = relay.answered(message, now)
            case NextSlice():
                self._tell_next_slice()
                return
            case PassedOn():
                effects = relay.passed_on(message)
            case Attach():
                relay.attach(message, now)
                effects = []
            case Down(address=address, reason=reason):
                effects = relay.ended(address, now, clean=reason is NORMAL)
            case Beat():
                self._next_beat = None
                effects = relay.beat(now)
            case _:
                effects = self._receive_rarer(message, now)
        self._carry_out(effects)

    def _receive_rarer(self, message: object, now: float) -> Effects:
        relay = self._relay
        match message:
            case Appears():
                relay.appears(message)
                return []
            case Admitted():
                return relay.admitted(message, now)
            case Removed():
                return relay.removed(message, now)
            case HeadOf():
                return relay.head(message, now)
            case Subscribed():
                self._carry_out(relay.subscribed(message, now))
                while waiting := relay.go_on(now):
                    self._carry_out(waiting)
                return []
            case NotSubscribed():
                return relay.not_subscribed(message, now)
            case Done():
                return relay.done(message, now)
            case Failed():
                relay.failed(message, now)
                return []
            case Remind(session=session):
                relay.remind(session)
                return []
            case MayAsk():
                return []
            case NextPortion():
                self._tell_next_portion()
                return []
            case HandOver():
                return relay.hand_over()
            case Orphaned():
                return relay.orphaned(now) if self._is_orphaned else []
            case _:
                raise TypeError(f"a relay is not told {type(message).__name__}")

    def settled(self) -> None:
        relay, now = self._relay, trio.current_time()
        may_ask = relay.wants_to_ask and self._may_ask(relay, now)
        self._carry_out(relay.settled(now, may_ask=may_ask))
        if not relay.is_unanswered:
            self._leave_window(is_answered=not relay.is_seeking)
        self._seeks(relay.is_seeking)

    def stopped(self, reason: object) -> None:
        self._leave_window(is_answered=False)
        self._seeks(False)

    def _may_ask(self, relay: Relay, now: float) -> bool:
        owner = relay.owner
        node = owner.node if isinstance(owner, RemoteAddress) else ""
        return self._environment.unanswered.enter(self.address, node, now, is_urgent=relay.is_large)

    def _leave_window(self, *, is_answered: bool) -> None:
        unanswered = self._environment.unanswered
        if self.address in unanswered:
            for successor in unanswered.leave(self.address, trio.current_time(), is_answered=is_answered):
                successor.answer(MAY_ASK)

    def _seeks(self, it_does: bool) -> None:
        seeking = self._environment.seeking
        if it_does:
            seeking.add(self.address)
        elif self.address in seeking:
            seeking.discard(self.address)
            if not seeking:
                seeking.clear()  # it keeps the size it had with a crowd in it: 31 bytes for each

    def _carry_out(self, effects: Effects) -> None:
        for effect in effects:
            self._do(effect)
        beat = self._next_beat
        if beat is None:
            if self._relay.restless:
                self._beat_in(self._beat_seconds)
        elif beat.seconds > QUIET_SECONDS:
            self._look_at_beat(beat)

    @property
    def _beat_seconds(self) -> float:
        seconds = self._relay.beat_seconds
        return max(seconds, self._environment.seek_seconds) if self._relay.is_seeking else seconds

    def _beat_in(self, seconds: float) -> None:
        self._next_beat = _NextBeat(seconds, self.send_after(seconds, BEAT))

    def _look_at_beat(self, beat: _NextBeat) -> None:
        """It is to come sooner now, or there is nothing to do any more: then one that is far away is not kept, because
        a node that is at rest has many relays."""
        relay = self._relay
        if not relay.restless:
            if beat.seconds >= PATIENT_SECONDS:
                beat.timer.cancel()
                self._next_beat = None
        elif (seconds := self._beat_seconds) < beat.seconds:
            beat.timer.cancel()
            self._beat_in(seconds)

    def _do(self, effect: RelayEffect) -> None:
        match effect:
            case FanOut() | InTurn() | TellUser():
                self._tell_in_order(effect)
            case Reply(to=to, message=message):
                to.answer(message)
            case ToOwner(to=owner, message=message):
                if not owner.tell(message):
                    self._carry_out(self._relay.not_taken(message, trio.current_time()))
            case Seek():
                self._seek()
            case Consult(question=question):
                if not self._environment.reader.tell(question):
                    self._relay.failed(Failed(question.ref, unavailable()), trio.current_time())
            case Watch(session=whom):
                self.watch(whom)
            case Unwatch(session=whom):
                self.unwatch(whom)
            case Rest(clean=clean):
                self._stop_when_told(NORMAL if clean else MOVED)

    @property
    def _is_orphaned(self) -> bool:
        """Whether it seeks an owner, or has one on a node that does not have the room any more. It may have found the
        next one already."""
        owner = self._relay.owner
        if owner is None:
            return True
        here = str(self.address.name)
        return isinstance(owner, RemoteAddress) and owner.node != self._environment.ownership.owner_of(here)

    def _seek(self) -> None:
        room = str(self.address.name)
        environment = self._environment
        owner = environment.ownership.owner_of(room)
        if owner == environment.node:
            self._carry_out(self._relay.hand_over())
            return
        found = None if owner is None else self._room_at(owner, room)
        self._relay.found(found)

    def _room_at(self, node: str, room: str) -> Address:
        distribution = self.system.distribution
        assert distribution is not None, "whoever has relays has other nodes"
        return distribution.child_address(node, ROOMS, room)
