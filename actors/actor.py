"""Actor: the class to subclass. State and one synchronous `receive`.

The rules for whoever writes one:
- `receive` never waits and never awaits. What is slow goes to a task, as a message, and comes back as one.
- An exception that leaves `receive`, `started` or `settled` is a crash: this incarnation and its state are
  gone, its supervisor decides what follows, and the mailbox is kept for the next one. Do not catch what you
  cannot mend.
- Declare `__slots__` in every subclass: without it each instance carries a dictionary that is larger than the
  state.
- Nobody calls the methods of another actor; hand out `self.address`, never `self`.

Left out: selective receive (it makes a mailbox a database; match on what you have asked instead), and stored
message handlers by type (a `match` in `receive` is checked for exhaustiveness, a table is not).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from actors.lifecycle import unwatch, watch
from actors.messages import NORMAL, Stop

if TYPE_CHECKING:
    from actors.address import Address
    from actors.system import System
    from actors.timers import Timer


class Actor:
    """One incarnation of an actor. Its supervisor makes a new one after a crash."""

    __slots__ = ("address",)

    address: Address
    """Its own address; set before `started`."""

    def started(self) -> None:
        """Called once in the life of each incarnation, before its first message. May tell, watch and set timers."""

    def receive(self, message: object) -> None:
        """Handle one message; synchronous."""
        raise NotImplementedError(f"{type(self).__qualname__} does not say how it receives a message")

    def settled(self) -> None:
        """Called after the last message of each activation: the place to send on what several messages have
        left.

        An activation is a run of messages that were waiting together. An actor without this hook pays nothing
        for it.
        """

    def stopped(self, reason: object) -> None:
        """Called at an orderly end (its own `stop`, or its supervisor's), not after a crash: OTP's `terminate`."""

    @property
    def system(self) -> System:
        """The system it lives in: names, groups, dynamic supervisors."""
        return self.address._blueprint.system

    def watch(self, target: Address) -> None:
        """Be told `Down` once for every incarnation of `target` that ends, behind all that it had told
        before.

        Also when it is down already: then at once. The watch lasts over restarts of the target, until it has
        stopped for good, `unwatch`, or this incarnation ends. To watch again what is watched already changes
        nothing.
        """
        watch(self.address, target)

    def unwatch(self, target: Address) -> None:
        """Watch no more. A `Down` that is already in the mailbox stays there."""
        unwatch(self.address, target)

    def send_after(self, seconds: float, message: object) -> Timer:
        """Be told `message` once, `seconds` from now, unless cancelled; dies with this incarnation."""
        return self.system.timers.after(self.address, seconds, message)

    def send_every(self, seconds: float, message: object) -> Timer:
        """Be told `message` every `seconds`, first in `seconds`, until cancelled; dies with this incarnation.

        A tick that finds the mailbox full is lost, and one that comes late does not make the next ones come
        faster.
        """
        return self.system.timers.every(self.address, seconds, message)

    def stop(self, reason: object = NORMAL) -> None:
        """End in order after the message that is being handled. An exception as the reason counts as a crash."""
        self.address.urgent(Stop(reason))
