"""Asking: a question from a trio task to an actor, and the one-use address its answer goes to.

The rules:
- An ask ends with the answer, `Stopped`, `Crashed`, `Refused` or `TimedOut`; never in silence.
- Who is asked knows its open questions, so a crash or a stop ends them at once and not at their deadline.
- A `Reply` is used once. A second or a late answer is dropped, and harms nobody.

Between actors no `Reply` is needed: the message carries `reply_to=self.address` and a reference of the
asker's own, the answer comes back through `reply_to.answer(...)`, and `watch` tells if it never will.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar, cast

import trio

from actors.address import Address
from actors.errors import AskFailed, Refused, Stopped, TimedOut
from actors.messages import Tell

A = TypeVar("A")


class Reply(Generic[A]):
    """Where the answer to one question goes. Travels in the question's `reply_to`."""

    __slots__ = ("_answer", "_done", "_failure")

    def __init__(self) -> None:
        self._done = trio.Event()
        self._answer: A
        self._failure: AskFailed | None = None

    def tell(self, answer: object, /) -> bool:
        """Answer. False: nobody waits any more, or it was answered before.

        Takes any object, as every `Tell` does; `A` is what the one who asks expects.
        """
        if self._done.is_set():
            return False
        self._answer = cast(A, answer)
        self._done.set()
        return True

    def answer(self, answer: object, /) -> bool:
        """The same: a reply takes one answer."""
        return self.tell(answer)

    def fail(self, failure: AskFailed) -> None:
        """End the question without an answer."""
        if not self._done.is_set():
            self._failure = failure
            self._done.set()

    async def wait(self, seconds: float) -> A:
        """The answer. Raises `AskFailed` if it ended otherwise, `TimedOut` after `seconds`; then it takes none."""
        with trio.move_on_after(seconds):
            await self._done.wait()
        if not self._done.is_set():
            self.fail(TimedOut(f"no answer within {seconds:g} s"))
        failure, self._failure = self._failure, None
        if failure is None:
            return self._answer
        try:
            raise failure
        finally:
            del failure  # it holds this frame by its traceback: a reference cycle


async def ask(address: Tell, question: Callable[[Reply[A]], object], seconds: float) -> A:
    """Ask an actor from a trio task, and wait for its answer.

    Args:
        address: who is asked; with an `Inbox` or another `Tell`, only a refusal or the deadline ends a
            question early.
        question: makes the message, with the reply it is given in its attribute `reply_to`.
        seconds: how long to wait.

    Raises:
        Stopped: it has stopped, or stops before it answers.
        Crashed: it received the question, and crashed before it answered.
        Refused: its mailbox is full.
        TimedOut: no answer in time.
    """
    reply: Reply[A] = Reply()
    message = question(reply)
    if not isinstance(address, Address):
        if not address.tell(message):
            raise Refused(f"{address!r} has not taken the question")
        return await reply.wait(seconds)
    if not address.tell(message):
        raise Refused(f"{address.path} is full") if address.alive else Stopped(f"{address.path} has stopped")
    address._opened(reply)
    try:
        return await reply.wait(seconds)
    finally:
        address._settled(reply)
