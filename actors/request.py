"""A question from one actor to another, or to a task: the answer comes as a message (OTP's `send_request`).

The rules:
- It ends once, within its time: with an `Answer`, or with a `NoAnswer` that says why there is none. Either takes
  the place in the mailbox that the question has reserved.
- It belongs to the incarnation that asked. An answer to a former life is dropped, and one that waits in the
  mailbox when the incarnation ends goes with it.
- The question is its own timer: it stands in the heap of `timers.py`, so a deadline costs no second object.

Left out: OTP's collections of request ids. A label says which question it was, and `match` tells them apart.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from actors.address import Address, Extra
from actors.ask import put
from actors.errors import AskFailed, TimedOut
from actors.messages import Answer, NoAnswer, Tell
from actors.reply import Reply

if TYPE_CHECKING:
    from actors.timers import Timers

A = TypeVar("A")


class Question(Reply[A]):
    """An open question of an actor: where the answer goes, and the timer that ends it."""

    __slots__ = ("_asked", "_asker", "_incarnation", "_label", "_seconds", "_timers")

    _period = 0.0

    def __init__(self, asker: Address, asked: Tell, seconds: float, label: object, timers: Timers) -> None:
        self._asker: Address | None = asker
        self._incarnation = asker.incarnation
        self._asked: Tell | None = asked
        self._seconds = seconds
        self._label = label
        self._timers = timers

    @property
    def pending(self) -> bool:
        """Whether it has not ended yet."""
        return self._asker is not None

    @property
    def over(self) -> bool:
        """Whether nobody waits for the answer any more: it has ended, or the incarnation that asked has."""
        asker = self._asker
        return asker is None or not asker.living or asker.incarnation != self._incarnation

    def tell(self, answer: object, /) -> bool:
        """See `Reply.tell`."""
        return self.pending and self._end(Answer(self._label, answer))

    def fail(self, failure: AskFailed) -> None:
        """See `Reply.fail`."""
        if self.pending:
            self._end(NoAnswer(self._label, failure))

    def _fire(self) -> bool:
        """For the timers: its time is up."""
        self._parted(NoAnswer(self._label, TimedOut(f"no answer within {self._seconds:g} s")))
        return False

    def _end(self, message: Answer | NoAnswer) -> bool:
        taken = self._parted(message)
        self._timers.cancelled()
        return taken

    def _parted(self, message: Answer | NoAnswer) -> bool:
        """Let go of both sides, and tell the one that asked if it lives."""
        asker, asked, over = self._asker, self._asked, self.over
        self._asker = self._asked = None
        if isinstance(asked, Address):
            asked._settled(self)
        if asker is None or over:
            return False
        asker._more().answered = True
        return asker.answer(message)


def send_request(
    asker: Address, asked: Tell, question: Callable[[Reply[Any]], object], seconds: float, label: object
) -> None:
    """See `Actor.send_request`."""
    timers = asker._blueprint.system.timers
    reply: Question[Any] = Question(asker, asked, seconds, label, timers)
    message = question(reply)
    timers.add(seconds, reply)
    put(asked, message, reply)


def drop_answers(address: Address, extra: Extra) -> None:
    """The incarnation that asked is over: what was answered, and not received yet, is of no use to the next one."""
    extra.answered = False
    address._box = [message for message in address._box or () if not isinstance(message, (Answer, NoAnswer))]
