"""Tracing: for a while, each message of one actor or of one class is shown to somebody (OTP's `dbg`, bounded).

The rules:
- Off, it costs nothing: nobody asks whether an actor is traced. A traced actor has a stand-in in its place, which
  shows the message and hands it on; a traced class has another `receive`. On, it costs about 3 us a message.
- A trace always ends: after its time, its number of messages, or `stop`. Who forgets it has not forgotten it for ever.
- What is traced never waits for who looks. A message that its mailbox refuses is counted as dropped.
- A trace of an actor follows it over restarts and changes of its code. A trace of a class shows those that are born
  meanwhile too. There is one at a time of each, as in OTP.

Shown are messages on the way in, before they are handled: the last one shown before a crash is the one to blame.
Left out: messages on the way out. They come in somewhere.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

import trio

from actors.actor import Actor
from actors.actor_code import calls_actor
from actors.address import Address
from actors.errors import AlreadyTraced, Lifeless
from actors.far_address import FarAddress
from actors.messages import Tell
from actors.suspending import living_actor, put_in_place

if TYPE_CHECKING:
    from actors.system import System


@dataclass(frozen=True, slots=True)
class Received:
    """A traced actor has taken a message out of its mailbox, and handles it next.

    Args:
        time: when, in seconds of trio's clock.
        address: who.
        incarnation: which of its lives.
        message: what.
    """

    time: float
    address: Address
    incarnation: int
    message: object


class Trace(ABC):
    """One trace. `stop` ends it early.

    Attributes:
        told: messages shown.
        dropped: messages that who looks has refused.
    """

    _period = 0.0

    def __init__(self, subject: Address | type[Actor], system: System, to: Tell, seconds: float, most: int) -> None:
        if seconds <= 0.0 or most < 1:
            raise ValueError(f"a trace lasts, and shows something: not {seconds} s and {most} messages")
        if subject in system.traces:
            raise AlreadyTraced(f"{subject!r} is traced already")
        self.told = 0
        self.dropped = 0
        self._subject = subject
        self._system = system
        self._to = to
        self._left = most
        self._begin()
        system.traces[subject] = self
        system.timers.add(seconds, self)

    @property
    def pending(self) -> bool:
        """Whether it has not ended yet."""
        return self._left > 0

    def stop(self) -> None:
        """End it. Harmless when repeated."""
        if self.pending:
            self._system.timers.cancelled()
            self._fire()

    def show(self, address: Address, message: object) -> None:
        """Tell who looks, unless it is the one that looks that is shown."""
        if not self.pending or address is self._to:
            return
        if self._to.tell(Received(trio.current_time(), address, address.incarnation, message)):
            self.told += 1
        else:
            self.dropped += 1
        if self._left == 1:
            self.stop()
        else:
            self._left -= 1

    def _fire(self) -> bool:
        """For the timers: its time is up."""
        self._left = 0
        del self._system.traces[self._subject]
        self._end()
        return False

    @abstractmethod
    def around(self, actor: Actor) -> Actor:
        """For the lifecycle: what is to stand in the place of a new incarnation."""

    @abstractmethod
    def behind(self, actor: Actor) -> Actor:
        """The actor itself, given what stands in its place."""

    @abstractmethod
    def _begin(self) -> None:
        """See to it that messages are shown."""

    @abstractmethod
    def _end(self) -> None:
        """Leave everything as it was found."""


class StandIn(Actor):
    """In the place of an actor that is traced: shows each message, and hands it on, as it does all else."""

    __slots__ = ("_trace", "actor")

    def __init__(self, actor: Actor, trace: Trace) -> None:
        self.actor = actor
        self.address = actor.address
        self._trace = trace

    @calls_actor
    def started(self) -> None:
        """Hand it on."""
        address = self.address  # noqa: F841 - see `actor_code`
        self.actor.started()

    @calls_actor
    def receive(self, message: object) -> None:
        """Show it, then hand it on."""
        address = self.address
        self._trace.show(address, message)
        self.actor.receive(message)

    @calls_actor
    def settled(self) -> None:
        """Hand it on."""
        address = self.address  # noqa: F841 - see `actor_code`
        self.actor.settled()

    @calls_actor
    def stopped(self, reason: object) -> None:
        """Hand it on."""
        address = self.address  # noqa: F841 - see `actor_code`
        self.actor.stopped(reason)


class ActorTrace(Trace):
    """The trace of one actor."""

    def __init__(self, address: Address, to: Tell, seconds: float, most: int) -> None:
        if not address.alive or isinstance(address, FarAddress):
            raise Lifeless(f"{address.path} has stopped, or is on another node")
        self._address = address
        super().__init__(address, address._blueprint.system, to, seconds, most)

    def around(self, actor: Actor) -> Actor:
        """The stand-in."""
        return StandIn(actor, self)

    def behind(self, actor: Actor) -> Actor:
        """Who the stand-in stands for."""
        return actor.actor if isinstance(actor, StandIn) else actor

    def _begin(self) -> None:
        if self._address.living:
            put_in_place(self._address, self.around(living_actor(self._address)))

    def _end(self) -> None:
        if self._address.living:
            put_in_place(self._address, self.behind(living_actor(self._address)))


class ClassTrace(Trace):
    """The trace of all actors of one class, but not of those of classes derived from it."""

    def __init__(self, actor_class: type[Actor], system: System, to: Tell, seconds: float, most: int) -> None:
        self._class = actor_class
        self._inherits = "receive" not in vars(actor_class)
        self._receive = actor_class.receive
        super().__init__(actor_class, system, to, seconds, most)

    def around(self, actor: Actor) -> Actor:
        """Nothing: it is its class that is traced."""
        return actor

    def behind(self, actor: Actor) -> Actor:
        """Nothing stands in its place."""
        return actor

    def _begin(self) -> None:
        receive = self._receive

        @calls_actor
        def shown(actor: Actor, message: object) -> None:
            address = actor.address
            if type(actor) is self._class:
                self.show(address, message)
            receive(actor, message)

        setattr(self._class, "receive", shown)  # noqa: B010 - a method is not assigned to otherwise

    def _end(self) -> None:
        if self._inherits:
            del self._class.receive
        else:
            setattr(self._class, "receive", self._receive)  # noqa: B010


def trace(address: Address, to: Tell, *, seconds: float, most: int = 1_000) -> Trace:
    """Show `to` each message that this actor receives, as `Received`.

    Args:
        address: whose messages.
        to: who looks: an inbox, or an actor's address.
        seconds: when the trace ends by itself.
        most: after how many messages, shown and dropped together, it ends before that.

    Raises:
        Lifeless: it has stopped for good, or is on another node: trace it there.
        AlreadyTraced: the last trace of it has not ended.
    """
    return ActorTrace(address, to, seconds, most)


def trace_class(system: System, actor_class: type[Actor], to: Tell, *, seconds: float, most: int = 1_000) -> Trace:
    """Show `to` each message that an actor of this class receives, as `trace` does for one.

    It is the class that is traced: actors whose code is changed to that of another leave it.
    """
    return ClassTrace(actor_class, system, to, seconds, most)
