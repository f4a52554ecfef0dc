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

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVarTuple

from actors.introspect import taken_over
from actors.lifecycle import unwatch, watch
from actors.messages import NORMAL, Stop, Tell
from actors.request import send_request
from actors.threads import Work

if TYPE_CHECKING:
    from actors.address import Address
    from actors.reply import Reply
    from actors.system import System
    from actors.threads import Threads
    from actors.timers import Timer

Args = TypeVarTuple("Args")


class Actor:
    """One incarnation of an actor. Its supervisor makes a new one after a crash."""

    __slots__ = ("address",)

    address: Address
    """Its own address; set before `started`."""

    version: ClassVar[int | str] = 1
    """Which version of its code this class is; OTP's `-vsn`. What `code_change` of the next one is told."""

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
        """Called at an orderly end (its own `stop`, or its supervisor's), and when it falls with one it is linked to.

        Not after a crash of its own, when its state is not to be trusted. OTP's `terminate`.
        """

    @classmethod
    def code_change(cls, old_version: int | str, state: Any) -> Self:  # noqa: ANN401 - of a class that has no name any more
        """Make the object that goes on for one of another version of this class: OTP's `code_change`.

        Called by a hot code change. Unless it says otherwise, every slot that both classes have is taken over.

        Args:
            old_version: the `version` of the old class; a higher one when a change is taken back.
            state: the old object. It is to be left as it is: if the change fails, it goes on.

        Returns:
            The new object, of this class; it is given its address after that. Nothing else is called for it.

        Raises:
            AttributeError: this class has a slot that the old one has not, so what is in it has to be said here.
        """
        return taken_over(cls, state)

    @property
    def system(self) -> System:
        """The system it lives in: names, groups, dynamic supervisors."""
        return self.address._blueprint.system

    def watch(self, target: Address) -> None:
        """Be told `Down` once for every incarnation of `target` that ends, behind all that it had told
        before.

        Also when it is down already: then at once. The watch lasts over restarts of the target, until it has
        stopped for good, `unwatch`, or this incarnation ends. To watch again what is watched already changes
        nothing. Of one on another node it also ends with the link, by a `Down` with `Unreachable`.
        """
        watch(self.address, target)

    def unwatch(self, target: Address) -> None:
        """Watch no more. A `Down` that is already in the mailbox stays there."""
        unwatch(self.address, target)

    def link(self, target: Address) -> None:
        """Fall together from now on: when one of the two incarnations ends, the other ends with the same reason.

        But for `NORMAL`. To link with one that is down already is as if it had ended just after. To link again
        what is linked already changes nothing.

        Raises TypeError for an actor on another node: what a broken link between nodes should end is for each to say.
        """
        self.system.links.link(self.address, target)

    def unlink(self, target: Address) -> None:
        """Fall together no more; harmless if they are not linked."""
        self.system.links.unlink(self.address, target)

    def send_request(
        self, target: Tell, question: Callable[[Reply[Any]], object], *, seconds: float, label: object = None
    ) -> None:
        """Ask another actor or a task, and be told `Answer`, or `NoAnswer` with the reason, exactly once.

        As the function `ask`, with the same endings, but by a message; dies with this incarnation.

        Args:
            target: who is asked.
            question: makes the message, with the reply it is given in its attribute `reply_to`.
            seconds: how long to wait.
            label: what the answer is called, to tell it from others.
        """
        send_request(self.address, target, question, seconds, label)

    def offload(
        self,
        threads: Threads,
        function: Callable[[*Args], object],
        *args: *Args,
        seconds: float,
        label: object = None,
    ) -> None:
        """Have `function(*args)` called in a thread, and be told its result as an `Answer`, or a `NoAnswer`.

        Args:
            threads: which threads.
            function: may block; must not touch what belongs to actors.
            args: what it is called with.
            seconds: how long to wait; it is not begun later than that.
            label: what the answer is called, to tell it from others.
        """
        send_request(self.address, threads, partial(Work, partial(function, *args)), seconds, label)

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
